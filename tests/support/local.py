"""What the end-to-end tests do with a running laboratory."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from lab.terraform import REPOSITORY
from lab.world import World

COMMAND_SECONDS = 120.0
SETTLE_SECONDS = 240.0  # a deadline; a thousand operations take some 20 s on two free cores


def run(world: World, *command: str) -> subprocess.CompletedProcess[str]:
    """Run one of the product's commands against the laboratory."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [str(REPOSITORY / ".venv" / "bin" / command[0]), *command[1:]],
        env={**environment, **world.environment()},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def storm_command(world: World, count: int, *more: str) -> list[str]:
    """Give `fsxn events storm` on the simulator, ready for `--downtime`."""
    server = world.outputs["server"]
    command = ["fsxn", "events", "storm", "--simulator", world.sim.ready["control"], "--count", str(count)]
    command += ["--cluster", server["cluster_name"], "--service", server["service_name"]]
    return [*command, *more]


def verify(world: World, *more: str, allow_lost: int = 0) -> dict[str, Any]:
    """Settle and let `fsxn events verify` compare everything so far; status and verdict must agree."""
    world.settle(SETTLE_SECONDS)
    world.snapshot()
    result = run(world, *world.verify_command(allow_lost), *more)
    assert result.returncode in (0, 1), result.stderr
    verification: dict[str, Any] = json.loads(result.stdout)
    assert (result.returncode == 0) == verification["ok"]
    return verification


def lineage(world: World, path: str) -> list[dict[str, Any]]:
    """The lineage records of one file, as `fsxn lineage show` gives them."""
    result = run(world, "fsxn", "lineage", "show", path, "--json")
    assert result.returncode in (0, 1), result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def recorded(world: World, path: str) -> int:
    """How many lineage records one file has; cheap enough to wait for."""
    answer = world.client("dynamodb").query(
        TableName=world.outputs["lineage_table_name"],
        KeyConditionExpression="source_file_key = :path",
        ExpressionAttributeValues={":path": {"S": path}},
        Select="COUNT",
    )
    return int(answer["Count"])


def receive_all(world: World, url: str) -> list[dict[str, Any]]:
    """Take every visible message out of a queue."""
    sqs = world.client("sqs")
    taken: list[dict[str, Any]] = []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        taken += messages
    return taken


def transitions(history: list[dict[str, Any]]) -> int:
    """How many state transitions an execution was: its start, each state that it entered, its end.

    A retry enters no state and is one more; the history has it as another attempt that was scheduled.
    """
    types = [event["type"] for event in history]
    entered = sum(each.endswith("StateEntered") for each in types)
    ends = sum(each.startswith("Execution") for each in types)
    retries = types.count("TaskScheduled") - types.count("TaskStateEntered")
    return entered + ends + max(0, retries)
