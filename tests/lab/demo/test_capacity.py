"""The figures of the chapter about capacity, without a laboratory."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from lab.demo.capacity import (
    DAILY_CAP_GIB,
    DAILY_GIB,
    MOVED_IN_GIB,
    PAST_DAYS,
    PAST_HOURS,
    USED_GIB,
    VOLUME_GIB,
    grown_gib,
    past,
    seconds_to_midnight,
)
from lab.demo.outside import GIB
from lab.premises import SSD_GIB


def test_the_past_grows_evenly_and_ends_with_what_is_held_now():
    points = past(USED_GIB, DAILY_GIB, PAST_DAYS, PAST_HOURS)
    assert [points[0][0], points[-1]] == [PAST_DAYS * 86_400, [0, USED_GIB * GIB]]
    steps = {round((later - earlier) / GIB, 6) for (_, earlier), (_, later) in pairwise(points)}
    assert steps == {round(DAILY_GIB * PAST_HOURS / 24, 6)}
    assert min(held for _, held in points) > 0


def test_a_grown_resource_holds_seven_tenths_of_its_size_and_sizes_are_whole_mib():
    assert grown_gib(700) == 1000
    assert grown_gib(400, daily_gib=10) == 1000
    size = grown_gib(1300)
    assert size * 1024 == int(size * 1024)
    assert 0.6999 < 1300 / size <= 0.7


def test_the_figures_lead_where_the_chapter_goes():
    """The first growth fits the daily cap, the second does not; only the last filling is too much for SSD."""
    first, second, third = grown_gib(USED_GIB, DAILY_GIB), *map(grown_gib, MOVED_IN_GIB[:2])
    assert (VOLUME_GIB - USED_GIB) / DAILY_GIB < 30
    assert first - VOLUME_GIB <= DAILY_CAP_GIB < second - VOLUME_GIB
    sizes = (first, second, second)
    assert all(used / size >= 0.8 for used, size in zip(MOVED_IN_GIB, sizes, strict=True))
    assert third > second
    assert [used / SSD_GIB >= 0.8 for used in MOVED_IN_GIB] == [False, False, True]
    assert grown_gib(MOVED_IN_GIB[2]) >= SSD_GIB * 1.1
    assert grown_gib(MOVED_IN_GIB[2]) - SSD_GIB <= DAILY_CAP_GIB


@pytest.mark.parametrize(
    ("clock", "seconds"), [("23:59:59.5", 0.5), ("00:00:00", 86_400.0), ("12:00:00", 43_200.0)]
)
def test_the_day_ends_at_midnight(clock: str, seconds: float):
    assert seconds_to_midnight(datetime.fromisoformat(f"2026-12-31T{clock}").replace(tzinfo=UTC)) == seconds


@pytest.mark.parametrize("used", [0.5, 800.0, 1299.999])
def test_a_size_is_never_below_what_was_aimed_at(used: float):
    assert grown_gib(used) >= used / 0.7
