"""A paused workload keeps its events, is remembered by an alarm, and stays paused through an apply."""

from __future__ import annotations

import json

import pytest

from lab.world import World
from tests.support.local import recorded, run
from tests.support.waiting import stays

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

NAME = "content-inventory"


def events(world: World, *arguments: str) -> tuple[int, str]:
    result = run(world, "fsxn", "events", *arguments, "--prefix", "fsxn-s3ap-local")
    return result.returncode, result.stdout


def alarm_state(world: World) -> str:
    """The alarm's state after one more sweep."""
    function = world.outputs["functions"]["finish"]["function_name"]
    world.client("lambda").invoke(FunctionName=function, Payload=json.dumps({"action": "sweep"}))
    alarms = world.client("cloudwatch").describe_alarms(AlarmNames=[f"fsxn-s3ap-local-{NAME}-paused"])
    return str(alarms["MetricAlarms"][0]["StateValue"])


def test_a_pause_keeps_events_sets_its_alarm_and_survives_an_apply(world: World):
    assert events(world, "pause", NAME) == (0, f"{NAME} is paused\n")
    try:
        (world.volume / "paused.txt").write_text("written while paused")
        world.wait(lambda: alarm_state(world) == "ALARM", 60, "the alarm of the pause")
        assert world.terraform.plan() is False  # a pause is no drift
        world.terraform.apply()
        # Where nobody paused, the record is there some 3 s after the file.
        stays(lambda: recorded(world, "/vol1/paused.txt") == 0, 6)
        status, line = events(world, "status", NAME, "--json")
        assert (status, json.loads(line)["switch"]) == (1, "paused")
        assert json.loads(line)["waiting"] >= 1  # the create, and the write that followed it
    finally:
        assert events(world, "resume", NAME)[0] == 0
    world.wait(lambda: recorded(world, "/vol1/paused.txt") == 1, 30, "the file written while paused")
