"""What is lost, and what a kill explains; the ledger and the events are written by hand."""

from __future__ import annotations

import json
from typing import Any

from lab.chaos.debts import (
    HELD_SECONDS,
    NOTICE_SECONDS,
    Length,
    lost,
    of_findings,
    told_records,
    unanswered,
    unexplained,
)


def operation(number: int, **more: Any) -> bytes:
    row = {
        "kind": "operation",
        "time_us": 1_700_000_000_000_000 + number,
        "operation": "NFS_CREAT",
        "path": f"/vol1/{number}",
        "target_path": None,
        "monitored": True,
        "missed": False,
    }
    return json.dumps(row | more).encode() + b"\n"


def event(number: int, **more: Any) -> bytes:
    event = {
        "timestamp": f"2023-11-14T22:13:20.{number:06}Z",
        "operation": "NFS_CREAT",
        "file_path": f"/vol1/{number}",
    }
    return json.dumps({"arrived_us": 0, "event": event | more}).encode() + b"\n"


def test_an_operation_without_its_event_is_lost():
    assert [each.path for each in lost([operation(1), operation(2)], [event(1), event(1)])] == ["/vol1/2"]


def test_an_event_of_another_time_operation_or_target_is_not_its_event():
    others = [event(2, file_path="/vol1/1"), event(1, operation="NFS_WR"), event(1, target_path="/vol1/x")]
    assert len(lost([operation(1)], others)) == 1


def test_what_no_policy_wants_is_not_owed_and_what_a_disabled_one_wants_is():
    assert lost([operation(1, monitored=False)], []) == []
    (missed,) = lost([operation(1, monitored=False, missed=True)], [])
    assert "disabled" in str(missed)


def test_what_was_before_the_run_is_not_counted():
    first = operation(1)
    assert [each.path for each in lost([first, operation(2)], [], begin=len(first))] == ["/vol1/2"]


def test_only_what_happened_shortly_before_and_at_a_kill_is_explained_by_it():
    """An operation each second, all lost, one kill: a ledger of ten bytes a second."""
    rows = [operation(number) for number in range(10, 90)]
    size = len(rows[0])
    lengths = [Length(float(second), second * size) for second in range(81)]
    found = unexplained(lost(rows, []), [40.0], lengths)
    explained = 80 - len(found)
    assert explained == HELD_SECONDS + NOTICE_SECONDS
    assert unexplained(lost(rows, []), [], lengths) == lost(rows, [])


def test_a_missing_record_is_a_debt_unless_its_loss_was_told():
    """Another finding is always one."""
    lines = [
        '{"time":"t","event":"record.lost","work_key":"k1"}',
        '{"time":"t","event":"record.lost","work_key":"k1"}',
        '{"time":"t","event":"record.deferred","work_key":"k2"}',
        "START RequestId",
    ]
    told = told_records(lines)
    assert told == {"k1"}
    finding = {"code": "lineage.missing", "count": 1, "text": "records", "examples": ["/vol1/a"]}
    assert of_findings([finding], told) == []
    assert of_findings([finding | {"count": 2}], told) == ["lineage.missing: 2 records: /vol1/a"]
    assert len(of_findings([finding | {"code": "output.doubled"}], told)) == 1


def test_work_that_two_executions_did_is_a_debt_unless_one_died_before_its_answer():
    """Two that succeeded are one too many; a third record of the same execution is a repetition in it."""
    successes = [("once", "a"), ("once", "a"), ("died", "b"), ("died", "c"), ("twice", "d"), ("twice", "e")]
    ends = {"a": "SUCCEEDED", "b": "FAILED", "c": "SUCCEEDED", "d": "SUCCEEDED", "e": "SUCCEEDED"}
    allowed = unanswered(successes, ends.__getitem__)
    assert allowed == {"died"}
    finding = {"code": "output.doubled", "count": 1, "text": "versions", "examples": ["died"]}
    assert of_findings([finding], [], allowed) == []
    assert of_findings([finding | {"count": 2}], [], allowed) == ["output.doubled: 2 versions: died"]
