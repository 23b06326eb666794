"""The frame's decisions, pure: which events are work, when a file is at rest, what its work key is, and
what becomes of the state item.

Times are microseconds since 1970. The frame compares an object's LastModified (the storage's clock, whole
seconds in a HEAD answer) with Lambda's clock and assumes that the two are within a minute: a skew of s
seconds makes the quiet period that much shorter or longer. Whole seconds can shorten it by one more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import (
    DETAIL_TYPE,
    EVENT_SOURCE,
    EventType,
    FileEvent,
    format_timestamp,
)
from fsxn_runtime.workloads.model import (
    Action,
    Execution,
    Failure,
    FilterReason,
    FinishStep,
    ObjectVersion,
    StartStep,
    StateItem,
    Status,
    Wanted,
    WorkKeyKind,
)

MAX_DELAY_SECONDS: Final = 900  # SQS: the longest DelaySeconds
# Above it a modification time was set by a client (touch, an archive), not by the storage's clock.
CLOCK_TOLERANCE_US: Final = 60_000_000
# Step Functions takes 262,144 bytes, and status events leave the input out above 248 KiB; the finisher
# needs it. The rest is room for the envelope.
MAX_INPUT_BYTES: Final = 200_000
MAX_KEY_BYTES: Final = 1024  # S3: object key length
# As long as Step Functions keeps a name taken after its execution's end: both guards end together.
CLOSED_TTL_US: Final = 90 * 86_400_000_000
# 32 hex characters, as long as an event id: 128 bits.
KEY_LENGTH: Final = 32

_ACTIONS: Final[Mapping[EventType, Action]] = {
    EventType.FILE_CREATE: Action.PROCESS,
    EventType.FILE_WRITE: Action.PROCESS,
    EventType.FILE_CLOSE: Action.PROCESS,
    EventType.FILE_SETATTR: Action.PROCESS,  # a truncation; without a new version it is a duplicate
    EventType.FILE_RENAME: Action.RENAME,
    EventType.FILE_DELETE: Action.DELETE,
}
_DIRECTORIES: Final = frozenset({EventType.DIR_CREATE, EventType.DIR_DELETE, EventType.DIR_RENAME})
_UNSUCCESSFUL: Final = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})
# Branches of the error tree that no further attempt can change, as the state machine's frame names them
# (modules/workload/definition.tf), and what the dead letter says.
_FINAL_ERRORS: Final[Mapping[str, str]] = {
    "RejectedError": "rejected",
    "MisconfiguredError": "misconfigured",
}


def classify(event: FileEvent, junction_path: str) -> Wanted | FilterReason:
    """Say what an event asks for, or why it is left alone.

    A directory that is renamed moves the files below it without an event of their own; only a listing
    finds those. Raises RejectedError for a rename without a target.
    """
    if event.event_type in _DIRECTORIES:
        return FilterReason.DIRECTORY
    action = _ACTIONS.get(event.event_type)
    if action is None:
        return FilterReason.EVENT_TYPE
    if event.path_bytes is not None and action is not Action.RENAME:
        return FilterReason.PATH_NOT_ADDRESSABLE  # an object key is UTF-8; a rename may be what makes it so
    path = normalise(event.file_path)
    if action is Action.RENAME:
        if event.target_path is None:
            raise RejectedError("a rename has no target_path", code="missing_field")
        path = normalise(event.target_path)
    key = object_key(path, junction_path)
    if key is None:
        return FilterReason.OTHER_VOLUME
    if not is_addressable(key):
        return FilterReason.PATH_NOT_ADDRESSABLE
    return Wanted(action, path, key)


def normalise(path: str) -> str:
    """Write a path one way: absolute, one slash between names, no `.`. Case and Unicode form stay.

    Two forms of one accented letter are two names to NFS, so they are not merged.
    """
    return "/" + "/".join(part for part in path.split("/") if part not in ("", "."))


def is_addressable(key: str) -> bool:
    """Whether a key can name a file: S3's length, and neither `..` nor NUL, which no file is called.

    Whoever invents events could leave the scope's folder with them, here or in what reads the outputs.
    """
    return len(key.encode()) <= MAX_KEY_BYTES and ".." not in key.split("/") and "\0" not in key


def object_key(path: str, junction_path: str) -> str | None:
    """Give the key of a normalised path below the volume's junction; None when it is not below it."""
    prefix = normalise(junction_path).rstrip("/") + "/"
    return path[len(prefix) :] or None if path.startswith(prefix) else None


def settle_delay(version: ObjectVersion, event_us: int, now_us: int, settle_seconds: int) -> int:
    """Give the seconds (whole, at most 900) to wait until the file may be at rest; 0 when it may be now.

    A modification time in the future says nothing (a client set it): then the event's own time counts, and
    when that lies ahead too, the queue's delay has to be enough. So a file that nobody touches is always
    taken after a bounded number of looks.
    """
    credible = [time for time in (version.last_modified_us, event_us) if time <= now_us + CLOCK_TOLERANCE_US]
    if not credible:
        return 0
    remaining_us = credible[0] + settle_seconds * 1_000_000 - now_us
    return min(max(-(-remaining_us // 1_000_000), 0), MAX_DELAY_SECONDS)


def work_key(kind: WorkKeyKind, wanted: Wanted, version: ObjectVersion | None, event_id: str) -> str:
    """Name the piece of work: the event for deletes, renames and `event` workloads, else the version.

    A version is path, ETag, size and modification second. The ETag alone is not enough: where it is a
    hash of the content, a file deleted and written again with the same bytes would look done.
    """
    if kind is WorkKeyKind.EVENT or wanted.action is not Action.PROCESS or version is None:
        return event_id
    parts = (wanted.path, version.etag, str(version.size_bytes), str(version.last_modified_us // 1_000_000))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:KEY_LENGTH]


def execution_name(uc_id: str, key: str, attempt: int) -> str:
    """Name an execution: derived, so that starting it twice is starting it once. At most 80 characters."""
    identity = f"{uc_id}\0{key}"
    return f"{hashlib.sha256(identity.encode()).hexdigest()[:48]}-{attempt}"


def execution_arn(state_machine_arn: str, name: str) -> str:
    """Give the ARN that an execution of this name has. Raises RejectedError for another kind of ARN."""
    head, kind, machine = state_machine_arn.partition(":stateMachine:")
    if not kind or ":" in machine:
        raise RejectedError(
            f"{state_machine_arn} must be the ARN of a state machine without version or alias",
            code="wrong_arn",
        )
    return f"{head}:execution:{machine}:{name}"


def new_item(
    *,
    uc_id: str,
    key: str,
    wanted: Wanted,
    event: FileEvent,
    version: ObjectVersion | None,
    state_machine_arn: str,
    now_us: int,
    labels: Mapping[str, str] | None = None,
) -> StateItem:
    """Build the item of a first attempt. Raises RejectedError when its input would be too large.

    `labels` travel in the input, so that whoever writes a record of this work writes the same ones.
    """
    blank = StateItem(
        uc_id=uc_id,
        work_key=key,
        status=Status.IN_PROGRESS,
        attempt=0,
        execution_arn="",
        event_id=event.event_id,
        file_path=event.file_path,
        updated_at="",
        execution_input=json.dumps(
            {
                "uc_id": uc_id,
                "work_key": key,
                "action": wanted.action,
                "event": event.to_dict(),
                "object": version and version_to_dict(version),
                **({"labels": dict(labels)} if labels else {}),
            }
        ),
    )
    if len(blank.execution_input) > MAX_INPUT_BYTES:
        raise RejectedError(
            f"the execution's input has {len(blank.execution_input)} bytes; at most {MAX_INPUT_BYTES}",
            code="input_too_large",
        )
    return next_attempt(blank, state_machine_arn, now_us)


def next_attempt(item: StateItem, state_machine_arn: str, now_us: int) -> StateItem:
    """Give the item of the attempt after this one, with its input."""
    attempt = item.attempt + 1
    arn = execution_arn(state_machine_arn, execution_name(item.uc_id, item.work_key, attempt))
    started_at = format_timestamp(now_us)
    changes = {"attempt": attempt, "execution_arn": arn, "started_at": started_at}
    return replace(
        item,
        status=Status.IN_PROGRESS,
        attempt=attempt,
        execution_arn=arn,
        updated_at=started_at,
        execution_input=json.dumps({**json.loads(item.execution_input), **changes}),
    )


def superseded(item: StateItem) -> StateItem:
    """Give the item of work whose file is gone: closed, and never started."""
    return replace(item, status=Status.SUPERSEDED, attempt=0, execution_arn="", execution_input="")


def reopened(failed: StateItem, fresh: StateItem, state_machine_arn: str, now_us: int) -> StateItem:
    """Give the attempt after the failed one, with the input of the message that asks for it."""
    return next_attempt(replace(fresh, attempt=failed.attempt), state_machine_arn, now_us)


def version_to_dict(version: ObjectVersion) -> dict[str, Any]:
    """Write a version as the execution's input carries it."""
    return {
        "key": version.key,
        "size": version.size_bytes,
        "etag": version.etag,
        "last_modified": format_timestamp(version.last_modified_us),
    }


def decide_start(existing: StateItem, failure: Failure | None) -> StartStep:
    """Say what to do when the work key is taken."""
    if existing.status is Status.IN_PROGRESS:
        return StartStep.ENSURE
    if existing.status is Status.FAILED and failure == Failure(existing.work_key, existing.attempt):
        return StartStep.REOPEN
    return StartStep.DUPLICATE


def duplicate_reason(existing: StateItem | None, event_id: str) -> str:
    """Say why an event started nothing (a bounded set): it came before, or where the work is that it names.

    Without an item the work's name was taken: its item was forgotten before Step Functions forgot the name.
    """
    if existing is None:
        return "name_taken"
    return "repeated" if existing.event_id == event_id else existing.status.lower()


def decide_finish(
    item: StateItem | None, attempt: int, execution: Execution, max_attempts: int
) -> FinishStep:
    """Say what an execution's end means for its item. Repeated, late and foreign reports change nothing."""
    if item is None or item.status is not Status.IN_PROGRESS or attempt > item.attempt:
        return FinishStep.IGNORE
    if execution.status == "SUCCEEDED":
        if attempt < item.attempt:
            return FinishStep.IGNORE  # someone redrove an attempt that had failed; the newer one decides
        return FinishStep.SUPERSEDE if execution.superseded else FinishStep.CLOSE
    if execution.status not in _UNSUCCESSFUL:
        return FinishStep.IGNORE
    if attempt < item.attempt:
        return FinishStep.ENSURE  # the report came before, but its retry may not have been started
    is_final = execution.error in _FINAL_ERRORS or attempt >= max_attempts
    return FinishStep.FAIL if is_final else FinishStep.RETRY


def failure_reason(execution: Execution) -> str:
    """Say why a work key was given up (a metric dimension): its error's branch, else how it ended."""
    return _FINAL_ERRORS.get(execution.error, execution.status.lower())


def failure_message(item: StateItem, execution: Execution) -> str:
    """Write the dead-letter message of a work key that used its attempts.

    It has the shape that the starter reads, so that moving it back to the workload's queue runs the work
    again: `failure` names the attempt that this asks to follow.
    """
    failure = {
        "uc_id": item.uc_id,
        "work_key": item.work_key,
        "attempt": item.attempt,
        "execution_arn": item.execution_arn,
        "status": execution.status,
        "error": execution.error,
        "cause": execution.cause,
    }
    event = json.loads(item.execution_input)["event"]
    return json.dumps(
        {"source": EVENT_SOURCE, "detail-type": DETAIL_TYPE, "detail": event, "failure": failure}
    )
