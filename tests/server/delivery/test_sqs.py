from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from fpolicy_server.delivery.http import Response
from fpolicy_server.delivery.parcel import MAX_BATCH_BYTES, Message
from fpolicy_server.delivery.quarantine import MAX_PAYLOAD_BYTES, quarantine_body
from fpolicy_server.delivery.sqs import Answer, SqsQueue
from fsxn_runtime.errors import RejectedError, TransientError
from fsxn_runtime.events import SCHEMA_VERSION

from tests.server.delivery.parcels import parcel

Json = dict[str, Any]


class Service:
    """Requests of SendMessageBatch whose answers are a function of the entries."""

    def __init__(self, answer: Callable[[list[Json]], Response]) -> None:
        self.calls: list[list[Json]] = []
        self._answer = answer

    async def call(self, body: bytes) -> Response:
        request = json.loads(body)
        assert request["QueueUrl"] == "https://queue"
        self.calls.append(request["Entries"])
        return self._answer(request["Entries"])


def ok(answer: Json) -> Response:
    return Response(200, {}, json.dumps(answer).encode())


def refused(code: str, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(400, named, json.dumps({"__type": code, "message": "no"}).encode())


def all_accepted(entries: list[Json]) -> Response:
    return ok({"Successful": [{"Id": entry["Id"]} for entry in entries]})


def send(service: Service, messages: list[Message]) -> list[Answer]:
    return asyncio.run(SqsQueue("https://queue", service.call).send(messages))


def message(name: str, **changes: Any) -> Message:
    return Message([parcel(name, **changes)], is_envelope=False)


def test_a_single_event_has_both_attributes_and_an_envelope_only_the_version() -> None:
    service = Service(all_accepted)
    envelope = Message([parcel("b"), parcel("c")], is_envelope=True)
    answers = send(service, [message("a"), envelope])
    assert [answer.error for answer in answers] == [None, None]
    single, several = service.calls[0]
    assert single["MessageBody"] == '{"n":"a"}'
    assert {name: value["StringValue"] for name, value in single["MessageAttributes"].items()} == {
        "schema_version": SCHEMA_VERSION,
        "event_type": "FILE_CREATE",
    }
    assert list(several["MessageAttributes"]) == ["schema_version"]


def test_a_quarantined_thing_says_why_in_an_attribute() -> None:
    service, kept = Service(all_accepted), message("a")
    kept.parcels[0].event_type, kept.parcels[0].reason = "", "undecodable"
    send(service, [kept])
    assert service.calls[0][0]["MessageAttributes"]["reason"]["StringValue"] == "undecodable"


def test_answers_belong_to_their_messages_whatever_their_order() -> None:
    def answer(entries: list[Json]) -> Response:
        return ok(
            {
                "Successful": [{"Id": "2"}],
                "Failed": [
                    {"Id": "1", "Code": "InternalError", "Message": "", "SenderFault": False},
                    {"Id": "0", "Code": "AWS.SimpleQueueService.InvalidMessageContents", "SenderFault": True},
                ],
            }
        )

    answers = send(Service(answer), [message(n) for n in "abcd"])
    assert isinstance(answers[0].error, RejectedError)
    assert isinstance(answers[1].error, TransientError)
    assert answers[2].error is None
    assert isinstance(answers[3].error, TransientError) and answers[3].error.code == "no_answer"


@pytest.mark.parametrize(
    "response",
    [
        refused("com.amazon.coral.service#AccessDeniedException"),
        refused("com.amazonaws.sqs#QueueDoesNotExist"),
        refused("com.amazonaws.sqs#RequestThrottled", x_amzn_query_error="RequestThrottled;Sender"),
        Response(500, {}, b'{"__type":"com.amazonaws.sqs#InternalError"}'),
        Response(503, {}, b"<html>busy</html>"),
        Response(502, {}, b"{}"),
        Response(200, {}, b"[]"),
        Response(200, {}, b""),
        ok({}),
    ],
)
def test_a_call_that_fails_may_succeed_later(response: Response) -> None:
    answers = send(Service(lambda _: response), [message("a"), message("b")])
    assert all(isinstance(answer.error, TransientError) for answer in answers)
    assert len(answers) == 2


def test_a_network_that_fails_may_work_later() -> None:
    def answer(entries: list[Json]) -> Response:
        raise TransientError("no connection", code="queue_unreachable")

    answers = send(Service(answer), [message("a"), message("b")])
    assert [answer.error.code for answer in answers if answer.error] == ["queue_unreachable"] * 2


@pytest.mark.parametrize(
    "response",
    [
        refused("com.amazonaws.sqs#InvalidMessageContents"),
        refused("com.amazonaws.sqs#BatchRequestTooLong"),
        refused("com.amazonaws.sqs#Other", x_amzn_query_error="AWS.SimpleQueueService.MessageTooLong;Sender"),
    ],
)
def test_the_codes_of_both_protocols_say_what_is_refused_for_good(response: Response) -> None:
    (answer,) = send(Service(lambda _: response), [message("a")])
    assert isinstance(answer.error, RejectedError)


def test_a_call_refused_for_one_bad_message_finds_the_bad_one() -> None:
    def answer(entries: list[Json]) -> Response:
        if any("bad" in entry["MessageBody"] for entry in entries):
            return refused("com.amazonaws.sqs#InvalidMessageContents")
        return all_accepted(entries)

    names = ["a", "b", "bad", "c", "d", "e", "f"]
    answers = send(Service(answer), [message(name) for name in names])
    assert [answer.error is None for answer in answers] == [name != "bad" for name in names]
    assert isinstance(answers[2].error, RejectedError)


def test_a_message_over_the_limit_is_refused_without_a_call() -> None:
    service = Service(all_accepted)
    (answer,) = send(service, [message("a", size=MAX_BATCH_BYTES)])
    assert isinstance(answer.error, RejectedError) and answer.error.code == "too_large"
    assert service.calls == []


def test_quarantine_has_the_bytes_and_the_reason() -> None:
    record = json.loads(quarantine_body(id="e1", reason="undecodable", detail="why", payload=b"\x00\xff"))
    assert base64.b64decode(record["payload_base64"]) == b"\x00\xff"
    assert (record["reason"], record["detail"], record["event_id"]) == ("undecodable", "why", "e1")
    assert not record["payload_truncated"]


def test_a_payload_too_large_for_quarantine_is_cut_and_says_so() -> None:
    payload = b"x" * (MAX_PAYLOAD_BYTES + 1)
    body = quarantine_body(id="e1", reason="too_large", detail="d" * 5000, payload=payload)
    record = json.loads(body)
    assert len(body) < MAX_BATCH_BYTES - 1024
    assert record["payload_truncated"] and record["payload_size"] == len(payload)
    assert record["payload_sha256"] == hashlib.sha256(payload).hexdigest()
