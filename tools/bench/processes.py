"""The processes of a measurement: the server on one core, everything else on the others."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

TICK: Final = os.sysconf("SC_CLK_TCK")
CORES: Final = sorted(os.sched_getaffinity(0))
SERVER_CORE: Final = {CORES[-1]}
OTHER_CORES: Final = set(CORES[:-1]) or set(CORES)


class Measured:
    """A running process: its processor time and its memory."""

    def __init__(self, process: subprocess.Popen[Any]) -> None:
        self.process = process

    def cpu_seconds(self) -> float:
        """User and system time so far (proc(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident_mb(self) -> float:
        """Resident memory in 10^6 bytes."""
        line = next(
            line
            for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
            if line.startswith("VmRSS")
        )
        return int(line.split()[1]) * 1024 / 1e6


class FakeQueue:
    """The process of `fake_queue`, and what it saw."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.port = int(process.stdout.readline())

    def arrived(self) -> dict[str, Any]:
        """What it accepted since the last `forget`."""
        return dict(json.loads(self._ask("GET", "/")))

    def forget(self) -> None:
        """Start anew."""
        self._ask("DELETE", "/")

    def refuse(self, is_refusing: bool) -> None:
        """Say what becomes of calls."""
        self._ask("PUT", "/refuse" if is_refusing else "/accept")

    def _ask(self, method: str, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path)
            return connection.getresponse().read()
        finally:
            connection.close()


class Server(Measured):
    """The real server."""

    def __init__(self, process: subprocess.Popen[str], port: int, health_port: int) -> None:
        super().__init__(process)
        self.port = port
        self._health_port = health_port

    def metric(self, name: str) -> float:
        """One value of /metrics; 0 while the server does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._health_port, timeout=60)
        try:
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
        except OSError:
            return 0.0
        finally:
            connection.close()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[-1])


@contextlib.contextmanager
def started(cores: set[int], *command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a module of ours on these cores until the body is done."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE if command[0].endswith("fake_queue") else subprocess.DEVNULL,
        text=True,
    )
    try:
        os.sched_setaffinity(process.pid, cores)
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def server(
    queue: FakeQueue, volume_map: Path, settings: Mapping[str, str] | None = None, *, is_null: bool = False
) -> Iterator[Server]:
    """Run the server on its core, ready for nodes."""
    port, health_port = free_port(), free_port()
    environment = {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{queue.port}",
        "SQS_QUEUE_URL": f"http://127.0.0.1:{queue.port}/000000000000/ingestion",
        "FPOLICY_QUARANTINE_URL": f"http://127.0.0.1:{queue.port}/000000000000/quarantine",
        "FPOLICY_LISTEN": f"127.0.0.1:{port}",
        "FPOLICY_HEALTH_LISTEN": f"127.0.0.1:{health_port}",
        "FPOLICY_VOLUME_MAP": str(volume_map),
        "LOG_LEVEL": "ERROR",
        **(settings or {}),
    }
    module = "tools.bench.null_server" if is_null else "fpolicy_server.main"
    with started(SERVER_CORE, module, **environment) as process:
        until(lambda: _answers(port))
        yield Server(process, port, health_port)


def until(condition: Callable[[], object], seconds: float = 300.0) -> None:
    """Wait for a condition. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true within {seconds} s")
        time.sleep(0.01)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
