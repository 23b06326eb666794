"""A HYBRID workload: files that no event tells of are found, and what both ways find is processed once."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from lab.premises import BUCKET
from lab.world import World
from tests.support.local import lineage, recorded, run

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]
# A schedule of a minute, the settle time, and the execution; the machine may be loaded.
SECONDS = 100


def by_inbox(world: World, path: str) -> list[dict[str, Any]]:
    """The lineage records that the polling workload made of a file."""
    return [record for record in lineage(world, path) if record["uc_id"] == "inbox"]


def all_rows(world: World, table: str) -> list[dict[str, Any]]:
    pages = world.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [row for page in pages for row in page["Items"]]


def all_items(world: World) -> list[dict[str, Any]]:
    """The state items of the polling workload, without its watermark."""
    return [row for row in all_rows(world, world.outputs["inbox"]["state_table_name"]) if "file_path" in row]


def items(world: World, path: str) -> list[dict[str, Any]]:
    """The state items that the polling workload keeps of a file."""
    return [item for item in all_items(world) if item["file_path"] == {"S": path}]


def reports_of(world: World) -> Iterator[dict[str, Any]]:
    """What the polling workload wrote."""
    s3, output = world.client("s3"), world.outputs["inbox"]["output"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=output["bucket"], Prefix=output["prefix"])
    for page in pages:
        for entry in page.get("Contents", []):
            yield json.loads(s3.get_object(Bucket=output["bucket"], Key=entry["Key"])["Body"].read())


def waiting(world: World) -> bool:
    """Whether anything of the volume or of the polling workload is under way."""
    look = world.look()
    open_items = [item for item in all_items(world) if item["status"] == {"S": "IN_PROGRESS"}]
    return bool(
        look.waiting or look.queued or world.depth(world.outputs["inbox"]["work_queue_url"]) or open_items
    )


def poll(world: World) -> dict[str, Any]:
    """Let the poller run, as its schedule does."""
    function = world.outputs["functions"]["poll"]["function_name"]
    given = json.dumps({"pattern": world.outputs["inbox"]["rule"]["pattern"]})
    answer = world.client("lambda").invoke(FunctionName=function, Payload=given)
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, result
    return result


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

    def asked_again() -> bool:
        """Until a run has listed it and the starter has taken its message."""
        poll(world)
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


def test_a_storm_that_is_polled_meanwhile_is_processed_once(world: World):
    """Events of 80 operations, and a poller that lists meanwhile: each version once, none missing."""
    world.sim.storm(80, seed=11, folder="/inbox/storm")
    for _ in range(3):  # while the events are on their way, and when all files are at rest
        poll(world)
    world.wait(lambda: not waiting(world), SECONDS, "the polling workload at rest")
    poll(world)
    world.wait(lambda: not waiting(world), SECONDS, "the polling workload at rest again")
    below = "/vol1/inbox/storm/"
    rows = [
        row
        for row in all_rows(world, world.outputs["lineage_table_name"])
        if row.get("uc_id") == {"S": "inbox"}
    ]
    successes = Counter(row["work_key"]["S"] for row in rows if row["status"]["S"] == "success")
    assert max(successes.values()) == 1
    duplicates = [item for item in all_items(world) if item["file_path"]["S"].startswith(below)]
    assert sum(int(item["duplicates"]["N"]) for item in duplicates) > len(duplicates)
    reports = list(reports_of(world))
    files = [file for file in (world.volume / "inbox" / "storm").rglob("*") if file.is_file()]
    assert len(files) > 10
    for file in files:
        path, digest = (
            f"/vol1/{file.relative_to(world.volume)}",
            hashlib.sha256(file.read_bytes()).hexdigest(),
        )
        assert any(
            (path, digest) in {(r["file_path"], r["sha256"]), (r.get("target_path"), r["sha256"])}
            for r in reports
        ), path


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
