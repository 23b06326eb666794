"""What people who subscribed to a topic were told: a queue behind the topic, read into memory."""

from __future__ import annotations

import json
import time
from types import TracebackType
from typing import Any, Self

from lab.cloud.emulator import Emulator

NAME = "lab-inbox"


class Inbox:
    """Use as a context manager; it subscribes to the topic and leaves nothing behind."""

    def __init__(self, emulator: Emulator, topic_arn: str) -> None:
        self._sqs: Any = emulator.client("sqs")
        self._sns: Any = emulator.client("sns")
        self._topic_arn = topic_arn
        self._messages: list[str] = []

    def __enter__(self) -> Self:
        self._url = self._sqs.create_queue(QueueName=NAME)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self._topic_arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        self._subscription = self._sns.subscribe(
            TopicArn=self._topic_arn,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": "true"},
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sns.unsubscribe(SubscriptionArn=self._subscription)
        self._sqs.delete_queue(QueueUrl=self._url)

    def found(self, *words: str) -> list[str]:
        """Give the messages so far that contain all the words."""
        self._read(0)
        return [message for message in self._messages if all(word in message for word in words)]

    def wait_for(self, *words: str, seconds: float) -> bool:
        """Say whether a message with all the words came in time."""
        deadline = time.monotonic() + seconds
        while not self.found(*words):
            if time.monotonic() > deadline:
                return False
            self._read(1)
        return True

    def _read(self, wait_seconds: int) -> None:
        """Take everything that waits; with nothing there, wait so long for the first message."""
        while messages := self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds
        ).get("Messages"):
            for message in messages:
                self._messages.append(message["Body"])
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            wait_seconds = 0
