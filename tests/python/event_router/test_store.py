"""The bus under failure: retries inside the time budget, poison alone, nothing lost."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ReadTimeoutError
from fsxn_runtime.event_router.model import Entry, FailureReason, Reject, RejectReason

from tests.support.router_world import RouterWorld, client_error


def entries(count: int) -> list[Entry]:
    ids = [f"{number:032x}" for number in range(count)]
    return [Entry(f"m{i}", i, json.dumps({"event_id": i}), 60, None) for i in ids]


def test_a_busy_entry_is_sent_again_and_the_others_are_not() -> None:
    busy = entries(12)[3].event_id
    world = RouterWorld(
        answer=lambda event_id, attempt: "ThrottlingException" if event_id == busy and attempt < 3 else ""
    )
    outcome = world.bus().send(entries(12), world.budget())
    assert len(outcome.accepted) == 12
    assert [len(request) for request in world.requests] == [10, 2, 1, 1]
    assert outcome.retry_count == 2


def test_waits_grow_up_to_a_bound_and_end_with_the_budget() -> None:
    world = RouterWorld(answer=lambda *_: "InternalFailure", remaining_ms=20_000)
    outcome = world.bus().send(entries(1), world.budget())
    assert world.waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 3.2, 3.2]
    assert [reason for _, reason in outcome.failed] == [FailureReason.BUS_BUSY]
    assert world.remaining_ms >= 2000


def test_no_call_starts_without_time_for_it() -> None:
    world = RouterWorld(remaining_ms=4999)
    outcome = world.bus().send(entries(11), world.budget())
    assert world.requests == []
    assert {reason for _, reason in outcome.failed} == {FailureReason.OUT_OF_TIME}
    assert len(outcome.failed) == 11


def test_an_entry_that_spoils_a_request_is_found_and_refused_alone() -> None:
    poison = entries(10)[4].event_id

    def answer(event_id: str, _attempt: int) -> str:
        if event_id == poison:
            raise client_error("ValidationException")
        return ""

    world = RouterWorld(answer=answer)
    outcome = world.bus().send(entries(10), world.budget())
    assert len(outcome.accepted) == 9
    assert [(reject.message_id, reject.reason) for reject in outcome.refused] == [
        (f"m{poison}", RejectReason.REFUSED_BY_BUS)
    ]


def test_content_that_the_bus_names_is_refused_without_a_retry() -> None:
    world = RouterWorld(answer=lambda *_: "MalformedDetail")
    outcome = world.bus().send(entries(2), world.budget())
    assert len(outcome.refused) == 2
    assert len(world.requests) == 1


def test_a_whole_call_that_fails_is_tried_again() -> None:
    def answer(_event_id: str, attempt: int) -> str:
        if attempt == 1:
            raise client_error("ServiceUnavailable", 503)
        if attempt == 2:
            raise ReadTimeoutError(endpoint_url="https://events")
        return ""

    world = RouterWorld(answer=answer)
    outcome = world.bus().send(entries(5), world.budget())
    assert len(outcome.accepted) == 5
    assert outcome.retry_count == 10


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_what_a_person_must_repair_is_left_to_the_queue_at_once(code: str) -> None:
    def answer(_event_id: str, _attempt: int) -> str:
        raise client_error(code)

    world = RouterWorld(answer=answer)
    outcome = world.bus().send(entries(2), world.budget())
    assert [reason for _, reason in outcome.failed] == [FailureReason.BUS_MISCONFIGURED] * 2
    assert world.waits == []


def test_acceptance_has_the_time_of_its_own_call() -> None:
    world = RouterWorld()
    outcome = world.bus(now_us=77).send(entries(1), world.budget())
    assert [accepted_at_us for _, accepted_at_us in outcome.accepted] == [77]


def test_quarantine_keeps_body_and_reason() -> None:
    world = RouterWorld()
    reject = Reject("m1", "body", RejectReason.NOT_JSON, "tab\there \u2028 " + "x" * 1000)
    assert world.quarantine().keep(reject, world.budget()) is None
    assert world.quarantined == [("body", "not_json")]


def test_quarantine_says_why_it_could_not_keep() -> None:
    reject = Reject("m1", "body", RejectReason.NOT_JSON, "why")
    refusing = RouterWorld(refuse_quarantine=True)
    assert refusing.quarantine().keep(reject, refusing.budget()) is FailureReason.QUARANTINE_UNAVAILABLE
    late = RouterWorld(remaining_ms=4000)
    assert late.quarantine().keep(reject, late.budget()) is FailureReason.OUT_OF_TIME
