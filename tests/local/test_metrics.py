"""Every metric that an alarm or a widget names is one that a run emits."""

from __future__ import annotations

import json
from collections.abc import Iterator

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


def test_every_metric_that_an_alarm_watches_was_published_in_this_run(world: World):
    """As deployed, expressions' parts too. Ours, and the queues', with exactly the alarm's dimensions.

    The other services' metrics (AWS/Lambda, AWS/ECS, AWS/FSx) nobody publishes here.
    """
    wanted = {
        metric
        for alarm in alarms(world)
        for metric in watched(alarm)
        if metric[0] == "AWS/SQS" or not metric[0].startswith("AWS/")
    }
    # By reason, so only where it fails for that reason; the count without it comes with every other failure.
    wanted = {metric for metric in wanted if ("Reason", "misconfigured") not in metric[2]}
    assert len(wanted) > 40
    # Both are called by schedules that are longer than this run: every hour, and every five minutes.
    for name, event in (("rotate", {"action": "watch"}), ("monitor", {})):
        world.client("lambda").invoke(
            FunctionName=world.outputs["functions"][name]["function_name"], Payload=json.dumps(event)
        )
    ServiceMetrics(world.emulator).publish()

    world.wait(
        lambda: wanted <= published(world),
        75,
        "metrics of the server's next minute",
        lambda: str(wanted - published(world)),
    )


def alarms(world: World) -> list[dict]:
    """Every metric alarm as Terraform deployed it: of an expression the local AWS keeps nothing."""
    cloudwatch = world.client("cloudwatch")
    pages = list(cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"]))
    found = [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]]
    composite = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert {*found, *(alarm["AlarmName"] for alarm in composite)} == set(world.outputs["alarm_names"])
    deployed = [each for each in resources(world) if each["type"] == "aws_cloudwatch_metric_alarm"]
    assert {each["values"]["alarm_name"] for each in deployed} == set(found)
    return [each["values"] for each in deployed]


def resources(world: World) -> Iterator[dict]:
    """What Terraform's state has, of all modules."""
    terraform = world.terraform
    state = json.loads(terraform.run("show", "-json", "-no-color", str(terraform.state_file), quiet=True))
    modules = [state["values"]["root_module"]]
    while modules:
        module = modules.pop()
        yield from module.get("resources", [])
        modules += module.get("child_modules", [])


def watched(alarm: dict) -> set[Metric]:
    """The metrics that an alarm watches: its own, or those of its expression."""
    queries = [metric for query in alarm["metric_query"] or [] for metric in query["metric"] or []]
    return {
        (each["namespace"], each["metric_name"], frozenset((each["dimensions"] or {}).items()))
        for each in queries or [alarm]
    }


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
    """What CloudWatch has, whoever put it there."""
    pages = world.client("cloudwatch").get_paginator("list_metrics").paginate()
    return {
        (
            metric["Namespace"],
            metric["MetricName"],
            frozenset((each["Name"], each["Value"]) for each in metric["Dimensions"]),
        )
        for page in pages
        for metric in page["Metrics"]
    }
