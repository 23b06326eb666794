"""Every metric that an alarm names is one that a run emits."""

from __future__ import annotations

import json

import pytest

from lab.world import World

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
    pages = world.client("cloudwatch").get_paginator("describe_alarms").paginate()
    found = [alarm for page in pages for alarm in page["MetricAlarms"]]
    assert {alarm["AlarmName"] for alarm in found} == set(world.outputs["alarm_names"])
    return found
