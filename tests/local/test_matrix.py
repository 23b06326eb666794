"""Whatever ONTAP's time stamps and its sharing are: each file version is processed once.

Six combinations of the simulator's switches, so that every pair of values is in one; `make storm` runs all.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.storm import load, matrix
from lab.world import World
from tests.support.local import verify

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]


@pytest.fixture
def two_tasks(world: World) -> Iterator[None]:
    name, document = load.wanted(world)
    world.scale(2)
    world.wait_connected(world.wait_for_tasks(2))
    yield
    matrix.restore(world)
    load.want(world, name, document)
    world.scale(1)
    world.wait_connected(world.wait_for_tasks(1))


@pytest.mark.timeout(600)  # some 100 s on two free cores
@pytest.mark.usefixtures("two_tasks")
def test_each_file_version_is_processed_once_whatever_the_time_stamps_and_the_sharing(world: World) -> None:
    """What a test before this one lost on purpose stays lost, and nothing more is different."""
    before = verify(world, "--match", "path", allow_lost=100_000)
    told = [matrix.trial(world, combination) for combination in matrix.pairwise()]
    result = verify(world, "--match", "path", allow_lost=before["delivery"]["lost"])
    assert result["findings"] == before["findings"]
    assert result["outputs"]["doubled"] == 0
    assert result["outputs"]["files"] > before["outputs"]["files"]
    assert all(each.by_guard and each.stored for each in told), told
    assert sum(each.twice for each in told) > 0
