"""The real server as a process, and a node made of a plain socket."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.server.frames import handshake, notification
from tests.support.fake_sqs import FakeSqs
from tests.support.waiting import wait_until


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """`fpolicy-server run` with its own ports, delivering to a fake SQS."""

    def __init__(self, sqs: FakeSqs, log: Path, port: int = 0, **settings: str) -> None:
        self.port, self.health_port = port or free_port(), free_port()
        self.nodes: list[Node] = []
        self._log = log
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": sqs.url,
            "SQS_QUEUE_URL": sqs.queue_url("ingestion"),
            "FPOLICY_QUARANTINE_URL": sqs.queue_url("quarantine"),
            "FPOLICY_LISTEN": f"127.0.0.1:{self.port}",
            "FPOLICY_HEALTH_LISTEN": f"127.0.0.1:{self.health_port}",
            "FPOLICY_DRAIN_IDLE_MS": "200",
            "FPOLICY_SHUTDOWN_DEADLINE_SECONDS": "20",
            **settings,
        }
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fpolicy_server.main"], env=environment, stdout=output, stderr=output
            )
        wait_until(lambda: self.answers("/readyz"))

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return self._log.read_text()

    def answers(self, path: str) -> bool:
        """Whether a health path answers 200."""
        assert self.process.poll() is None, self.log
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}{path}", timeout=5):
                return True
        except OSError:
            return False

    def metrics(self) -> str:
        """All of /metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def metric(self, name: str) -> float:
        """One value of /metrics."""
        lines = self.metrics().splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[-1])

    def node(self, number: int = 0, *, port: int = 0, send_buffer_bytes: int = 0) -> Node:
        """Connect a node, through another port when one is given."""
        node = Node(port or self.port, number, send_buffer_bytes)
        self.nodes.append(node)
        return node

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the exit status."""
        self.process.send_signal(signum)
        return self.process.wait(40)


@contextlib.contextmanager
def running(sqs: FakeSqs, log: Path, port: int = 0, **settings: str) -> Iterator[ServerProcess]:
    """A server process that is killed at the end, if it still lives."""
    server = ServerProcess(sqs, log, port, **settings)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait(10)
        for node in server.nodes:
            node.close()


class Node:
    """One node's connection. `written` counts the notifications that the kernel took from it."""

    def __init__(self, port: int, number: int, send_buffer_bytes: int) -> None:
        self.socket = socket.socket()
        if send_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(handshake(session_id=f"session-{number}"))
        assert b"NEGO_RESP" in self.socket.recv(4096)
        self.number = number
        self.written = 0
        self.heard = b""
        self._is_told_to_stop = threading.Event()

    def send(self, count: int) -> None:
        """Write so many notifications, numbered on."""
        for _ in range(count):
            self.socket.sendall(notification(self.written, path=f"/{self.number}/{self.written}"))
            self.written += 1

    def storm(self, *, obeys_back_pressure: bool) -> threading.Thread:
        """Write as fast as possible until the server asks to pause, or ends its stream; then close."""

        def listen() -> None:
            with contextlib.suppress(OSError):
                while data := self.socket.recv(4096):
                    self.heard += data
                    if obeys_back_pressure and b"BACK_PRESSURE_APPLY" in self.heard:
                        break
            self._is_told_to_stop.set()

        def write() -> None:
            with contextlib.suppress(OSError):
                while not self._is_told_to_stop.is_set():
                    self.send(1)
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)

        threading.Thread(target=listen, daemon=True).start()
        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def paths(sqs: FakeSqs, queue: str = "ingestion") -> list[str]:
    """The paths of all events that the queue accepted, in envelopes or alone."""
    found = []
    for message in sqs.messages(queue):
        found += [event["file_path"] for event in message.get("events", [message])]
    return found
