from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from fpolicy_server.delivery.parcel import MAX_BATCH_BYTES, Message
from fpolicy_server.delivery.quarantine import MAX_PAYLOAD_BYTES, quarantine_body
from fpolicy_server.delivery.sqs import SqsQueue
from fsxn_runtime.errors import RejectedError, TransientError
from fsxn_runtime.events import SCHEMA_VERSION

from tests.server.delivery.parcels import parcel

Call = dict[str, Any]


class Client:
    """A boto3 client whose answer is a function of the entries."""

    def __init__(self, answer: Callable[[list[Call]], Any]) -> None:
        self.calls: list[list[Call]] = []
        self._answer = answer

    def send_message_batch(self, **arguments: Any) -> Any:
        assert arguments["QueueUrl"] == "https://queue"
        self.calls.append(arguments["Entries"])
        return self._answer(arguments["Entries"])


def all_accepted(entries: list[Call]) -> Any:
    return {"Successful": [{"Id": entry["Id"]} for entry in entries]}


def message(name: str, **changes: Any) -> Message:
    return Message([parcel(name, **changes)], is_envelope=False)


def test_a_single_event_has_both_attributes_and_an_envelope_only_the_version() -> None:
    client = Client(all_accepted)
    envelope = Message([parcel("b"), parcel("c")], is_envelope=True)
    answers = SqsQueue("https://queue", client).send([message("a"), envelope])
    assert [answer.error for answer in answers] == [None, None]
    single, several = client.calls[0]
    assert single["MessageBody"] == '{"n":"a"}'
    assert {name: value["StringValue"] for name, value in single["MessageAttributes"].items()} == {
        "schema_version": SCHEMA_VERSION,
        "event_type": "FILE_CREATE",
    }
    assert list(several["MessageAttributes"]) == ["schema_version"]


def test_a_quarantined_thing_says_why_in_an_attribute() -> None:
    client, kept = Client(all_accepted), message("a")
    kept.parcels[0].event_type, kept.parcels[0].reason = "", "undecodable"
    SqsQueue("https://queue", client).send([kept])
    assert client.calls[0][0]["MessageAttributes"]["reason"]["StringValue"] == "undecodable"


def test_answers_belong_to_their_messages_whatever_their_order() -> None:
    def answer(entries: list[Call]) -> Any:
        return {
            "Successful": [{"Id": "2"}],
            "Failed": [
                {"Id": "1", "Code": "InternalError", "Message": "", "SenderFault": False},
                {"Id": "0", "Code": "AWS.SimpleQueueService.InvalidMessageContents", "SenderFault": True},
            ],
        }

    answers = SqsQueue("https://queue", Client(answer)).send([message(n) for n in "abcd"])
    assert isinstance(answers[0].error, RejectedError)
    assert isinstance(answers[1].error, TransientError)
    assert answers[2].error is None
    assert isinstance(answers[3].error, TransientError) and answers[3].error.code == "no_answer"


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="x"),
        ClientError({"Error": {"Code": "AccessDenied"}}, "SendMessageBatch"),
        ClientError({"Error": {"Code": "QueueDoesNotExist"}}, "SendMessageBatch"),
        ClientError({}, "SendMessageBatch"),
    ],
)
def test_a_call_that_fails_may_succeed_later(error: Exception) -> None:
    def answer(entries: list[Call]) -> Any:
        raise error

    answers = SqsQueue("https://queue", Client(answer)).send([message("a"), message("b")])
    assert all(isinstance(answer.error, TransientError) for answer in answers)
    assert len(answers) == 2


def test_a_call_refused_for_one_bad_message_finds_the_bad_one() -> None:
    def answer(entries: list[Call]) -> Any:
        if any("bad" in entry["MessageBody"] for entry in entries):
            raise ClientError({"Error": {"Code": "InvalidMessageContents"}}, "SendMessageBatch")
        return all_accepted(entries)

    names = ["a", "b", "bad", "c", "d", "e", "f"]
    answers = SqsQueue("https://queue", Client(answer)).send([message(name) for name in names])
    assert [answer.error is None for answer in answers] == [name != "bad" for name in names]
    assert isinstance(answers[2].error, RejectedError)


def test_a_message_over_the_limit_is_refused_without_a_call() -> None:
    client = Client(all_accepted)
    (answer,) = SqsQueue("https://queue", client).send([message("a", size=MAX_BATCH_BYTES)])
    assert isinstance(answer.error, RejectedError) and answer.error.code == "too_large"
    assert client.calls == []


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
