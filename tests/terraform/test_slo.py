"""Module slo and the evaluator say the same: alarms, budgets' windows, catalogue and widgets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.slo import evaluate_slos, generate_dashboard_widgets
from fsxn_runtime.slo.alarm_rules import AlarmState, evaluate
from fsxn_runtime.slo.catalogue import defaults, parse
from fsxn_runtime.slo.core import bad_pct, by_period, evaluation_end
from fsxn_runtime.slo.model import Catalogue, Point, SloTarget
from hypothesis import given
from hypothesis import strategies as st

from lab.terraform import Terraform
from tests.support.alarm_rules import rule_of_alarm
from tools.terraform_inventory import PREVIEW, Resource, applied

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-roots")]

NOW = 1_800_000_000
SOURCES = {
    "access_points": ["legal-vol1"],
    "dead_letter_queues": ["fsxn-s3ap-quarantine"],
    "environments": ["fsxn-s3ap"],
    "queues": ["fsxn-s3ap-ingestion", "fsxn-s3ap-work"],
    "services": ["fsxn-s3ap-fpolicy"],
    "workloads": ["content-inventory"],
}
TARGETS = {
    "ingestion-latency": {"threshold": 2500.5, "objective_pct": 99.9},
    "reconnect-time": {"periods": 5},
}
ROOT = """
provider "aws" {
  region = "us-east-1"
}

locals {
  metric_catalogue = jsondecode(file("../../python/fsxn_runtime/metric_catalogue.json"))
}

module "slo" {
  source = "../../modules/slo"

  context          = { account_id = "111122223333", name_prefix = "fsxn-s3ap", region = "us-east-1" }
  dashboards       = jsondecode(file("../../python/fsxn_runtime/slo/dashboards.json"))
  metric_catalogue = local.metric_catalogue
  objectives       = local.metric_catalogue
  operations       = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }
  pipeline_alarms  = { queue = { alarm_name = "fsxn-s3ap-ingestion-age" } }
  sources          = jsondecode(file("sources.json"))
  targets          = jsondecode(file("targets.json"))
}
"""


@pytest.fixture(scope="module")
def made(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Resource]:
    """Everything that the module makes with changed targets, evaluated."""
    base = tmp_path_factory.mktemp("slo")
    root = base / "checkout/envs/slo"
    root.mkdir(parents=True)
    for folder in ("modules", "python"):
        (base / "checkout" / folder).symlink_to(repository / folder)
    (root / "main.tf").write_text(ROOT)
    (root / "sources.json").write_text(json.dumps(SOURCES))
    (root / "targets.json").write_text(json.dumps(TARGETS))
    return applied(Terraform(root, base, environment=PREVIEW))


@pytest.fixture(scope="module")
def catalogue(made: list[Resource]) -> Catalogue:
    (parameter,) = of(made, "aws_ssm_parameter")
    return parse(parameter["value"], "parameter")


def of(made: list[Resource], kind: str) -> list[dict[str, Any]]:
    return [resource["values"] for resource in made if resource["type"] == kind]


def alarms(made: list[Resource]) -> dict[str, dict[str, Any]]:
    return {
        alarm["alarm_name"].removeprefix("fsxn-s3ap-slo-"): alarm
        for alarm in of(made, "aws_cloudwatch_metric_alarm")
    }


class CloudWatch:
    """Answers GetMetricStatistics out of the values of one metric."""

    def __init__(self, metric: str, values: Mapping[int, float]) -> None:
        self.metric = metric
        self.values = values

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        statistics = [*asked.get("Statistics", []), *asked.get("ExtendedStatistics", [])]
        form = "ExtendedStatistics" in asked
        datapoints = []
        for time, value in self.values.items() if asked["MetricName"] == self.metric else ():
            if asked["StartTime"].timestamp() <= time < asked["EndTime"].timestamp():
                given = dict.fromkeys(statistics, value)
                stamp = {"Timestamp": datetime.fromtimestamp(time, UTC)}
                datapoints.append({**stamp, "ExtendedStatistics": given} if form else {**stamp, **given})
        return {"Datapoints": datapoints}


series = st.lists(st.none() | st.sampled_from([-1.0, 0.0, 1.0]), max_size=9)


@given(data=st.data(), name=st.sampled_from(sorted(defaults().targets)), offsets=series)
def test_an_objective_is_violated_exactly_when_the_rules_raise_its_alarm(
    data: st.DataObject, name: str, offsets: list[float | None], made: list[Resource], catalogue: Catalogue
) -> None:
    """Any series around the threshold; the alarm is as Terraform makes it, its state before is any."""
    alarm = alarms(made)[name]
    end = evaluation_end(NOW)
    points = [None if offset is None else alarm["threshold"] + offset for offset in offsets]
    values = {
        end - age * alarm["period"]: value
        for age, value in zip(range(len(points), 0, -1), points, strict=True)
        if value is not None
    }
    (found,) = (
        result
        for result in evaluate_slos(CloudWatch(alarm["metric_name"], values), catalogue=catalogue, now=NOW)
        if result.slo_name == name
    )
    state = evaluate(rule_of_alarm(alarm), points, data.draw(st.sampled_from(AlarmState)))
    assert (found.met is False) == (state is AlarmState.ALARM)
    if found.met:
        assert state is AlarmState.OK


def test_an_alarm_asks_for_what_the_evaluator_asks(made: list[Resource], catalogue: Catalogue) -> None:
    for name, target in catalogue.targets.items():
        alarm = alarms(made)[name]
        assert alarm["namespace"] == catalogue.namespace
        assert alarm["metric_name"] == target.metric
        assert (alarm["statistic"] or alarm["extended_statistic"]) == target.statistic
        assert bool(alarm["extended_statistic"]) == target.statistic.startswith("p")
        assert not alarm["dimensions"]


def test_changed_targets_are_in_the_catalogue_and_the_rest_is_the_default(catalogue: Catalogue) -> None:
    wanted = dict(defaults().targets)
    changed = {name: catalogue.targets[name] for name in TARGETS}
    assert (changed["ingestion-latency"].threshold, changed["ingestion-latency"].objective_pct) == (
        2500.5,
        99.9,
    )
    assert changed["reconnect-time"].periods == 5
    assert {**wanted, **changed} == dict(catalogue.targets)
    assert catalogue.burn_rates == defaults().burn_rates


def windows(made: list[Resource], target: SloTarget, rate: str) -> list[dict[str, Any]]:
    """The alarms of a pair: of the long and of the short window."""
    return [alarms(made)[f"{target.name}-burn-{rate}-{window}"] for window in ("long", "short")]


@given(
    name=st.sampled_from(["reconnect-time", "ingestion-latency"]),
    rate=st.sampled_from(["hour", "six-hours"]),
    ages=st.sets(st.integers(1, 72), max_size=40),
)
def test_a_windows_alarm_is_raised_exactly_when_its_share_is_above_the_rate(
    name: str, rate: str, ages: set[int], made: list[Resource], catalogue: Catalogue
) -> None:
    target, pair = catalogue.targets[name], catalogue.burn_rates[rate]
    end = evaluation_end(NOW)
    points = [
        Point(end - age * target.period_seconds, target.threshold if age in ages else 0.0)
        for age in range(1, pair.long_seconds // target.period_seconds + 1)
    ]
    for alarm, seconds in zip(
        windows(made, target, rate), (pair.long_seconds, pair.short_seconds), strict=True
    ):
        values = by_period(target, points, end, seconds // target.period_seconds)
        raised = evaluate(rule_of_alarm(alarm), values) is AlarmState.ALARM
        bad = bad_pct(target, points, end, seconds) or 0.0
        assert raised == (bad / (100 - target.required_pct) > pair.rate + 1e-9)


def test_a_window_of_samples_is_an_average_over_the_window(
    made: list[Resource], catalogue: Catalogue
) -> None:
    """14.4 times half a percent are 7.2: below 92.8 % it burns."""
    target = catalogue.targets["success-rate"]
    long, short = windows(made, target, "hour")
    assert [(a["period"], a["evaluation_periods"], a["statistic"]) for a in (long, short)] == [
        (3600, 1, "Average"),
        (300, 1, "Average"),
    ]
    for alarm in (long, short):
        assert alarm["threshold"] == pytest.approx(92.8)
        assert alarm["comparison_operator"] == "LessThanThreshold"


def test_no_window_is_longer_than_cloudwatch_looks_back(made: list[Resource]) -> None:
    """PutMetricAlarm: a day, with periods of less than an hour."""
    for alarm in alarms(made).values():
        assert alarm["period"] * alarm["evaluation_periods"] <= 86_400


def test_a_burn_alarm_joins_both_windows_of_each_pair(made: list[Resource], catalogue: Catalogue) -> None:
    rules = {a["alarm_name"]: a["alarm_rule"] for a in of(made, "aws_cloudwatch_composite_alarm")}
    for name in catalogue.targets:
        start = f"fsxn-s3ap-slo-{name}-burn"
        pairs = rules[start].split(" OR ")
        assert sorted(pairs) == [
            f'(ALARM("{start}-{rate}-long") AND ALARM("{start}-{rate}-short"))'
            for rate in ("day", "hour", "six-hours")
        ]


@pytest.mark.parametrize("dashboard", ["slo", "operations"])
def test_the_dashboards_are_the_widgets_that_python_generates(
    dashboard: str, made: list[Resource], catalogue: Catalogue
) -> None:
    (body,) = (
        json.loads(found["dashboard_body"])
        for found in of(made, "aws_cloudwatch_dashboard")
        if found["dashboard_name"] == f"fsxn-s3ap-{dashboard}"
    )
    generated = generate_dashboard_widgets(
        region="us-east-1", dashboard=dashboard, catalogue=catalogue, sources=SOURCES
    )
    assert [widget for widget in body["widgets"] if widget["type"] == "metric"] == generated
