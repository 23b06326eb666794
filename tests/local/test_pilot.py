"""`fsxn diagnose pilot` in the laboratory: the result file tells systems apart that differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.premises import JUNCTION
from lab.world import World
from tests.local.test_diagnose import PREFIX
from tests.support.local import run

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]


@pytest.fixture
def pilot_queue(world: World) -> Iterator[str]:
    """A queue that the bus feeds with the pilot's events alone, as docs/howto/diagnose.md makes it."""
    sqs, events, bus = world.client("sqs"), world.client("events"), world.outputs["bus_name"]
    url: str = sqs.create_queue(QueueName="pilot")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["fsxn.fpolicy"], "detail": {"file_path": [{"wildcard": "*/fsxn-pilot-*"}]}}
    events.put_rule(Name="pilot", EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="pilot", EventBusName=bus, Targets=[{"Id": "pilot", "Arn": arn}])
    yield url
    events.remove_targets(Rule="pilot", EventBusName=bus, Ids=["pilot"])
    events.delete_rule(Name="pilot", EventBusName=bus)
    sqs.delete_queue(QueueUrl=url)


@pytest.mark.parametrize(
    ("replay_time", "replay_order", "order"),
    [("original", "in_order", "in order"), ("replay", "shuffle", "not in order")],
)
def test_the_pilot_writes_what_this_system_does(
    world: World, pilot_queue: str, tmp_path: Path, replay_time: str, replay_order: str, order: str
) -> None:
    """The same script on two systems that differ in what nobody knows of ONTAP: two results."""
    world.sim.switch(replay_time=replay_time, replay_order=replay_order)
    output = tmp_path / "result.json"
    command = ["fsxn", "diagnose", "pilot", "--prefix", PREFIX, "--yes", "--mount", str(world.volume)]
    command += ["--junction-path", JUNCTION, "--queue", pilot_queue, "--output", str(output)]
    try:
        done = run(world, *command)
    finally:
        world.sim.switch(replay_time="original", replay_order="shuffle")  # as it began
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(output.read_text())
    answers = {each["question"]: each["answer"] for each in result["answers"]}
    assert answers["Does a replayed event keep its original time?"] == replay_time
    assert answers["In which order are stored events replayed?"] == order
    assert answers["Does a path begin at the volume's root or at the namespace's?"] == "volume"
    assert answers["Does the Persistent Store keep what happens while no server is there?"] == "12 of 12"
    assert result["system"]["version"] == "9.17.1"
    assert list(world.volume.glob("fsxn-pilot-*")) == []
    world.wait_connected(world.wait_for_tasks(1))
