"""From an ordinary file operation to report and lineage."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lab.world import World
from tests.support.local import lineage, recorded, run, transitions, verify

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]


def write_and_wait(world: World, path: str, content: bytes) -> None:
    file = world.volume / path
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    world.wait(lambda: recorded(world, f"/vol1/{path}") == 1, 30, f"a lineage record of {path}")


def test_a_file_written_into_the_volume_gets_its_hash_into_lineage(world: World):
    content = b"a real file\n" * 1000
    write_and_wait(world, "legal/a.txt", content)
    (record,) = lineage(world, "/vol1/legal/a.txt")
    assert (record["status"], record["action"]) == ("success", "process")
    assert record["input_checksum"] == hashlib.sha256(content).hexdigest()


def test_a_file_costs_three_state_transitions(world: World):
    """As README.md and modules/workload/README.md reckon; counted in what Step Functions noted."""
    write_and_wait(world, "legal/cost.txt", b"content")
    (record,) = lineage(world, "/vol1/legal/cost.txt")
    arn = record["step_functions_execution_arn"]
    client = world.client("stepfunctions")
    world.wait(
        lambda: client.describe_execution(executionArn=arn)["status"] == "SUCCEEDED",
        30,
        "the execution's end",
    )
    assert transitions(client.get_execution_history(executionArn=arn)["events"]) == 3


def test_a_rename_and_a_delete_are_recorded_as_what_they_are(world: World):
    old, new = world.volume / "moved" / "old.txt", world.volume / "moved" / "new.txt"
    write_and_wait(world, "moved/old.txt", b"content")
    old.rename(new)
    world.wait(lambda: recorded(world, "/vol1/moved/old.txt") == 2, 30, "the record of the rename")
    new.unlink()
    world.wait(lambda: recorded(world, "/vol1/moved/new.txt") == 1, 30, "the record of the delete")
    assert [record["action"] for record in lineage(world, "/vol1/moved/old.txt")] == ["rename", "process"]
    assert [record["action"] for record in lineage(world, "/vol1/moved/new.txt")] == ["delete"]


def test_every_operation_of_a_storm_arrives_and_every_file_is_processed_once(world: World):
    """The debts: three protocols, four kinds of operations, names that need care."""
    world.sim.storm(300, seed=5, folder="/debts")
    result = verify(world)
    assert result["findings"] == []
    assert result["delivery"]["monitored"] > 150
    assert result["delivery"]["delivered"] == result["delivery"]["monitored"]
    assert result["outputs"]["files"] > 30
    assert result["accounting"]["unaccounted"] == 0


def test_the_verifier_sees_a_ledger_that_differs_by_one_operation(world: World, tmp_path: Path):
    """The same world against its ledger with one more operation: status 1, and the operation is named."""
    write_and_wait(world, "differs/by-one.txt", b"content")
    assert verify(world)["findings"] == []
    ledger = tmp_path / "ledger.jsonl"
    lines = world.ledger_path.read_text().splitlines()
    operation = next(row for row in map(json.loads, lines) if row["kind"] == "operation" and row["monitored"])
    invented = operation | {"path": "/vol1/never-happened", "time_us": operation["time_us"] + 1}
    ledger.write_text("\n".join([*lines, json.dumps(invented)]))
    command = [str(ledger) if part == str(world.ledger_path) else part for part in world.verify_command()]
    result = run(world, *command)
    assert result.returncode == 1, result.stderr
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["code"], finding["count"]) == ("event.lost", 1)
    assert "never-happened" in finding["examples"][0]
