"""Small pieces of work for each function, invoked directly, each needing some of its role's permissions.

A flow raises AssertionError when the function could not do its work.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.premises import BUCKET, JUNCTION
from lab.world import World

Flow = Callable[[World], None]


class RefusedError(AssertionError):
    """The function did not do what the flow asks for."""


def invoke(world: World, function: str, payload: Mapping[str, Any]) -> Any:
    """Invoke one of the functions; its answer. Raises RefusedError with the end of its log."""
    answer = world.invoke(function, payload)
    result = json.loads(answer["Payload"].read())
    log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    if "FunctionError" in answer:
        raise RefusedError(f"{function}: {result} {log[-500:]}")
    if result.get("batchItemFailures"):
        raise RefusedError(f"{function}: message failed: {log[-500:]}")
    return result


def rfc3339(time_: datetime) -> str:
    return f"{time_:%Y-%m-%dT%H:%M:%S.%f}Z"


def file_event(path: str, event_type: str = "FILE_CREATE", **more: Any) -> dict[str, Any]:
    """An event of an SVM that no rule asks for: on the bus it starts nothing."""
    now = rfc3339(datetime.now(UTC))
    return {
        "schema_version": "1.0",
        "event_id": uuid.uuid4().hex,
        "event_type": event_type,
        "svm_name": "elsewhere",
        "volume_name": "elsewhere",
        "file_path": path,
        "client_ip": "192.0.2.1",
        "timestamp": now,
        "session_id": "flow",
        "sequence_number": 1,
        "operation": "NFS_CREAT",
        "protocol": "NFS",
        "protocol_version": "3.0",
        "svm_uuid": "flow",
        "volume_msid": 1,
        "policy_name": "flow",
        "user": {},
        "file_size": None,
        "received_at": now,
        "timestamp_source": "ontap",
        "replayed": False,
        **more,
    }


def queue_message(body: str) -> dict[str, Any]:
    return {"Records": [{"messageId": "1", "body": body}]}


def workload_message(event: Mapping[str, Any]) -> dict[str, Any]:
    envelope = {"source": "fsxn.fpolicy", "detail-type": "FPolicy File Operation", "detail": event}
    return queue_message(json.dumps(envelope))


def put_file(world: World, *, rested: bool) -> str:
    """An object behind the access point; `rested`: older than the settle time."""
    key = f"flows/{uuid.uuid4().hex}.txt"
    world.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"flow")
    if rested:
        head = world.client("s3").head_object(Bucket=BUCKET, Key=key)
        rests_at = head["LastModified"] + timedelta(seconds=world.settle_seconds + 1)
        world.wait(lambda: datetime.now(UTC) > rests_at, 10, "a file at rest")
    return key


# router ----------------------------------------------------------------------------------------------


def route_event(world: World) -> None:
    invoke(world, "route", queue_message(json.dumps(file_event("/elsewhere/a"))))


def route_poison(world: World) -> None:
    invoke(world, "route", queue_message("{"))


# starter ---------------------------------------------------------------------------------------------


def start_rested_file(world: World) -> None:
    event = file_event(f"{JUNCTION}/{rested_file(world)}", event_id=uuid.uuid4().hex)
    invoke(world, "start", workload_message(event))


def start_young_file(world: World) -> None:
    key = put_file(world, rested=False)
    invoke(world, "start", workload_message(file_event(f"{JUNCTION}/{key}")))


def start_vanished_file(world: World) -> None:
    invoke(world, "start", workload_message(file_event(f"{JUNCTION}/flows/never-there")))


def start_poison(world: World) -> None:
    invoke(world, "start", queue_message("{"))


def start_delete(world: World) -> None:
    """A delete needs no look at the file, only state and an execution."""
    invoke(world, "start", workload_message(file_event(f"{JUNCTION}/flows/gone", "FILE_DELETE")))


# process ---------------------------------------------------------------------------------------------


def job(world: World, key: str, *, there: bool = True) -> dict[str, Any]:
    found = world.client("s3").head_object(Bucket=BUCKET, Key=key) if there else None
    version = {
        "key": key,
        "size": found["ContentLength"] if found else 1,
        "etag": found["ETag"].strip('"') if found else "0" * 32,
        "last_modified": rfc3339(found["LastModified"] if found else datetime.now(UTC)),
    }
    work_key = uuid.uuid4().hex
    return {
        "uc_id": world.outputs["uc_id"],
        "work_key": work_key,
        "action": "process",
        "event": file_event(f"{JUNCTION}/{key}"),
        "object": version,
        "attempt": 1,
        "execution_arn": f"{world.outputs['state_machine']['arn']}:{work_key}",
        "started_at": rfc3339(datetime.now(UTC)),
    }


def process_file(world: World) -> None:
    """Report and lineage; a failed lineage write fails nothing, so the record is looked for."""
    given = job(world, rested_file(world))
    answer = invoke(world, "process", given)
    if answer["status"] != "processed":
        raise RefusedError(f"process: {answer}")
    expect_lineage(world, given["execution_arn"])


def process_twice(world: World) -> None:
    given = job(world, rested_file(world))
    invoke(world, "process", given)
    invoke(world, "process", given)


def process_vanished_file(world: World) -> None:
    answer = invoke(world, "process", job(world, "flows/never-there", there=False))
    if answer["status"] != "superseded":
        raise RefusedError(f"process: {answer}")


# finisher --------------------------------------------------------------------------------------------


def open_item(world: World, attempt: int, age_seconds: float = 0.0) -> dict[str, Any]:
    """A state item IN_PROGRESS whose execution never was."""
    given = job(world, "flows/never-there", there=False) | {"attempt": attempt}
    machine = world.outputs["state_machine"]["arn"]
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:flow-{given['work_key']}"
    since = rfc3339(datetime.now(UTC) - timedelta(seconds=age_seconds))
    item = {
        "pk": f"{given['uc_id']}#{given['work_key']}",
        "uc_id": given["uc_id"],
        "work_key": given["work_key"],
        "status": "IN_PROGRESS",
        "execution_arn": arn,
        "event_id": given["event"]["event_id"],
        "file_path": given["event"]["file_path"],
        "updated_at": since,
        "execution_input": json.dumps(given | {"execution_arn": arn}),
    }
    numbers = {"attempt": {"N": str(attempt)}, "duplicates": {"N": "0"}}
    world.client("dynamodb").put_item(
        TableName=world.outputs["state_table_name"],
        Item={name: {"S": value} for name, value in item.items()} | numbers,
    )
    return item


def report(world: World, item: Mapping[str, Any], status: str, attempt: int) -> str:
    given = {"uc_id": item["uc_id"], "work_key": item["work_key"], "attempt": attempt}
    detail = {"executionArn": item["execution_arn"], "status": status, "input": json.dumps(given)}
    answer = invoke(world, "finish", {"detail": detail})
    return str(answer["step"])


def finish_success(world: World) -> None:
    expect("done", report(world, open_item(world, 1), "SUCCEEDED", 1))


def finish_failure_with_attempts_left(world: World) -> None:
    expect("retried", report(world, open_item(world, 1), "FAILED", 1))


def finish_last_failure(world: World) -> None:
    item = open_item(world, 3)
    expect("failed", report(world, item, "FAILED", 3))
    expect_lineage(world, item["execution_arn"])


def finish_sweep(world: World) -> None:
    """An old open item without an execution is started again."""
    open_item(world, 1, age_seconds=3600)
    answer = invoke(world, "finish", {"action": "sweep"})
    if not answer.get("restarted"):
        raise RefusedError(f"finish: the sweep did {answer}")


# poller ----------------------------------------------------------------------------------------------


def poll_inbox(world: World) -> None:
    """List, ask for a file, keep the watermark. A state that cannot be read is a warning and no failure."""
    world.client("s3").put_object(Bucket=BUCKET, Key=f"inbox/{uuid.uuid4().hex}", Body=b"flow")
    ssm, name = world.client("ssm"), world.outputs["access_point_state"]["name"]
    ssm.put_parameter(Name=name, Value='{"state": "available"}', Type="SecureString", Overwrite=True)
    answer = poll(world)
    if answer["outcome"] not in ("complete", "conflict") or not answer.get("asked"):
        raise RefusedError(f"poll: {answer}")


def poll_disrupted(world: World) -> None:
    ssm, name = world.client("ssm"), world.outputs["access_point_state"]["name"]
    ssm.put_parameter(Name=name, Value='{"state": "disrupted"}', Type="SecureString", Overwrite=True)
    answer = poll(world)
    if answer != {"outcome": "disrupted"}:
        raise RefusedError(f"poll: {answer}")


def poll(world: World) -> Any:
    """Invoke the poller as its schedule does."""
    return invoke(world, "poll", {"pattern": world.outputs["inbox"]["rule"]["pattern"]})


# access point monitor --------------------------------------------------------------------------------


def monitor_all(world: World) -> None:
    """List, read the marker, write, read and delete the probe, keep the state, which the flow made old."""
    ssm, name = world.client("ssm"), world.outputs["access_point_state"]["name"]
    ssm.put_parameter(Name=name, Value='{"state": "unknown"}', Type="SecureString", Overwrite=True)
    answer = invoke(world, "monitor", {})
    kept = json.loads(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    if (answer["state"], kept["state"], len(answer["checks"])) != ("available", "available", 3):
        raise RefusedError(f"monitor: {answer}, {kept}")


# reconciler ------------------------------------------------------------------------------------------


def reconcile_all(world: World) -> None:
    """A run with a cold start, which reads the secret; it writes the volume map that the flow took away.

    The next run finds the map as it must be and leaves it.
    """
    functions, name = world.client("lambda"), world.outputs["functions"]["reconcile"]["function_name"]
    timeout = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=timeout)  # ends warm workers
    s3, place = world.client("s3"), world.outputs["server"]["volume_map"]
    s3.delete_object(Bucket=place["bucket"], Key=place["key"])
    reconcile(world)
    written = s3.head_object(Bucket=place["bucket"], Key=place["key"])["VersionId"]
    reconcile(world)
    if s3.head_object(Bucket=place["bucket"], Key=place["key"])["VersionId"] != written:
        raise RefusedError("reconcile: the volume map was written again")


def reconcile(world: World) -> None:
    (svm,) = invoke(world, "reconcile", {"action": "reconcile"})["svms"]
    if svm["state"] != "connected":
        raise RefusedError(f"reconcile: {svm}")


# diagnose --------------------------------------------------------------------------------------------


def diagnose_all(world: World) -> None:
    """A look with a cold start, which reads the secret; after a refused login that is forgotten."""
    functions, name = world.client("lambda"), world.outputs["functions"]["diagnose"]["function_name"]
    timeout = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=timeout)  # ends warm workers
    world.client("dynamodb").put_item(
        TableName="fsxn-s3ap-local-reconcile",
        Item={"pk": {"S": "LOGINS"}, "refused": {"S": json.dumps({"older": {"tries": 1, "at": 0.0}})}},
    )
    answer = invoke(world, "diagnose", {"action": "look"})
    if answer["errors"] or not answer["parts"]["fpolicy"]["tasks"]:
        raise RefusedError(f"diagnose: {answer['errors']}")


# rename watcher --------------------------------------------------------------------------------------


def watch_rename(world: World) -> None:
    """Claim the window, which the flow ended, tell people, record."""
    table = world.outputs["rename_watcher"]["window_table_name"]
    world.client("dynamodb").delete_item(TableName=table, Key={"pk": {"S": "WINDOW"}})
    given = job(world, "flows/renamed", there=False) | {"action": "rename", "uc_id": "rename-watcher"}
    given["event"] |= {"event_type": "FILE_RENAME", "target_path": f"{JUNCTION}/flows/renamed.locked"}
    answer = invoke(world, "watcher", given)
    if answer["outcome"] != "told":
        raise RefusedError(f"watcher: {answer}")
    expect_lineage(world, given["execution_arn"])


# lineage export ----------------------------------------------------------------------------------------


def export_late_records(world: World) -> None:
    """Two records that come one after the other into a sealed hour: for the second one the first is read."""
    invoke(world, "export", {"action": "export"})
    hour = f"{datetime.now(UTC) - timedelta(hours=3):%Y-%m-%dT%H}"
    for _ in range(2):
        write_lineage(world, hour)
        answer = invoke(world, "export", {"action": "export", "hour": hour})
        if answer["late_records"] != 1:
            raise RefusedError(f"export: {answer}")


def export_after_death(world: World) -> None:
    """A run announced an object and died: the next one finds that it is not there."""
    table = world.outputs["lineage_export"]["table_name"]
    names = (
        "hour",
        "kind",
        "part",
        "is_last",
        "count",
        "digest",
        "resume",
        "key",
        "sha256",
        "size_bytes",
        "exported_at",
    )
    values = ("2026-01-31T10", "late", 1, True, 1, 1, {}, "records/never-uploaded", "0" * 64, 1, "")
    world.client("dynamodb").update_item(
        TableName=table,
        Key={"pk": {"S": "STATE"}},
        UpdateExpression="SET pending = :pending",
        ExpressionAttributeValues={":pending": {"S": json.dumps(dict(zip(names, values, strict=True)))}},
    )
    invoke(world, "export", {"action": "export"})


def write_lineage(world: World, hour: str, **more: Any) -> str:
    """Put a record as if it had been written in that hour; its file."""
    file = f"/flows/{uuid.uuid4().hex}"
    item = {
        "schema_version": {"S": "2.0"},
        "source_file_key": {"S": file},
        "processing_timestamp": {"S": f"{hour}:00:00.000000Z#{uuid.uuid4().hex[:8]}"},
        "uc_id": {"S": "flows"},
        "status": {"S": "success"},
        "work_key": {"S": "k"},
        "event_id": {"S": "e"},
        "action": {"S": "process"},
        "output_keys": {"L": []},
        "duration_ms": {"N": "1"},
        "write_hour": {"S": hour},
        **more,
    }
    world.client("dynamodb").put_item(TableName=world.outputs["lineage_table_name"], Item=item)
    return file


# ------------------------------------------------------------------------------------------------------

FLOWS: Mapping[str, tuple[Flow, ...]] = {
    "route": (route_event, route_poison),
    "start": (start_rested_file, start_young_file, start_vanished_file, start_poison, start_delete),
    "process": (process_file, process_twice, process_vanished_file),
    "finish": (
        finish_success,
        finish_failure_with_attempts_left,
        finish_last_failure,
        finish_sweep,
    ),
    "monitor": (monitor_all,),
    "export": (export_late_records, export_after_death),
    "diagnose": (diagnose_all,),
    "reconcile": (reconcile_all,),
    "poll": (poll_disrupted, poll_inbox),
    "watcher": (watch_rename,),
}

_rested: list[tuple[World, str]] = []


def rested_file(world: World) -> str:
    """A file at rest, the same one every time: only its events and jobs are new."""
    for known, key in _rested:
        if known is world:
            return key
    key = put_file(world, rested=True)
    _rested.append((world, key))
    return key


def expect(wanted: str, seen: str) -> None:
    if seen != wanted:
        raise RefusedError(f"finish: step {seen}, not {wanted}")


def expect_lineage(world: World, execution_arn: str) -> None:
    """The function waits for its record, so it is there when the function has answered."""
    answer = world.client("dynamodb").query(
        TableName=world.outputs["lineage_table_name"],
        IndexName="execution-index",
        KeyConditionExpression="step_functions_execution_arn = :arn",
        ExpressionAttributeValues={":arn": {"S": execution_arn}},
    )
    if not answer["Items"]:
        raise RefusedError(f"no lineage record of {execution_arn}")


def failing(world: World, flows: tuple[Flow, ...]) -> list[str]:
    """Names of the flows that fail; stops at the first, which is enough to know that something is missing."""
    for flow in flows:
        try:
            flow(world)
        except RefusedError as exc:
            return [f"{flow.__name__}: {exc}"]
    return []
