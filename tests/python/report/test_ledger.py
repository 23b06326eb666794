from __future__ import annotations

import json

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.report.ledger import parse_arrivals, parse_ledger

OPERATION = {
    "kind": "operation",
    "seq": 1,
    "operation": "NFS_REN",
    "protocol": "NFS",
    "protocol_version": "3.0",
    "path": "/vol1/a",
    "target_path": "/vol1/b",
    "time_us": 5,
    "monitored": True,
}
EVENT = {
    "schema_version": "1.0",
    "event_id": "0" * 32,
    "event_type": "FILE_CREATE",
    "svm_name": "svm1",
    "volume_name": "vol1",
    "file_path": "/vol1/a",
    "client_ip": "10.0.0.9",
    "timestamp": "1970-01-01T00:00:00.000005Z",
    "session_id": "s",
    "sequence_number": 1,
    "operation": "NFS_CREAT",
    "protocol": "NFS",
    "protocol_version": "3.0",
    "svm_uuid": "u",
    "volume_msid": 1,
    "policy_name": "p",
    "user": {},
    "file_size": None,
    "received_at": "1970-01-01T00:00:00.000006Z",
    "timestamp_source": "ontap",
    "replayed": False,
}


def lines(*rows: object) -> list[str]:
    return [*(json.dumps(row) for row in rows), ""]


def test_a_ledger_gives_operations_marks_and_counts_and_leaves_out_unknown_kinds():
    ledger = parse_ledger(
        lines(
            OPERATION,
            {"kind": "notification", "seq": 1, "outcome": "stored", "replayed": False},
            {"kind": "notification", "seq": 1, "outcome": "sent", "replayed": True},
            {"kind": "run", "event": "server_down", "at_us": 7},
            {"kind": "later"},
        )
    )
    (operation,) = ledger.operations
    assert (operation.protocol, operation.target_path, operation.time_us) == ("NFS 3.0", "/vol1/b", 5)
    assert (ledger.notifications, ledger.stored) == ({"stored": 1, "sent": 1}, 1)
    assert ledger.marks[0].event == "server_down"


def test_only_the_last_snapshot_says_what_exists():
    """A file of an earlier snapshot may be gone since."""
    ledger = parse_ledger(
        lines(
            {"kind": "run", "event": "snapshot", "at_us": 1},
            {"kind": "file", "path": "/vol1/gone", "size": 1, "sha256": "x"},
            {"kind": "run", "event": "snapshot", "at_us": 2},
            {"kind": "file", "path": "/vol1/a", "size": 1, "sha256": "x"},
        )
    )
    assert [file.path for file in ledger.files] == ["/vol1/a"]


@pytest.mark.parametrize("line", ["{", "[]", json.dumps({"kind": "operation"}), json.dumps({"no": "kind"})])
def test_a_broken_ledger_line_is_named_by_its_number(line: str):
    with pytest.raises(RejectedError, match="ledger line 2"):
        parse_ledger([json.dumps(OPERATION), line])


def test_an_arrival_has_the_time_of_operation_and_of_arrival():
    (arrival,) = parse_arrivals(lines({"arrived_us": 9, "event": EVENT}))
    assert (arrival.time_us, arrival.arrived_us, arrival.event_type) == (5, 9, "FILE_CREATE")


@pytest.mark.parametrize("row", [{"arrived_us": 1}, {"arrived_us": 1, "event": {**EVENT, "event_id": "?"}}])
def test_an_arrival_that_is_no_event_is_rejected_with_its_line(row: object):
    with pytest.raises(RejectedError, match="events line 1"):
        parse_arrivals(lines(row))
