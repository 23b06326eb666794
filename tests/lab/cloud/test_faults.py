"""AWS going wrong on purpose: every effect as the product's client sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from lab.cloud.clients import REGION
from lab.cloud.emulator import Emulator
from lab.cloud.faults import AwsFault, AwsFaults
from tests.lab.cloud.functions import make_role


@pytest.fixture
def struck(emulator: Emulator) -> Iterator[Emulator]:
    yield emulator
    emulator.set_faults()


@pytest.fixture(scope="module")
def queue(emulator: Emulator) -> str:
    return str(emulator.client("sqs").create_queue(QueueName="struck")["QueueUrl"])


@pytest.fixture(autouse=True)
def _empty(emulator: Emulator, queue: str) -> None:
    emulator.client("sqs").purge_queue(QueueUrl=queue)


@pytest.fixture(scope="module")
def product(emulator: Emulator) -> Any:
    """A function that gives clients with a role's credentials; they try once."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    arn = make_role(emulator, "product", [statement])
    made = emulator.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=emulator.endpoint,
            region_name=REGION,
            aws_access_key_id=made["AccessKeyId"],
            aws_secret_access_key=made["SecretAccessKey"],
            aws_session_token=made["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    return client


def depth(emulator: Emulator, queue: str) -> int:
    name = "ApproximateNumberOfMessages"
    answer = emulator.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[name])
    return int(answer["Attributes"][name])


@pytest.mark.parametrize(
    ("service", "call", "effect", "status", "code"),
    [
        ("sqs", lambda c: c.list_queues(), "error", 500, "InternalFailure"),
        ("dynamodb", lambda c: c.list_tables(), "throttle", 400, "ProvisionedThroughputExceededException"),
        ("s3", lambda c: c.list_buckets(), "throttle", 503, "SlowDown"),
        ("lambda", lambda c: c.list_functions(), "throttle", 429, "TooManyRequestsException"),
        ("sts", lambda c: c.get_caller_identity(), "unavailable", 503, "ServiceUnavailable"),
        ("events", lambda c: c.list_rules(), "throttle", 400, "ThrottlingException"),
    ],
)
def test_a_refusal_has_the_services_own_form(
    struck: Emulator, product: Any, service: str, call: Any, effect: str, status: int, code: str
):
    struck.set_faults({"service": service, "effect": effect})
    with pytest.raises(ClientError) as caught:
        call(product(service))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["Error"]["Code"] == code
    struck.set_faults()
    call(product(service))


def test_a_cut_call_is_not_done_and_one_with_a_lost_answer_is(struck: Emulator, product: Any, queue: str):
    for effect, done in (("cut", 0), ("lost_answer", 1)):
        struck.set_faults({"service": "sqs", "action": "SendMessage", "effect": effect})
        with pytest.raises(ConnectionClosedError):
            product("sqs").send_message(QueueUrl=queue, MessageBody="text")
        assert depth(struck, queue) == done


def test_a_call_done_twice_is_answered_once(struck: Emulator, product: Any, queue: str):
    struck.set_faults({"service": "sqs", "action": "SendMessage", "effect": "twice"})
    assert product("sqs").send_message(QueueUrl=queue, MessageBody="text")["MessageId"]
    assert depth(struck, queue) == 2


@pytest.mark.parametrize("effect", ["late", "late_answer"])
def test_a_late_call_takes_its_time_and_is_done(struck: Emulator, product: Any, queue: str, effect: str):
    struck.set_faults({"service": "sqs", "action": "SendMessage", "effect": effect, "seconds": 0.4})
    began = time.monotonic()
    product("sqs").send_message(QueueUrl=queue, MessageBody="text")
    assert time.monotonic() - began >= 0.4
    assert depth(struck, queue) == 1


def test_every_second_entry_of_a_batch_is_refused_and_the_others_are_there(
    struck: Emulator, product: Any, queue: str
):
    struck.set_faults({"service": "sqs", "action": "SendMessageBatch", "effect": "some_entries"})
    entries = [{"Id": str(number), "MessageBody": f"text {number}"} for number in range(5)]
    answer = product("sqs").send_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["0", "2", "4"]
    assert [(entry["Id"], entry["SenderFault"]) for entry in answer["Failed"]] == [("1", False), ("3", False)]
    assert depth(struck, queue) == 3


def test_put_events_says_entry_by_entry_what_failed(struck: Emulator, product: Any):
    struck.set_faults({"service": "events", "action": "PutEvents", "effect": "some_entries"})
    entry = {"Source": "lab", "DetailType": "test", "Detail": "{}"}
    answer = product("events").put_events(Entries=[entry] * 3)
    assert answer["FailedEntryCount"] == 1
    assert ["ErrorCode" in each for each in answer["Entries"]] == [False, True, False]
    assert ["EventId" in each for each in answer["Entries"]] == [True, False, True]


def test_the_laboratorys_own_calls_are_spared_and_what_was_struck_is_counted(struck: Emulator, product: Any):
    struck.set_faults({"service": "sqs", "effect": "error"})
    struck.client("sqs").list_queues()
    before = struck.set_faults({"service": "sqs", "effect": "error"})
    with pytest.raises(ClientError):
        product("sqs").list_queues()
    after = struck.set_faults()
    name = "sqs ListQueues error"
    assert after[name] == before.get(name, 0) + 1


def test_a_share_of_the_calls_is_struck_and_others_never():
    faults = AwsFaults()
    faults.replace({"rules": [{"service": "sqs", "effect": "cut", "action": "SendMessage", "share": 0.3}]})
    hits = sum(faults.strike("sqs", "SendMessage") is not None for _ in range(1000))
    assert 230 < hits < 370
    assert faults.strike("sqs", "ListQueues") is faults.strike("s3", "SendMessage") is None


@pytest.mark.parametrize(
    ("rule", "said"),
    [({"effect": "boil"}, "boil.*allowed: error"), ({"effect": "cut", "share": 1.5}, "share is 1.5")],
)
def test_a_rule_that_is_none_is_refused(rule: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        AwsFault(service="sqs", **json.loads(json.dumps(rule)))
