"""The configuration that ran is the one that is written, and nothing stays behind."""

from __future__ import annotations

import pytest

from lab.world import World

pytestmark = [pytest.mark.local, pytest.mark.terraform, pytest.mark.xdist_group("local")]


def test_a_plan_after_the_run_is_empty(world: World):
    changed = world.terraform.plan()
    changes = [
        (change["address"], change["change"]["actions"])
        for change in world.terraform.show_json()["resource_changes"]
        if change["change"]["actions"] != ["no-op"]
    ]
    assert (changed, changes) == (False, [])


def test_destroy_leaves_nothing(world: World):
    """Last of all: the laboratory is of no use afterwards."""
    world.close_tap()
    world.terraform.destroy()
    buses = world.client("events").list_event_buses()["EventBuses"]
    listed = {
        "functions": world.client("lambda").list_functions()["Functions"],
        "queues": world.client("sqs").list_queues().get("QueueUrls", []),
        "tables": world.client("dynamodb").list_tables()["TableNames"],
        "state machines": world.client("stepfunctions").list_state_machines()["stateMachines"],
        "rules": world.client("events").list_rules()["Rules"],
        "roles": world.client("iam").list_roles()["Roles"],
        "alarms": world.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "composite alarms": world.client("cloudwatch").describe_alarms(AlarmTypes=["CompositeAlarm"])[
            "CompositeAlarms"
        ],
        "dashboards": world.client("cloudwatch").list_dashboards()["DashboardEntries"],
        "topics": world.client("sns").list_topics()["Topics"],
        "buses": [bus for bus in buses if bus["Name"] != "default"],
        "archives": world.client("events").list_archives()["Archives"],
        "clusters": world.client("ecs").list_clusters()["clusterArns"],
        "mappings": world.client("lambda").list_event_source_mappings()["EventSourceMappings"],
    }
    assert {kind: things for kind, things in listed.items() if things} == {}
    buckets = [bucket["Name"] for bucket in world.client("s3").list_buckets()["Buckets"]]
    assert [name for name in buckets if name.startswith("fsxn-s3ap")] == []
