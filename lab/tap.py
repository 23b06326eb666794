"""A consumer of the bus that writes down everything it gets, with the time at which the bus delivered it.

A rule that wants every file event feeds a queue of its own; threads move the queue into a file. The time is
the queue's SentTimestamp (milliseconds): when the bus handed the event over, not when a thread read it.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.cloud.emulator import Emulator

NAME = "lab-tap"
RECEIVERS = 2  # one receive takes 10 messages; two keep up with the fastest replay seen here


class Tap:
    """Use as a context manager. `path` gets one JSON object per line: {"arrived_us", "event"}."""

    def __init__(self, emulator: Emulator, bus_name: str, path: Path) -> None:
        self._emulator = emulator
        self._bus_name = bus_name
        self._path = path
        self._ids: set[str] = set()
        self._arrivals = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def arrivals(self) -> int:
        """Events received so far, copies included."""
        return self._arrivals

    @property
    def events(self) -> int:
        """Different events received so far."""
        return len(self._ids)

    def __enter__(self) -> Self:
        sqs, events = self._emulator.client("sqs"), self._emulator.client("events")
        self.queue_url: str = sqs.create_queue(QueueName=NAME)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["QueueArn"])
        pattern = json.dumps({"source": ["fsxn.fpolicy"]})
        events.put_rule(Name=NAME, EventBusName=self._bus_name, EventPattern=pattern)
        target = {"Id": NAME, "Arn": attributes["Attributes"]["QueueArn"]}
        events.put_targets(Rule=NAME, EventBusName=self._bus_name, Targets=[target])
        self._file = self._path.open("a", encoding="utf-8")
        for number in range(RECEIVERS):
            thread = threading.Thread(target=self._run, name=f"tap-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop reading and take the rule and the queue away, so that the bus can be destroyed."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._file.close()
        events = self._emulator.client("events")
        events.remove_targets(Rule=NAME, EventBusName=self._bus_name, Ids=[NAME])
        events.delete_rule(Name=NAME, EventBusName=self._bus_name)
        self._emulator.client("sqs").delete_queue(QueueUrl=self.queue_url)

    def _run(self) -> None:
        sqs = self._emulator.client("sqs")
        while not self._ended.is_set():
            answer = sqs.receive_message(
                QueueUrl=self.queue_url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=1,
                AttributeNames=["SentTimestamp"],
            )
            messages = answer.get("Messages", [])
            if messages:
                self._write(messages)
                entries = [
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ]
                sqs.delete_message_batch(QueueUrl=self.queue_url, Entries=entries)

    def _write(self, messages: list[dict[str, Any]]) -> None:
        rows = [
            {
                "arrived_us": int(message["Attributes"]["SentTimestamp"]) * 1000,
                "event": json.loads(message["Body"])["detail"],
            }
            for message in messages
        ]
        with self._lock:
            self._file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            self._file.flush()
            self._arrivals += len(rows)
            self._ids.update(str(row["event"].get("event_id")) for row in rows)
