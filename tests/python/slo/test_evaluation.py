"""Objectives are judged by the points that CloudWatch gives, asked for as the alarm asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from fsxn_runtime.errors import MisconfiguredError, TransientError
from fsxn_runtime.slo import SLO_TARGETS, SloState, evaluate_slos
from fsxn_runtime.slo.catalogue import defaults
from fsxn_runtime.slo.core import by_period, judge
from fsxn_runtime.slo.model import Point, SloResult
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_800_000_000 - 1_800_000_000 % 300 + 107  # within a minute, and not where a period of the clock ends
CATALOGUE = defaults()
GAUGE, LATENCY, RATE = (SLO_TARGETS[name] for name in ("reconnect-time", "ingestion-latency", "success-rate"))


class CloudWatch:
    """Answers GetMetricStatistics with what it was given, and keeps what it was asked."""

    def __init__(self, values: Mapping[str, list[tuple[int, float]]]) -> None:
        self.values = values
        self.asked: list[dict[str, Any]] = []

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        datapoints = []
        for time, value in self.values.get(asked["MetricName"], []):
            datapoint: dict[str, Any] = {"Timestamp": datetime.fromtimestamp(time, UTC)}
            for statistic in asked.get("Statistics", []):
                datapoint[statistic] = value
            if "ExtendedStatistics" in asked:
                datapoint["ExtendedStatistics"] = dict.fromkeys(asked["ExtendedStatistics"], value)
            datapoints.append(datapoint)
        return {"Datapoints": datapoints}


def results(values: Mapping[str, list[tuple[int, float]]]) -> dict[str, SloResult]:
    found = evaluate_slos(CloudWatch(values), catalogue=CATALOGUE, now=NOW)
    return {result.slo_name: result for result in found}


def newest(target: Any, *values: float | None) -> list[tuple[int, float]]:
    """Points of the newest whole periods, oldest first."""
    end = NOW - NOW % 60
    times = [end - age * target.period_seconds for age in range(len(values), 0, -1)]
    return [(time, value) for time, value in zip(times, values, strict=True) if value is not None]


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ([30.0, 30.0, 30.0], SloState.VIOLATED),  # "< 30" is not met at 30
        ([29.999, 30.0, 30.0], SloState.MET),  # three in a row
        ([30.0, 30.0, 29.999], SloState.MET),
        ([40.0, 40.0, 40.0, None], SloState.VIOLATED),  # the newest is late: three points are there
        ([40.0], SloState.UNDECIDED),
        ([40.0, None, None], SloState.VIOLATED),  # bad, then silence: as the alarm
        ([0.0, None, None], SloState.MET),
        ([], SloState.NO_DATA),
    ],
)
def test_a_gauge_is_violated_after_three_bad_minutes(values: list[float | None], state: SloState) -> None:
    assert results({GAUGE.metric: newest(GAUGE, *values)})[GAUGE.name].state == state


@pytest.mark.parametrize(
    ("target", "bad", "good"), [(LATENCY, 5000.0, 4999.99), (RATE, 99.5, 99.51), (GAUGE, 30.0, 29.99)]
)
def test_the_threshold_itself_is_a_violation(target: Any, bad: float, good: float) -> None:
    assert results({target.metric: newest(target, bad, bad, bad)})[target.name].met is False
    assert results({target.metric: newest(target, good, good, good)})[target.name].met is True


def test_silence_after_one_bad_period_of_event_driven_work_is_no_violation() -> None:
    found = results({RATE.metric: newest(RATE, 0.0, None, None)})[RATE.name]
    assert (found.state, found.met, found.value) == (SloState.MET, True, 0.0)


def test_no_data_is_a_state_of_its_own() -> None:
    for found in results({}).values():
        assert (found.met, found.state, found.value, found.value_at) == (None, SloState.NO_DATA, None, None)


def test_data_older_than_the_alarm_looks_back_is_no_data() -> None:
    values = newest(GAUGE, 40.0, 40.0, *[None] * 5)
    assert results({GAUGE.metric: values})[GAUGE.name].state == SloState.NO_DATA


def test_the_value_is_that_of_the_newest_period_with_its_time() -> None:
    found = results({GAUGE.metric: newest(GAUGE, 1.0, 2.0, 3.0, None)})[GAUGE.name]
    assert (found.value, found.value_at, found.threshold) == (3.0, NOW - NOW % 60 - 120, 30)


def test_a_running_minute_is_not_judged() -> None:
    running = (NOW - NOW % 60, 40.0)
    found = results({GAUGE.metric: [*newest(GAUGE, 1.0, 1.0, 1.0), running]})[GAUGE.name]
    assert found.value == 1.0


def test_it_asks_as_the_alarm_asks() -> None:
    """A percentile as an extended statistic, every other as a statistic, in the alarm's periods."""
    cloudwatch = CloudWatch({})
    evaluate_slos(cloudwatch, catalogue=CATALOGUE, now=NOW)
    for asked, target in zip(cloudwatch.asked, CATALOGUE.targets.values(), strict=True):
        given = {form: asked[form] for form in ("Statistics", "ExtendedStatistics") if form in asked}
        form = "ExtendedStatistics" if target.statistic == "p99" else "Statistics"
        assert given == {form: [target.statistic]}
        assert (asked["Namespace"], asked["MetricName"]) == (CATALOGUE.namespace, target.metric)
        assert asked["Period"] == target.period_seconds
        assert asked["EndTime"].timestamp() == NOW - NOW % 60
        assert "Dimensions" not in asked


@pytest.mark.parametrize(
    ("error", "branch"),
    [
        (ClientError({"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "x"),
         MisconfiguredError),
        (ClientError({"Error": {"Code": "Throttling"}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "x"),
         TransientError),
        (EndpointConnectionError(endpoint_url="https://cloudwatch"), TransientError),
    ],
)  # fmt: skip
def test_an_error_of_the_api_is_an_error_and_never_no_data(error: Exception, branch: type) -> None:
    class Broken:
        def get_metric_statistics(self, **_: Any) -> dict[str, Any]:
            raise error

    with pytest.raises(branch, match="cloudwatch:GetMetricStatistics"):
        evaluate_slos(Broken(), catalogue=CATALOGUE, now=NOW)


values_of_periods = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from([0.0, 29.0, 30.0, 31.0])), max_size=12
)


@given(points=values_of_periods, data=st.data())
def test_the_order_of_points_and_repeated_times_never_change_the_answer(
    points: list[tuple[int, float]], data: st.DataObject
) -> None:
    end = NOW - NOW % 60
    made = [Point(end - age * 60, value) for age, value in points]
    shuffled = data.draw(st.permutations(made))
    assert judge(GAUGE, shuffled, end) == judge(GAUGE, made, end)


@given(points=values_of_periods)
def test_of_two_values_for_one_period_the_worse_counts(points: list[tuple[int, float]]) -> None:
    end = NOW - NOW % 60
    made = [Point(end - age * 60, value) for age, value in points]
    for target, worst in ((GAUGE, max), (replace(GAUGE, comparison="greater"), min)):
        for age, found in zip(range(6, 0, -1), by_period(target, made, end, 6), strict=True):
            mine = [value for at, value in points if at == age]
            assert found == (worst(mine) if mine else None)
