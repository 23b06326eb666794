"""One container of a task as a local process: start, health check, stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

# Becomes the container's command. 1 is PR_SET_PDEATHSIG: the kernel ends it with the thread that started it.
_EXEC = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execvp(sys.argv[1], sys.argv[1:])"


class HealthCheck:
    """The healthCheck block of a container definition, run from a thread of its own.

    `status` is UNKNOWN until the first success or the last allowed failure, then HEALTHY or UNHEALTHY.
    Defaults (AWS API model, HealthCheck): interval 30 s, timeout 5 s, 3 retries, no start period.
    """

    def __init__(self, block: Mapping[str, Any], environment: Mapping[str, str], directory: Path) -> None:
        kind, *words = block["command"]
        self._command = ["/bin/sh", "-c", " ".join(words)] if kind == "CMD-SHELL" else words
        self._environment = dict(environment)
        self._directory = directory
        self._interval: float = block.get("interval", 30)
        self._timeout: float = block.get("timeout", 5)
        self._retries: int = block.get("retries", 3)
        self._start_period: float = block.get("startPeriod", 0)
        self._ended = threading.Event()
        self.status = "UNKNOWN"
        self._thread = threading.Thread(target=self._run, name="ecs-health", daemon=True)

    def start(self) -> None:
        """Begin checking: first after one interval."""
        self._thread.start()

    def stop(self) -> None:
        """Check no more."""
        self._ended.set()

    def _run(self) -> None:
        started = time.monotonic()
        failures = 0
        while not self._ended.wait(self._interval):
            if self._succeeds():
                failures = 0
                self.status = "HEALTHY"
            elif self.status == "HEALTHY" or time.monotonic() - started > self._start_period:
                failures += 1
                if failures >= self._retries:
                    self.status = "UNHEALTHY"

    def _succeeds(self) -> bool:
        try:
            done = subprocess.run(
                self._command,
                env=self._environment,
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=self._timeout,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0


class Container:
    """A running container: its process, and its health check if the definition has one."""

    def __init__(
        self,
        definition: Mapping[str, Any],
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: Path,
        loopback: str,
    ) -> None:
        self.name: str = definition["name"]
        self.essential: bool = definition.get("essential", True)
        self.stop_timeout: float = definition.get("stopTimeout", 30)  # 30 s: Fargate's default
        self._kill_at: float | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _EXEC, *command],
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.health: HealthCheck | None = None
        if block := definition.get("healthCheck"):
            # In a task the loopback address is the task's own network; here that is the task's address.
            words = [
                w.replace("localhost", loopback).replace("127.0.0.1", loopback) for w in block["command"]
            ]
            self.health = HealthCheck({**block, "command": words}, environment, directory)
            self.health.start()

    @property
    def pid(self) -> int:
        """The process that ECS signals."""
        return self._process.pid

    @property
    def output(self) -> IO[bytes]:
        """stdout and stderr."""
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def exit_code(self) -> int | None:
        """None while it runs; 128 + signal number when a signal ended it, as container runtimes report."""
        code = self._process.poll()
        return 128 - code if code is not None and code < 0 else code

    @property
    def health_status(self) -> str:
        """HEALTHY, UNHEALTHY or UNKNOWN."""
        return self.health.status if self.health else "UNKNOWN"

    def begin_stop(self) -> None:
        """SIGTERM now; `advance` sends SIGKILL after the stop timeout."""
        if self.health:
            self.health.stop()
        if self._kill_at is None and self.exit_code is None:
            self._kill_at = time.monotonic() + self.stop_timeout
            self.signal(signal.SIGTERM)

    def advance(self) -> None:
        """Keep the stop timeout."""
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self.kill()

    def signal(self, number: int) -> None:
        """Send a signal to the main process."""
        if self.exit_code is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process and all it started, at once."""
        if self.health:
            self.health.stop()
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def wait(self, seconds: float) -> None:
        """Wait for the end. Raises subprocess.TimeoutExpired."""
        self._process.wait(seconds)
