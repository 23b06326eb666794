"""A simulated ONTAP, and clients for it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fsxn_runtime.ontap import OntapSecret

from lab.ontap_sim.process import SimProcess
from tests.support.emulator import emulator, emulator_process

__all__ = ["emulator", "emulator_process"]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimProcess]:
    directory = tmp_path_factory.mktemp("ontap")
    volumes = [{"name": name, "directory": str(directory / name)} for name in ("vol1", "vol2", "vol3")]
    with SimProcess({"svms": [{"name": "svm1", "volumes": volumes}]}, directory) as process:
        yield process


@pytest.fixture
def secret(simulator: SimProcess) -> OntapSecret:
    """The simulator's own account."""
    ready = simulator.ready
    return OntapSecret(
        username=ready["username"],
        password=ready["password"],
        management_ip=urlsplit(ready["rest"]).netloc,
        ca_certificate=Path(ready["certificate"]).read_text(),
    )


@pytest.fixture
def unused_port() -> Callable[[], int]:
    """Ports on which nobody listens."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find
