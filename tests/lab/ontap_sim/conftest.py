"""A simulator with a fake FPolicy server behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.ontap_sim.client import SimClient
from lab.ontap_sim.process import SimProcess
from tests.lab.ontap_sim.fake_server import FakeServer
from tests.support.emulator import emulator, emulator_process

__all__ = ["emulator", "emulator_process"]


class World:
    """One simulator, its volume's directory, and its ledger."""

    def __init__(self, process: SimProcess, volume: Path) -> None:
        self.process = process
        self.client: SimClient = process.client
        self.volume = volume

    def rows(self, kind: str = "", **having: object) -> list[dict[str, Any]]:
        """Read the ledger: rows of a kind that have these values."""
        rows = [json.loads(line) for line in Path(self.process.ready["ledger"]).read_text().splitlines()]
        wanted = having | ({"kind": kind} if kind else {})
        return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]

    def connect(self, server: FakeServer, **settings: Any) -> None:
        """Point the SVM at a server and wait for the connections of both nodes."""
        self.client.configure_fpolicy("svm1", [server.host], server.port, **settings)
        self.client.wait_connected("svm1")

    def ems(self, name: str) -> list[dict[str, Any]]:
        """List the messages of a name."""
        return self.rows("ems", name=name)

    def create(self, *paths: str, protocol: str = "NFS 3.0") -> list[dict[str, Any]]:
        """Let a client create empty files."""
        return self.client.operations(
            [{"op": "create", "path": path, "protocol": protocol} for path in paths]
        )


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Start simulators with one volume on each of some SVMs; keywords are switches."""
    running: list[SimProcess] = []

    def start_one(*, svm_count: int = 1, **switches: Any) -> World:
        directory = tmp_path / f"sim{len(running)}"
        volume = directory / "vol1"
        config = {
            "svms": [
                {"name": f"svm{n}", "volumes": [{"name": f"vol{n}", "directory": str(directory / f"vol{n}")}]}
                for n in range(1, svm_count + 1)
            ],
            "switches": {"retry_initial_seconds": 0.05, "retry_max_seconds": 0.1, **switches},
        }
        running.append(SimProcess(config, directory))
        return World(running[-1], volume)

    yield start_one
    for process in running:
        assert process.stop() == 0


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server that reads everything."""
    fake = FakeServer()
    yield fake
    fake.close()


@pytest.fixture
def other(server: FakeServer) -> Iterator[FakeServer]:
    """A second server, on another address and the same port."""
    fake = FakeServer("127.0.0.2", server.port)
    yield fake
    fake.close()
