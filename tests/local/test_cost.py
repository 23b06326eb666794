"""What files use is what the cost model estimates for them, quantity by quantity."""

from __future__ import annotations

import pytest

from lab.cost import LIMITS, Meter, outside
from lab.world import World
from tests.support.local import SETTLE_SECONDS

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]


def test_what_a_storm_uses_is_what_is_estimated(world: World) -> None:
    world.settle(SETTLE_SECONDS)
    meter = Meter(world)
    world.sim.storm(200, seed=11, folder="/cost")
    world.settle(SETTLE_SECONDS)
    rows = meter.compare()
    assert {row["quantity"] for row in rows} == set(LIMITS)
    assert outside(rows) == [], rows
