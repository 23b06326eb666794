"""Every metric that an alarm or a widget looks at is one that a run publishes, or is known not to be."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

import pytest

from lab.cloud.service_metrics import ServiceMetrics
from lab.demo.tools import run_tool
from lab.demo.unmeasured import NOT_IN_THE_DEMO
from lab.measured import alarms, dashboards, gaps, looked_at, published, widgets, written
from lab.world import World

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

SECONDS = 75  # the server's and the reconciler's next minute


def test_the_alarms_that_cloudwatch_has_are_those_that_terraform_names(world: World):
    cloudwatch = world.client("cloudwatch")
    pages = list(cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"]))
    found = {alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]}
    composite = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert {*found, *(alarm["AlarmName"] for alarm in composite)} == set(world.outputs["alarm_names"])
    assert {alarm["alarm_name"] for alarm in alarms(world)} == found


def test_every_metric_that_an_alarm_or_a_widget_looks_at_was_published_in_this_run(world: World):
    """As deployed, parts of expressions too, with exactly their dimensions: ours, and the queues'.

    The demo holds all of them, and the reasons to be exact; here other tests may have published what the demo
    does not.
    """
    wanted = {each for each in looked_at(world) if each[0] == "AWS/SQS" or not each[0].startswith("AWS/")}
    assert len(wanted) > 40
    # Called by schedules that are longer than this run: every hour, and every five minutes.
    for name, event in (("rotate", {"action": "watch"}), ("monitor", {})):
        world.invoke(name, event)
    ServiceMetrics(world.emulator).publish()

    def missing() -> list[str]:
        world.collector.collect()
        return gaps(wanted, published(world), NOT_IN_THE_DEMO).unexplained

    world.wait(lambda: not missing(), SECONDS, "what alarms and widgets look at", lambda: str(missing()))


def test_every_reason_is_about_something_that_is_looked_at(world: World):
    names = [written(metric) for metric in looked_at(world)]
    assert [
        pattern for pattern in NOT_IN_THE_DEMO if not any(fnmatchcase(each, pattern) for each in names)
    ] == []


def test_every_widget_of_the_dashboards_draws_something(world: World):
    """As deployed: the bodies are read back, and CloudWatch is asked what it knows."""
    ServiceMetrics(world.emulator).publish()
    world.invoke("monitor", {})
    titled = [widgets(world, name) for name in world.outputs["slo"]["dashboard_names"].values()]
    drawn = {title: metrics for each in titled for title, metrics in each.items()}
    assert len(drawn) >= 20

    def empty() -> list[str]:
        world.collector.collect()
        known = published(world)
        return [title for title, metrics in drawn.items() if not metrics & known]

    world.wait(lambda: not empty(), SECONDS, "what widgets draw", lambda: str(empty()))


def test_a_report_of_the_run_has_every_part(world: World):
    """`fsxn report` as an operator runs it; a table that it may not read is named, and the rest is there."""
    found = run_tool(world, ["fsxn", "report", "--json", "--from", "3h"])
    parts = json.loads(found.stdout)["parts"]
    assert {name: part.get("why", "") for name, part in parts.items() if part["state"] != "there"} == {}
    assert (found.returncode, found.stderr) == (0, "")
    workloads = {each["uc_id"] for each in parts["lineage"]["found"]["workloads"]}
    assert "content-inventory" in workloads
    drawn = parts["dashboards"]["found"]
    assert [(each["name"], each.get("why", "")) for each in drawn] == [
        (name, "") for name in dashboards(world)
    ]

    without = run_tool(world, ["fsxn", "report", "--json", "--guardrail-table", "no-such-table"])
    states = {name: part["state"] for name, part in json.loads(without.stdout)["parts"].items()}
    assert [name for name, state in states.items() if state != "there"] == ["guardrails"]
    assert (without.returncode, without.stderr.count("\n")) == (1, 1)
