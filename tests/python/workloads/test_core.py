"""The frame's decisions, by example."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import EventType, format_timestamp
from fsxn_runtime.workloads import core
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

from tests.support.file_events import file_event
from tests.support.workload_world import MACHINE, T0

SECOND = 1_000_000
VERSION = ObjectVersion("legal/a.pdf", 10, "abc", T0)
WANTED = Wanted(Action.PROCESS, "/vol1/legal/a.pdf", "legal/a.pdf")


def item(status: Status = Status.IN_PROGRESS, attempt: int = 1) -> StateItem:
    """A state item of the work key "k"."""
    return StateItem("uc", "k", status, attempt, f"arn:{attempt}", "e", "/vol1/a", "", "{}")


@pytest.mark.parametrize(
    ("event_type", "action"),
    [
        (EventType.FILE_CREATE, Action.PROCESS),
        (EventType.FILE_WRITE, Action.PROCESS),
        (EventType.FILE_CLOSE, Action.PROCESS),
        (EventType.FILE_SETATTR, Action.PROCESS),
        (EventType.FILE_DELETE, Action.DELETE),
    ],
)
def test_what_changes_a_file_is_work(event_type, action):
    event = file_event(event_type=event_type)
    assert core.classify(event, "/vol1") == Wanted(action, "/vol1/legal/a.pdf", "legal/a.pdf")


def test_a_rename_looks_at_its_target():
    event = file_event(event_type=EventType.FILE_RENAME, target_path="/vol1/legal/b.pdf")
    assert core.classify(event, "/vol1") == Wanted(Action.RENAME, "/vol1/legal/b.pdf", "legal/b.pdf")


def test_a_rename_that_makes_a_name_addressable_is_work():
    event = file_event(
        event_type=EventType.FILE_RENAME, path_bytes="L3ZvbDEv/w==", target_path="/vol1/legal/b.pdf"
    )
    assert core.classify(event, "/vol1") == Wanted(Action.RENAME, "/vol1/legal/b.pdf", "legal/b.pdf")


def test_a_rename_without_a_target_is_rejected():
    with pytest.raises(RejectedError, match="target_path"):
        core.classify(file_event(event_type=EventType.FILE_RENAME), "/vol1")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event_type": EventType.DIR_RENAME}, FilterReason.DIRECTORY),
        ({"event_type": EventType.DIR_CREATE}, FilterReason.DIRECTORY),
        ({"event_type": EventType.FILE_READ}, FilterReason.EVENT_TYPE),
        ({"event_type": EventType.UNKNOWN}, FilterReason.EVENT_TYPE),
        ({"file_path": "/vol2/a.pdf"}, FilterReason.OTHER_VOLUME),
        ({"file_path": "/vol1"}, FilterReason.OTHER_VOLUME),
        ({"file_path": "/vol10/a.pdf"}, FilterReason.OTHER_VOLUME),
        ({"path_bytes": "/w=="}, FilterReason.PATH_NOT_ADDRESSABLE),
        ({"file_path": "/vol1/" + "ä" * 513}, FilterReason.PATH_NOT_ADDRESSABLE),
        ({"file_path": "/vol1/inbox/../legal/a.pdf"}, FilterReason.PATH_NOT_ADDRESSABLE),
        ({"file_path": "/vol1/.."}, FilterReason.PATH_NOT_ADDRESSABLE),
        ({"file_path": "/vol1//..//../etc/passwd"}, FilterReason.PATH_NOT_ADDRESSABLE),
        ({"file_path": "/vol1/a\0b"}, FilterReason.PATH_NOT_ADDRESSABLE),
        (
            {"event_type": EventType.FILE_RENAME, "target_path": "/vol1/../a"},
            FilterReason.PATH_NOT_ADDRESSABLE,
        ),
        ({"file_path": "/../vol1/a.pdf"}, FilterReason.OTHER_VOLUME),
    ],
)
def test_what_is_left_alone_has_its_reason(changes, reason):
    assert core.classify(file_event(**changes), "/vol1") is reason


@pytest.mark.parametrize(
    ("junction", "path", "key"),
    [
        ("/vol1", "/vol1/a", "a"),
        ("/vol1/", "/vol1//x/./a", "x/a"),
        ("/", "/a", "a"),
        ("/dept/vol1", "/dept/vol1/a", "a"),
        ("/dept/vol1", "/dept/a", None),
    ],
)
def test_a_key_is_the_path_below_the_junction(junction, path, key):
    assert core.object_key(core.normalise(path), junction) == key


@pytest.mark.parametrize(
    ("modified", "event", "expected"),
    [
        (T0 - 30 * SECOND, T0, 0),
        (T0 - 29 * SECOND, T0, 1),
        (T0 - 29 * SECOND - 1, T0, 1),
        (T0, T0, 30),
        (T0 + 5 * SECOND, T0, 35),  # the storage's clock is ahead, within the tolerance
        (T0 + 61 * SECOND, T0 - 40 * SECOND, 0),  # a client set the time: the event's own counts
        (T0 + 61 * SECOND, T0 - 10 * SECOND, 20),
        (T0 + 61 * SECOND, T0 + 61 * SECOND, 0),  # no time is credible
    ],
)
def test_the_settle_delay_is_what_remains(modified, event, expected):
    assert core.settle_delay(replace(VERSION, last_modified_us=modified), event, T0, 30) == expected


def test_the_settle_delay_never_exceeds_what_a_queue_takes():
    assert core.settle_delay(VERSION, T0, T0, 3600) == 900


def test_events_of_one_version_share_a_work_key():
    keys = {core.work_key(WorkKeyKind.FILE_VERSION, WANTED, VERSION, event_id) for event_id in "abc"}
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        (replace(WANTED, path="/vol1/legal/b.pdf"), VERSION),
        (WANTED, replace(VERSION, etag="abd")),
        (WANTED, replace(VERSION, size_bytes=11)),
        (WANTED, replace(VERSION, last_modified_us=T0 + SECOND)),  # written again with the same bytes
    ],
)
def test_another_version_has_another_work_key(wanted, version):
    kind = WorkKeyKind.FILE_VERSION
    assert core.work_key(kind, wanted, version, "e") != core.work_key(kind, WANTED, VERSION, "e")


@pytest.mark.parametrize(
    ("kind", "wanted", "version"),
    [
        (WorkKeyKind.EVENT, WANTED, VERSION),
        (WorkKeyKind.FILE_VERSION, replace(WANTED, action=Action.DELETE), None),
        (WorkKeyKind.FILE_VERSION, replace(WANTED, action=Action.RENAME), VERSION),
        (WorkKeyKind.FILE_VERSION, WANTED, None),
    ],
)
def test_deletes_renames_and_vanished_files_are_keyed_by_event(kind, wanted, version):
    assert core.work_key(kind, wanted, version, "event-1") == "event-1"


def test_a_versioned_state_machine_is_refused():
    with pytest.raises(RejectedError, match="without version or alias"):
        core.execution_arn(MACHINE + ":3", "n")


def new(event=None):
    return core.new_item(
        uc_id="uc",
        key="k",
        wanted=WANTED,
        event=event or file_event(),
        version=VERSION,
        state_machine_arn=MACHINE,
        now_us=T0,
    )


def test_the_first_attempt_carries_what_the_process_function_needs():
    made = new()
    given = json.loads(made.execution_input)
    assert given == {
        "uc_id": "uc",
        "work_key": "k",
        "attempt": 1,
        "action": "process",
        "event": file_event().to_dict(),
        "object": {"key": "legal/a.pdf", "size": 10, "etag": "abc", "last_modified": format_timestamp(T0)},
        "execution_arn": made.execution_arn,
        "started_at": format_timestamp(T0),
    }
    assert made.execution_arn.startswith(
        "arn:aws:states:us-east-1:111122223333:execution:fsxn-s3ap-inventory:"
    )


def test_the_next_attempt_changes_only_what_an_attempt_changes():
    first, second = new(), core.next_attempt(new(), MACHINE, T0 + SECOND)
    before, after = json.loads(first.execution_input), json.loads(second.execution_input)
    assert {name for name in before if before[name] != after[name]} == {
        "attempt",
        "execution_arn",
        "started_at",
    }
    assert (after["attempt"], second.attempt, second.status) == (2, 2, Status.IN_PROGRESS)


def test_an_input_that_a_status_event_would_leave_out_is_rejected():
    with pytest.raises(RejectedError, match="at most 200000"):
        new(file_event(file_path="/vol1/" + "x" * 200_000))


@pytest.mark.parametrize(
    ("status", "failure", "step"),
    [
        (Status.IN_PROGRESS, None, StartStep.ENSURE),
        (Status.IN_PROGRESS, Failure("k", 1), StartStep.ENSURE),
        (Status.DONE, None, StartStep.DUPLICATE),
        (Status.DONE, Failure("k", 1), StartStep.DUPLICATE),
        (Status.SUPERSEDED, Failure("k", 1), StartStep.DUPLICATE),
        (Status.FAILED, None, StartStep.DUPLICATE),
        (Status.FAILED, Failure("k", 1), StartStep.REOPEN),
        (Status.FAILED, Failure("k", 2), StartStep.DUPLICATE),  # an older dead letter, already used
        (Status.FAILED, Failure("other", 1), StartStep.DUPLICATE),
    ],
)
def test_a_taken_work_key_is_opened_again_only_by_its_own_dead_letter(status, failure, step):
    assert core.decide_start(item(status), failure) is step


@pytest.mark.parametrize(
    ("attempt", "status", "superseded", "step"),
    [
        (2, "SUCCEEDED", False, FinishStep.CLOSE),
        (2, "SUCCEEDED", True, FinishStep.SUPERSEDE),
        (1, "SUCCEEDED", False, FinishStep.IGNORE),
        (2, "RUNNING", False, FinishStep.IGNORE),
        (2, "PENDING_REDRIVE", False, FinishStep.IGNORE),
        (2, "FAILED", False, FinishStep.RETRY),
        (2, "TIMED_OUT", False, FinishStep.RETRY),
        (2, "ABORTED", False, FinishStep.RETRY),
        (1, "FAILED", False, FinishStep.ENSURE),
        (3, "FAILED", False, FinishStep.IGNORE),
    ],
)
def test_an_end_means_what_its_attempt_and_status_say(attempt, status, superseded, step):
    assert core.decide_finish(item(attempt=2), attempt, Execution(status, superseded), 3) is step


def test_the_last_attempt_fails_for_good():
    assert core.decide_finish(item(attempt=3), 3, Execution("FAILED"), 3) is FinishStep.FAIL
    assert core.decide_finish(item(attempt=4), 4, Execution("FAILED"), 3) is FinishStep.FAIL


@pytest.mark.parametrize(
    ("error", "step", "reason"),
    [
        ("RejectedError", FinishStep.FAIL, "rejected"),
        ("MisconfiguredError", FinishStep.FAIL, "misconfigured"),
        ("TransientError", FinishStep.RETRY, "failed"),
        ("ConflictError", FinishStep.RETRY, "failed"),
        ("KeyError", FinishStep.RETRY, "failed"),
    ],
)
def test_what_another_attempt_cannot_change_is_given_up_at_once(error, step, reason):
    execution = Execution("FAILED", error=error)
    assert core.decide_finish(item(), 1, execution, 3) is step
    assert core.failure_reason(execution) == reason


@pytest.mark.parametrize("status", [Status.DONE, Status.FAILED, Status.SUPERSEDED])
@pytest.mark.parametrize("report", ["SUCCEEDED", "FAILED"])
def test_a_closed_item_stays_closed(status, report):
    assert core.decide_finish(item(status), 1, Execution(report), 3) is FinishStep.IGNORE


def test_a_report_without_an_item_is_ignored():
    assert core.decide_finish(None, 1, Execution("FAILED"), 3) is FinishStep.IGNORE
