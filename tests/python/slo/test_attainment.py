"""How an objective fared in a period: the share that was good, the worst value, kept or missed."""

from __future__ import annotations

import pytest
from fsxn_runtime.slo.catalogue import defaults
from fsxn_runtime.slo.core import attainment
from fsxn_runtime.slo.model import Attainment, Point
from hypothesis import given
from hypothesis import strategies as st

TARGETS = defaults().targets
START, HOUR = 1_800_000_000, 3_600


def fared(name: str, *values: float | None, samples: float = 1.0) -> Attainment:
    """An hour with a value in each of its first minutes; None is a silent minute."""
    points = [
        Point(START + 60 * place, value, samples) for place, value in enumerate(values) if value is not None
    ]
    return attainment(TARGETS[name], points, START, START + HOUR, 60)


def test_silent_periods_of_a_gauge_are_good_and_the_worst_value_has_its_time() -> None:
    found = fared("reconnect-time", 0.0, 40.0, None, 35.0)
    assert found.bad_pct == pytest.approx(100 * 2 / 60)
    assert found.used_pct == pytest.approx(found.bad_pct / 0.5 * 100)
    assert (found.worst, found.worst_at, found.kept) == (40.0, START + 60, False)


def test_the_share_of_executions_is_counted_by_samples_and_its_worst_value_is_the_least() -> None:
    found = fared("success-rate", 100.0, 99.8, 100.0)
    assert found.bad_pct == pytest.approx(0.2 / 3)
    assert (found.worst, found.kept) == (99.8, True)


def test_without_a_value_nothing_is_said() -> None:
    found = fared("reconnect-time")
    assert (found.bad_pct, found.used_pct, found.worst, found.worst_at, found.kept) == (None,) * 5


def test_points_outside_of_the_period_count_nothing() -> None:
    outside = [Point(START - 60, 999.0), Point(START + HOUR, 999.0), Point(START, 1.0)]
    found = attainment(TARGETS["reconnect-time"], outside, START, START + HOUR, 60)
    assert (found.bad_pct, found.worst) == (0.0, 1.0)


@given(st.lists(st.sampled_from([0.0, 29.9, 30.0, 500.0]), min_size=1, max_size=60))
def test_an_objective_is_kept_exactly_while_no_more_is_bad_than_may_be(values: list[float]) -> None:
    found = fared("reconnect-time", *values)
    bad = sum(value >= 30.0 for value in values)
    assert found.kept is (bad / 60 <= 0.005)
    assert found.worst == max(values)
