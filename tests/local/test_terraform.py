"""The configuration that ran is the one that is written, and nothing stays behind."""

from __future__ import annotations

import pytest

from lab.cloud.emulator import Emulator
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
    assert left(world.emulator) == {}


def left(emulator: Emulator) -> dict[str, list[object]]:
    """What an account has of the product, by kind; nothing where there is nothing."""
    client = emulator.client
    buses = client("events").list_event_buses()["EventBuses"]
    buckets = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
    composite = client("cloudwatch").describe_alarms(AlarmTypes=["CompositeAlarm"])
    listed = {
        "functions": client("lambda").list_functions()["Functions"],
        "queues": client("sqs").list_queues().get("QueueUrls", []),
        "tables": client("dynamodb").list_tables()["TableNames"],
        "state machines": client("stepfunctions").list_state_machines()["stateMachines"],
        "rules": client("events").list_rules()["Rules"],
        "roles": client("iam").list_roles()["Roles"],
        "alarms": client("cloudwatch").describe_alarms()["MetricAlarms"],
        "composite alarms": composite["CompositeAlarms"],
        "dashboards": client("cloudwatch").list_dashboards()["DashboardEntries"],
        "topics": client("sns").list_topics()["Topics"],
        "buses": [bus for bus in buses if bus["Name"] != "default"],
        "archives": client("events").list_archives()["Archives"],
        "clusters": client("ecs").list_clusters()["clusterArns"],
        "mappings": client("lambda").list_event_source_mappings()["EventSourceMappings"],
        "buckets": [name for name in buckets if name.startswith("fsxn-s3ap")],
    }
    return {kind: things for kind, things in listed.items() if things}
