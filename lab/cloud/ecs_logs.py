"""The awslogs driver: container output to CloudWatch Logs, in batches, as the execution role."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from lab.cloud.ecs_roles import RoleSession
from lab.cloud.emulator import Emulator

LINE_LIMIT_BYTES = 16 * 1024  # Docker hands longer lines to a log driver in pieces of this size
BATCH_EVENTS = 1000  # PutLogEvents takes 10,000 events or 1 MiB: 1,000 lines of 1 KB
BATCH_BYTES = 900_000
LINGER_SECONDS = 0.5
QUEUE_LINES = 20_000  # the driver's blocking mode: a container that logs faster than this waits


@dataclass(frozen=True, slots=True)
class Destination:
    """A log stream and the role that writes it."""

    role: RoleSession
    group: str
    stream: str


class LogShipper:
    """Reads one container's output until it ends; writes it to a file and, with a destination, to its stream.

    Raises botocore's ClientError when the stream cannot be made: ECS does not start such a task.
    """

    def __init__(self, emulator: Emulator, local: Path, destination: Destination | None) -> None:
        self._emulator = emulator
        self._path = local
        self._destination = destination
        self._lines: queue.Queue[tuple[int, str] | None] = queue.Queue(QUEUE_LINES)
        self._threads: list[threading.Thread] = []
        if destination:
            self._credentials = destination.role.credentials()[0]
            self._logs = emulator.client("logs", self._credentials)
            self._logs.create_log_stream(logGroupName=destination.group, logStreamName=destination.stream)

    def follow(self, output: IO[bytes]) -> None:
        """Start reading `output` (the container's stdout and stderr)."""
        self._threads = [threading.Thread(target=self._read, args=(output,), name="log-read", daemon=True)]
        if self._destination:
            ship = threading.Thread(
                target=self._ship, args=(self._destination,), name="log-ship", daemon=True
            )
            self._threads.append(ship)
        for thread in self._threads:
            thread.start()

    def finish(self, seconds: float = 5.0) -> None:
        """Wait until the rest of the output has been sent; the container has ended."""
        for thread in self._threads:
            thread.join(seconds)

    def _read(self, output: IO[bytes]) -> None:
        with output, self._path.open("ab", buffering=0) as local:
            while line := output.readline(LINE_LIMIT_BYTES):
                local.write(line)
                if self._destination:
                    self._lines.put((int(time.time() * 1000), line.decode("utf-8", "replace").rstrip("\n")))
        self._lines.put(None)

    def _ship(self, destination: Destination) -> None:
        ended = False
        while not ended:
            batch: list[dict[str, Any]] = []
            size = 0
            deadline = time.monotonic() + LINGER_SECONDS
            while len(batch) < BATCH_EVENTS and size < BATCH_BYTES:
                try:
                    entry = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    break
                if entry is None:
                    ended = True
                    break
                if entry[1]:  # CloudWatch Logs refuses empty messages; the driver leaves them out
                    batch.append({"timestamp": entry[0], "message": entry[1]})
                    size += len(entry[1]) + 26  # the service counts 26 bytes for each event
            if batch:
                self._put(destination, batch)

    def _put(self, destination: Destination, batch: list[dict[str, Any]]) -> None:
        try:
            credentials, _ = destination.role.credentials()
            if credentials is not self._credentials:  # renewed
                self._credentials = credentials
                self._logs = self._emulator.client("logs", credentials)
            self._logs.put_log_events(
                logGroupName=destination.group, logStreamName=destination.stream, logEvents=batch
            )
        except (ClientError, BotoCoreError) as error:
            print(f"awslogs {destination.group}/{destination.stream}: {len(batch)} lines lost: {error}")
