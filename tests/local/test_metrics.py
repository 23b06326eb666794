"""Every metric that an alarm or a widget names is one that a run emits."""

from __future__ import annotations

import json

import pytest

from lab.cloud.service_metrics import ServiceMetrics
from lab.world import World

# Published only when something happens that a run need not do; each shares its widget with others.
ONLY_WHEN_IT_HAPPENS = {
    "FPolicyEventsQuarantined_count",
    "GuardrailBlocked",
    "GuardrailBypass",
    "GuardrailDryRunAllowed",
    "GuardrailDynamoDBError",
    "WorkloadDuplicates_count",
    "WorkloadFailed_count",
}

Metric = tuple[str, str, frozenset[tuple[str, str]]]
pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]


def test_every_own_metric_that_an_alarm_names_was_emitted_by_this_run(world: World):
    """Service metrics (AWS/...) are AWS's; ours must exist with exactly the alarm's dimensions."""
    wanted = {
        (metric["Namespace"], metric["MetricName"], dimensions(metric))
        for alarm in alarms(world)
        for metric in metrics(alarm)
        if not metric["Namespace"].startswith("AWS/")
    }
    assert wanted
    # Both are called by schedules that are longer than this run: every hour, and every five minutes.
    for name, event in (("rotate", {"action": "watch"}), ("monitor", {})):
        world.client("lambda").invoke(
            FunctionName=world.outputs["functions"][name]["function_name"], Payload=json.dumps(event)
        )

    def missing() -> set[object]:
        emitted = {(key.namespace, key.name, frozenset(key.dimensions)) for key in world.collector.collected}
        return {metric for metric in wanted if metric not in emitted}

    world.wait(lambda: not missing(), 75, "metrics of the server's next minute", lambda: str(missing()))


def metrics(alarm: dict) -> list[dict]:
    """What an alarm watches. Of an expression the local AWS keeps nothing, so nothing is said of it here."""
    return [alarm] if "Namespace" in alarm else []


def dimensions(metric: dict) -> frozenset[tuple[str, str]]:
    return frozenset((dimension["Name"], dimension["Value"]) for dimension in metric.get("Dimensions", []))


def alarms(world: World) -> list[dict]:
    cloudwatch = world.client("cloudwatch")
    pages = list(cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"]))
    found = [alarm for page in pages for alarm in page["MetricAlarms"]]
    composite = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    names = {alarm["AlarmName"] for alarm in [*found, *composite]}
    assert names == set(world.outputs["alarm_names"])
    return found


def test_every_widget_of_the_dashboards_has_data_from_this_run(world: World):
    """As deployed: the bodies are read back, and CloudWatch is asked what it knows."""
    ServiceMetrics(world.emulator).publish()
    world.client("lambda").invoke(
        FunctionName=world.outputs["functions"]["monitor"]["function_name"], Payload=b"{}"
    )
    dashboards = [widgets(world, name) for name in world.outputs["slo"]["dashboard_names"].values()]
    drawn = {title: metrics for titled in dashboards for title, metrics in titled.items()}
    assert len(drawn) >= 18

    def missing() -> dict[str, set[Metric]]:
        known = published(world)
        return {
            title: absent
            for title, metrics in drawn.items()
            if (absent := {each for each in metrics - known if each[1] not in ONLY_WHEN_IT_HAPPENS})
            or not metrics & known
        }

    world.wait(lambda: not missing(), 75, "what widgets draw", lambda: str(missing()))


def widgets(world: World, dashboard: str) -> dict[str, set[Metric]]:
    """The metrics that each widget of a deployed dashboard draws, by title."""
    body = world.client("cloudwatch").get_dashboard(DashboardName=dashboard)["DashboardBody"]
    found = [widget["properties"] for widget in json.loads(body)["widgets"] if widget["type"] == "metric"]
    return {each["title"]: {metric_of(series) for series in each["metrics"]} for each in found}


def metric_of(series: list) -> Metric:
    """[namespace, name, dimension, value, ..., options] as a key."""
    namespace, name, *rest, _ = series
    return namespace, name, frozenset(zip(rest[::2], rest[1::2], strict=True))


def published(world: World) -> set[Metric]:
    pages = world.client("cloudwatch").get_paginator("list_metrics").paginate()
    return {
        (metric["Namespace"], metric["MetricName"], dimensions(metric))
        for page in pages
        for metric in page["Metrics"]
    }
