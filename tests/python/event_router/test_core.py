"""Reading messages, forming batches, judging answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fsxn_runtime.event_router.bus_rules import MAX_REQUEST_BYTES, batches, judge
from fsxn_runtime.event_router.core import latencies_ms, read
from fsxn_runtime.event_router.model import Answer, Entry, Message, Reject, RejectReason
from fsxn_runtime.event_router.store import schema_validator
from fsxn_runtime.events import parse_timestamp

from tests.support.file_events import file_event

validate = schema_validator()


def read_all(body: str) -> list[Entry | Reject]:
    return list(read(Message("m1", body), validate))


def body_of(**changes: Any) -> str:
    return json.dumps({**file_event().to_dict(), **changes})


def entry(size_bytes: int = 10, operation_time_us: int | None = None) -> Entry:
    return Entry("m1", "e1", "{}", size_bytes, operation_time_us)


def test_one_event_becomes_one_entry_with_all_its_fields() -> None:
    (found,) = read_all(body_of(added_later={"x": 1}))
    assert isinstance(found, Entry)
    assert json.loads(found.detail) == {**file_event().to_dict(), "added_later": {"x": 1}}
    assert found.event_id == file_event().event_id
    assert found.size_bytes == len(found.detail.encode()) + len("fsxn.fpolicy") + len(
        "FPolicy File Operation"
    )


def test_a_body_with_several_events_becomes_several_entries() -> None:
    events = [file_event(event_id=f"{number:032x}").to_dict() for number in range(3)]
    found = read_all(json.dumps({"schema_version": "1.0", "events": events}))
    assert [item.event_id for item in found if isinstance(item, Entry)] == [e["event_id"] for e in events]


def test_what_is_nested_too_deep_to_check_or_write_is_rejected() -> None:
    def too_deep(event: object) -> None:
        raise RecursionError

    body = body_of()
    (found,) = read(Message("m1", body), too_deep)
    assert found == Reject("m1", body, RejectReason.NOT_JSON, "body is nested too deep")


def test_one_wrong_event_does_not_spoil_the_others() -> None:
    good = file_event().to_dict()
    found = read_all(json.dumps({"schema_version": "1.0", "events": [good, 7, good]}))
    assert [type(item) for item in found] == [Entry, Reject, Entry]
    assert found[1] == Reject("m1", "7", RejectReason.WRONG_SCHEMA, "data must be object")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", RejectReason.NOT_JSON),
        ("{", RejectReason.NOT_JSON),
        ("[" * 100_000, RejectReason.NOT_JSON),
        ('{"offset": NaN}', RejectReason.NOT_JSON),
        ('{"offset": ' + "9" * 5000 + "}", RejectReason.NOT_JSON),
        ("[]", RejectReason.NOT_AN_OBJECT),
        ("null", RejectReason.NOT_AN_OBJECT),
        ('{"events": []}', RejectReason.NO_EVENTS),
        ('{"events": {}}', RejectReason.NO_EVENTS),
        ("{}", RejectReason.WRONG_SCHEMA),
        (body_of(event_type="FILE_EXPLODE"), RejectReason.WRONG_SCHEMA),
        (body_of(timestamp="2026-02-30T00:00:00.000000Z"), RejectReason.WRONG_SCHEMA),
        (body_of(file_path="/vol1/\ud800"), RejectReason.NOT_UNICODE),
        (body_of(file_path="/" + "x" * MAX_REQUEST_BYTES), RejectReason.TOO_LARGE),
    ],
    ids=range(14),
)
def test_what_can_never_be_sent_is_rejected_with_its_reason(body: str, reason: RejectReason) -> None:
    (found,) = read_all(body)
    assert isinstance(found, Reject)
    assert found.reason is reason
    assert found.message_id == "m1"


def test_a_rejected_message_keeps_its_body() -> None:
    (found,) = read_all("{ not json")
    assert isinstance(found, Reject)
    assert found.body == "{ not json"


def test_a_rejected_event_keeps_its_content_in_characters_any_queue_takes() -> None:
    body = body_of(file_path="/vol1/\ud800")
    (found,) = read_all(body)
    assert isinstance(found, Reject)
    assert found.body.isascii()
    assert json.loads(found.body) == json.loads(body)


@pytest.mark.parametrize(
    ("changes", "measured"),
    [({}, True), ({"replayed": True}, False), ({"timestamp_source": "server"}, False)],
)
def test_latency_is_measured_only_for_fresh_events_with_an_ontap_time(
    changes: dict[str, Any], measured: bool
) -> None:
    (found,) = read_all(body_of(**changes))
    assert isinstance(found, Entry)
    assert found.operation_time_us == (parse_timestamp(file_event().timestamp) if measured else None)


def test_latency_runs_from_the_operation_to_acceptance() -> None:
    accepted = [
        (entry(operation_time_us=1_000_000), 1_250_500),
        (entry(), 9),
        (entry(operation_time_us=5), 5),
    ]
    assert latencies_ms(accepted) == ([250.5, 0.0], 0)


def test_a_time_in_the_future_counts_as_skew_and_zero() -> None:
    assert latencies_ms([(entry(operation_time_us=2_000), 1_000)]) == ([0.0], 1)


def test_a_request_has_at_most_ten_entries() -> None:
    assert [len(batch) for batch in batches([entry()] * 23)] == [10, 10, 3]


def test_a_request_stays_below_the_size_limit() -> None:
    half = MAX_REQUEST_BYTES // 2
    sizes = [half, half, 2, 1, MAX_REQUEST_BYTES, 1]
    found = [[item.size_bytes for item in batch] for batch in batches([entry(size) for size in sizes])]
    assert found == [[half, half], [2, 1], [MAX_REQUEST_BYTES], [1]]


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("", Answer.ACCEPTED),
        ("ThrottlingException", Answer.BUSY),
        ("InternalFailure", Answer.BUSY),
        ("MalformedDetail", Answer.REFUSED),
        ("InvalidArgument", Answer.REFUSED),
        ("NotAuthorizedForSourceException", Answer.MISCONFIGURED),
        ("SomethingNew", Answer.MISCONFIGURED),
    ],
)
def test_an_error_code_is_about_content_load_or_set_up(code: str, answer: Answer) -> None:
    assert judge(code) is answer
