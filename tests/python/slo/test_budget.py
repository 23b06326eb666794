"""Error budgets: what was bad, how much of the budget that is, and how fast it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fsxn_runtime.errors import MisconfiguredError, TransientError
from fsxn_runtime.slo import SLO_TARGETS, Budget, error_budgets
from fsxn_runtime.slo.catalogue import defaults
from fsxn_runtime.slo.core import bad_pct, bad_periods, burn
from fsxn_runtime.slo.model import BurnRate, Point
from hypothesis import given
from hypothesis import strategies as st

END = 1_800_000_000 - 1_800_000_000 % 300
DAY = 86_400
CATALOGUE = defaults()
HOUR = CATALOGUE.burn_rates["hour"]
GAUGE, LATENCY, RATE = (SLO_TARGETS[name] for name in ("reconnect-time", "ingestion-latency", "success-rate"))


def minutes(values: dict[int, float]) -> list[Point]:
    """Points of the gauge by minutes before the end, 1 the newest."""
    return [Point(END - age * 60, value) for age, value in values.items()]


class CloudWatch:
    """GetMetricData over points by metric; gives them in two pages, the newest first."""

    def __init__(self, points: dict[str, list[Point]], status: str = "Complete") -> None:
        self.points = points
        self.status = status
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, name: str) -> CloudWatch:
        assert name == "get_metric_data"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(asked)
        start, end = asked["StartTime"].timestamp(), asked["EndTime"].timestamp()
        results = []
        for query in asked["MetricDataQueries"]:
            stat = query["MetricStat"]
            points = [p for p in self.points.get(stat["Metric"]["MetricName"], []) if start <= p.time < end]
            values = [p.samples if stat["Stat"] == "SampleCount" else p.value for p in points]
            results.append((query["Id"], points, values))
        for part in (slice(1, None), slice(0, 1)):
            yield {
                "MetricDataResults": [
                    {
                        "Id": query_id,
                        "Timestamps": [datetime.fromtimestamp(p.time, UTC) for p in points[part]],
                        "Values": values[part],
                        "StatusCode": self.status,
                    }
                    for query_id, points, values in results
                ]
            }


def budgets(points: dict[str, list[Point]]) -> dict[str, Budget]:
    found = error_budgets(CloudWatch(points), catalogue=CATALOGUE, now=END)
    return {budget.slo_name: budget for budget in found}


def test_a_gauges_budget_is_the_share_of_bad_time_of_all_time() -> None:
    """Half a percent of 28 days are 3.36 hours; 84 bad five-minute periods are 7 hours: spent twice over."""
    bad = [Point(END - 10 * DAY - place * 300, 30.0) for place in range(84)]
    found = budgets({GAUGE.metric: bad})[GAUGE.name]
    assert found.bad_pct == pytest.approx(100 * 84 / 8064)
    assert found.consumed_pct == pytest.approx(100 * 7 / 3.36)
    assert (found.unit, found.is_spent) == ("periods", True)
    assert [each.burning for each in found.burns] == [False] * 4


def test_the_success_rates_budget_is_the_share_of_failed_executions() -> None:
    """Of 1,000 executions two failed, in a period with few of them: 0.2 % of 0.5 % allowed."""
    points = [Point(END - 5 * DAY, 100.0, 980.0), Point(END - 4 * DAY, 90.0, 20.0)]
    found = budgets({RATE.metric: points})[RATE.name]
    assert found.bad_pct == pytest.approx(0.2)
    assert found.consumed_pct == pytest.approx(40.0)
    assert (found.unit, found.is_spent) == ("samples", False)


def test_without_data_there_is_no_share_and_no_burning() -> None:
    for found in budgets({}).values():
        assert (found.bad_pct, found.consumed_pct, found.is_spent) == (None, None, False)
        assert {(each.long, each.short, each.burning) for each in found.burns} == {(None, None, False)}


def test_it_burns_only_while_both_windows_are_above_the_rate() -> None:
    """14.4 times half a percent of an hour are 4.32 minutes: five bad ones are more, four are not."""
    good = minutes(dict.fromkeys(range(1, 61), 0.0))
    five_now = minutes(dict.fromkeys(range(1, 6), 30.0))
    five_before = minutes(dict.fromkeys(range(6, 11), 30.0))
    assert burn(GAUGE, HOUR, [*good, *five_now], END).burning
    assert not burn(GAUGE, HOUR, [*good, *five_now[:4]], END).burning
    over = burn(GAUGE, HOUR, [*good, *five_before], END)
    assert (over.burning, over.short) == (False, 0.0)


def test_a_burning_pair_is_a_finding_before_the_budget_is_spent() -> None:
    found = budgets({GAUGE.metric: minutes(dict.fromkeys(range(1, 11), 30.0))})[GAUGE.name]
    assert (found.consumed_pct or 0) < 10
    assert found.is_spent
    assert {each.name for each in found.burns if each.burning} == {"hour"}


def test_a_long_window_is_read_in_periods_that_cloudwatch_keeps() -> None:
    cloudwatch = CloudWatch({})
    error_budgets(cloudwatch, catalogue=CATALOGUE, now=END)
    for asked in cloudwatch.asked:
        age = END - asked["StartTime"].timestamp()
        periods = {query["MetricStat"]["Period"] for query in asked["MetricDataQueries"]}
        assert periods == {300} if age > 15 * DAY else periods <= {60, 300}


@pytest.mark.parametrize(
    ("status", "branch"), [("Forbidden", MisconfiguredError), ("InternalError", TransientError)]
)
def test_an_answer_that_is_none_is_an_error(status: str, branch: type) -> None:
    with pytest.raises(branch, match=status):
        error_budgets(CloudWatch({}, status), catalogue=CATALOGUE, now=END)


# Rates and windows of the catalogue; bad minutes anywhere in the long window.
@given(
    rate=st.sampled_from([r for r in CATALOGUE.burn_rates.values() if r.long_seconds <= 21_600]),
    ages=st.sets(st.integers(1, 60), max_size=60),
    objective=st.sampled_from([95.0, 99.0, 99.5, 99.9]),
)
def test_a_pair_burns_when_both_windows_have_the_bad_periods_that_their_alarms_count(
    rate: BurnRate, ages: set[int], objective: float
) -> None:
    target = replace(GAUGE, objective_pct=objective)
    points = minutes({age: 31.0 if age in ages else 0.0 for age in range(1, rate.long_seconds // 60 + 1)})
    wanted = all(
        sum(age * 60 <= seconds for age in ages) >= bad_periods(target, rate.rate, seconds)
        for seconds in (rate.long_seconds, rate.short_seconds)
    )
    assert burn(target, rate, points, END).burning == wanted


@given(points=st.lists(st.tuples(st.integers(1, 70), st.floats(0, 60)), max_size=80))
def test_a_share_is_between_nothing_and_all(points: list[tuple[int, float]]) -> None:
    found = bad_pct(GAUGE, [Point(END - age * 60, value) for age, value in points], END, 3600)
    assert found is None or 0.0 <= found <= 100.0


@given(
    values=st.lists(
        st.tuples(st.sampled_from([0.0, 50.0, 100.0]), st.integers(1, 9)), min_size=1, max_size=12
    )
)
def test_how_samples_are_spread_over_periods_never_changes_their_share(
    values: list[tuple[float, int]],
) -> None:
    points = [Point(END - (place + 1) * 300, value, float(n)) for place, (value, n) in enumerate(values)]
    count = sum(n for _, n in values)
    whole = Point(END - 300, sum(value * n for value, n in values) / count, float(count))
    assert bad_pct(RATE, points, END, 3600) == pytest.approx(bad_pct(RATE, [whole], END, 3600))
