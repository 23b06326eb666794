"""A HYBRID workload: files that no event tells of are found, and what both ways find is processed once."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

import pytest

from lab.world import BUCKET, World
from tests.support.local import lineage, recorded, run

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]
# A schedule of a minute, the settle time, and the execution; the machine may be loaded.
SECONDS = 150


def by_inbox(world: World, path: str) -> list[dict[str, Any]]:
    """The lineage records that the polling workload made of a file."""
    return [record for record in lineage(world, path) if record["uc_id"] == "inbox"]


def items(world: World, path: str) -> list[dict[str, Any]]:
    """The state items that the polling workload keeps of a file."""
    pages = world.client("dynamodb").get_paginator("scan")
    found = pages.paginate(TableName=world.outputs["inbox"]["state_table_name"]).search("Items[]")
    return [item for item in found if item.get("file_path") == {"S": path}]


def test_a_file_written_through_the_access_point_raises_no_event_and_is_found(world: World):
    """The schedule itself has to come round; the volume's other workload, driven by events, sees nothing."""
    name = f"{uuid.uuid4().hex}.txt"
    content = b"written over S3\n" * 100
    world.client("s3").put_object(Bucket=BUCKET, Key=f"inbox/{name}", Body=content)
    path = f"/vol1/inbox/{name}"
    world.wait(lambda: recorded(world, path) == 1, SECONDS, f"a lineage record of {path}")
    (record,) = lineage(world, path)
    assert (record["uc_id"], record["status"], record["action"]) == ("inbox", "success", "process")
    assert record["input_checksum"] == hashlib.sha256(content).hexdigest()
    assert record["fpolicy_sequence_number"] is None
    assert path not in world.events_path.read_text()


def test_a_version_that_events_and_the_listing_both_find_is_processed_once(world: World):
    file = world.volume / "inbox" / f"{uuid.uuid4().hex}.txt"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"seen twice")
    path = f"/vol1/inbox/{file.name}"
    world.wait(lambda: len(by_inbox(world, path)) == 1, SECONDS, f"a lineage record of {path}")
    (before,) = items(world, path)
    duplicates = int(before["duplicates"]["N"])
    function = world.outputs["functions"]["poll"]["function_name"]
    given = json.dumps({"pattern": world.outputs["inbox"]["rule"]["pattern"]})

    def asked_again() -> bool:
        """Until a run has listed it and the starter has taken its message."""
        world.client("lambda").invoke(FunctionName=function, Payload=given)
        return any(int(item["duplicates"]["N"]) > duplicates for item in items(world, path))

    world.wait(asked_again, SECONDS, f"a message of the listing for {path}")
    assert len(items(world, path)) == 1
    assert len(by_inbox(world, path)) == 1
    runs = world.client("stepfunctions").list_executions(
        stateMachineArn=before["execution_arn"]["S"]
        .replace(":execution:", ":stateMachine:")
        .rpartition(":")[0]
    )["executions"]
    assert [run["status"] for run in runs if run["executionArn"] == before["execution_arn"]["S"]] == [
        "SUCCEEDED"
    ]


def test_a_file_outside_the_scope_is_not_found(world: World):
    """Both are listed by one pass, or would be: when the one in scope has come, the other would have."""
    inside, outside = f"inbox/{uuid.uuid4().hex}", f"inbox-of-others/{uuid.uuid4().hex}"
    for key in (outside, inside):
        world.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"x")
    world.wait(lambda: recorded(world, f"/vol1/{inside}") == 1, SECONDS, f"a lineage record of {inside}")
    assert recorded(world, f"/vol1/{outside}") == 0


def test_the_check_of_rules_sees_that_the_two_workloads_overlap(world: World):
    result = run(world, "fsxn", "events", "rules", "--json", "--bus", world.outputs["bus_name"])
    names = [f"fsxn-s3ap-local-{workload}" for workload in ("content-inventory", "inbox")]
    overlaps = [f["rules"] for f in json.loads(result.stdout)["findings"] if f["kind"] == "overlap"]
    assert (result.returncode, names in overlaps) == (1, True)


def test_a_backfill_asks_for_what_is_there_and_nothing_runs_twice(world: World):
    name = uuid.uuid4().hex
    world.client("s3").put_object(Bucket=BUCKET, Key=f"inbox/before/{name}", Body=b"there before")
    path = f"/vol1/inbox/before/{name}"
    command = ["fsxn", "events", "backfill", "inbox", "--prefix", "fsxn-s3ap-local", "--json", "--yes"]
    for _ in range(3):
        result = run(world, *command, "--below", "/vol1/inbox/before/")
        assert (result.returncode, json.loads(result.stdout)["sent"]) == (0, 1), result.stderr

    def told() -> int:
        return sum(1 + int(item["duplicates"]["N"]) for item in items(world, path))

    world.wait(lambda: told() >= 3 and recorded(world, path) == 1, SECONDS, f"three messages for {path}")
    assert (len(items(world, path)), recorded(world, path)) == (1, 1)
