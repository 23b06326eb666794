"""What is used is counted as AWS counts it for a bill."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.cloud.emulator import Emulator
from tests.support.emulator import emulator, emulator_process

__all__ = ["emulator", "emulator_process"]


def used(aws: Emulator, act: Callable[[], object]) -> dict[tuple[str, str], float]:
    """What one thing used."""
    before = aws.usage()
    act()
    after = aws.usage()
    more = {key: amount - before.get(key, 0) for key, amount in after.items()}
    return {key: amount for key, amount in more.items() if amount}


def test_a_queue_counts_calls_and_chunks_of_64_kb(emulator: Emulator) -> None:
    sqs = emulator.client("sqs")
    url = sqs.create_queue(QueueName="counted")["QueueUrl"]
    entries = [{"Id": str(number), "MessageBody": "x"} for number in range(10)]
    assert used(emulator, lambda: sqs.send_message_batch(QueueUrl=url, Entries=entries)) == {
        ("queue sends", "counted"): 1
    }
    large = used(emulator, lambda: sqs.send_message(QueueUrl=url, MessageBody="x" * 65_537))
    assert large == {("queue sends", "counted"): 2}


def test_a_table_counts_units_also_of_a_refused_write(emulator: Emulator) -> None:
    dynamodb = emulator.client("dynamodb")
    dynamodb.create_table(
        TableName="counted",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    item: dict[str, Any] = {"pk": {"S": "a"}, "fill": {"S": "x" * 2500}}

    def put(**condition: str) -> None:
        dynamodb.put_item(TableName="counted", Item=item, **condition)

    def refused() -> None:
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            put(ConditionExpression="attribute_not_exists(pk)")

    def read() -> None:
        dynamodb.get_item(TableName="counted", Key={"pk": {"S": "a"}}, ConsistentRead=True)

    assert used(emulator, put) == {("write units", "counted"): 3}
    assert used(emulator, refused) == {("write units", "counted"): 3}
    assert used(emulator, read) == {("read units", "counted"): 1}


def test_a_bucket_tells_reads_writes_and_lists_apart(emulator: Emulator) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="counted")

    def work() -> None:
        s3.put_object(Bucket="counted", Key="a/b", Body=b"x")
        s3.head_object(Bucket="counted", Key="a/b")
        s3.get_object(Bucket="counted", Key="a/b")
        s3.list_objects_v2(Bucket="counted")

    assert used(emulator, work) == {
        ("object lists", "counted"): 1,
        ("object reads", "counted"): 2,
        ("object writes", "counted"): 1,
    }


def test_an_event_counts_for_its_bus_and_its_delivery_for_the_queue(emulator: Emulator) -> None:
    events, sqs = emulator.client("events"), emulator.client("sqs")
    events.create_event_bus(Name="counted")
    url = sqs.create_queue(QueueName="delivered")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(
        QueueUrl=url,
        Attributes={
            "Policy": json.dumps(
                {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "events.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": arn,
                        }
                    ]
                }
            )
        },
    )
    events.put_rule(Name="all", EventBusName="counted", EventPattern=json.dumps({"source": ["mine"]}))
    events.put_targets(Rule="all", EventBusName="counted", Targets=[{"Id": "q", "Arn": arn}])
    entry = {"EventBusName": "counted", "Source": "mine", "DetailType": "t", "Detail": '{"a":1}'}
    found = used(emulator, lambda: events.put_events(Entries=[entry, entry]))
    assert found == {
        ("events", "counted"): 2,
        ("event bytes", "counted"): 14,
        ("queue sends", "delivered"): 2,
    }
