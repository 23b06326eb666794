"""A local AWS, a simulated ONTAP, and a fresh account with its secret for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from lab.cloud.emulator import Emulator
from lab.ontap_sim.process import SimProcess
from tests.support.emulator import emulator, emulator_process  # noqa: F401 (fixtures)
from tests.support.rotation_world import RotationWorld, make_account, make_stand_in

MakeWorld = Callable[[], RotationWorld]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimProcess]:
    directory = tmp_path_factory.mktemp("ontap")
    volumes = [{"name": "vol1", "directory": str(directory / "vol1")}]
    with SimProcess({"svms": [{"name": "svm1", "volumes": volumes}]}, directory) as process:
        yield process


@pytest.fixture(scope="module")
def secrets_manager(emulator: Emulator) -> Emulator:  # noqa: F811 (the fixture)
    make_stand_in(emulator)
    return emulator


@pytest.fixture
def make_world(secrets_manager: Emulator, simulator: SimProcess) -> Iterator[MakeWorld]:
    def make() -> RotationWorld:
        username = f"automation{next(_numbers)}"
        make_account(simulator.client, username)
        return RotationWorld(secrets_manager, simulator, username)

    yield make
    simulator.client.clear_faults()


@pytest.fixture
def rotating(make_world: MakeWorld) -> RotationWorld:
    return make_world()
