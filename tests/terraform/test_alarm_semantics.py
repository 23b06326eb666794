"""What alarms of production do by CloudWatch's rules, which the local AWS lacks: silence, one bad point."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from fsxn_runtime.slo.alarm_rules import AlarmRule, AlarmState, Comparison, evaluate
from hypothesis import given
from hypothesis import strategies as st

from tests.support.alarm_rules import rule_of_alarm
from tests.terraform.conftest import Evaluate

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-roots")]

# Something publishes these all the time, so silence means that it does not run. Everything else stays as it
# is, or OK, when nothing comes. A change here changes who is woken up by an outage of metrics.
HEARTBEATS = {
    "access-point-silent",
    "content-inventory-poll-behind",
    "forecast-missing",
    "fpolicy-connections",
    "fpolicy-reconcile-missing",
    "lineage-export-behind",
    "ontap-canary-silent",
    "rotation-overdue",
}
# Alarms that silence leaves in INSUFFICIENT_DATA, where nobody is told: another alarm tells
# (reconcile-missing, connections), or FSx itself has stopped publishing.
UNKNOWN_IN_SILENCE = {"expansion-ssd", "slo-reconnect-time", "slo-replay-completion"}


@pytest.fixture(scope="module")
def rules(evaluated: Evaluate) -> dict[str, AlarmRule]:
    """Every metric alarm of production, by its name without the prefix."""
    return {
        resource["values"]["alarm_name"].removeprefix("fsxn-s3ap-"): rule_of_alarm(resource["values"])
        for resource in evaluated("production")
        if resource["type"] == "aws_cloudwatch_metric_alarm"
    }


def near(rule: AlarmRule, *, is_bad: bool) -> float:
    """The value next to the threshold on its bad or its good side."""
    up = rule.comparison in (Comparison.GREATER, Comparison.GREATER_OR_EQUAL)
    return math.nextafter(rule.threshold, math.inf if up is is_bad else -math.inf)


def states(rule: AlarmRule, points: list[float | None]) -> Iterator[AlarmState]:
    """The state after each point, from OK on."""
    state = AlarmState.OK
    for count in range(1, len(points) + 1):
        state = evaluate(rule, points[:count], state)
        yield state


def silence(rule: AlarmRule) -> list[float | None]:
    return [None] * (rule.evaluation_range + 1)


def test_silence_raises_exactly_the_heartbeats(rules: dict[str, AlarmRule]) -> None:
    raised = {name for name, rule in rules.items() if AlarmState.ALARM in states(rule, silence(rule))}
    assert raised == HEARTBEATS


def test_silence_is_unknown_only_where_a_heartbeat_tells(rules: dict[str, AlarmRule]) -> None:
    unknown = {
        name for name, rule in rules.items() if AlarmState.INSUFFICIENT_DATA in states(rule, silence(rule))
    }
    assert unknown == UNKNOWN_IN_SILENCE


def test_an_alarm_is_raised_by_its_number_of_bad_points_and_by_none_fewer(
    rules: dict[str, AlarmRule],
) -> None:
    for name, rule in rules.items():
        good = near(rule, is_bad=False)
        before: list[float | None] = [good] * rule.evaluation_range
        enough = [*before, *[near(rule, is_bad=True)] * rule.datapoints_to_alarm]
        assert evaluate(rule, enough) is AlarmState.ALARM, name
        assert evaluate(rule, enough[:-1]) is AlarmState.OK, name


def test_a_state_is_left_again_when_points_are_good(rules: dict[str, AlarmRule]) -> None:
    for name, rule in rules.items():
        good = near(rule, is_bad=False)
        assert evaluate(rule, [good] * rule.evaluation_periods, AlarmState.ALARM) is AlarmState.OK, name


@given(data=st.data())
def test_one_bad_point_among_silence_raises_only_alarms_of_one_point_heartbeats_and_unknowns(
    data: st.DataObject, rules: dict[str, AlarmRule]
) -> None:
    """One breaching point and the rest missing: CloudWatch raises alarms on `missing` by it, once old."""
    name = data.draw(st.sampled_from(sorted(rules)))
    rule = rules[name]
    points = silence(rule)
    points[data.draw(st.integers(0, len(points) - 1))] = near(rule, is_bad=True)
    if AlarmState.ALARM in states(rule, points):
        assert rule.datapoints_to_alarm == 1 or name in HEARTBEATS | UNKNOWN_IN_SILENCE
