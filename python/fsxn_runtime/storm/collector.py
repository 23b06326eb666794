"""Take file events out of a queue and write them down, for `fsxn events verify`.

The queue is one made for the purpose: a rule of the bus feeds it, or it is the ingestion queue while no
router reads it. What is taken is deleted there, after it is on disk.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import RejectedError

RECEIVERS = 4  # each takes 10 messages a call; four keep up with one server
WAIT_SECONDS = 1  # of one receive


class Collector:
    """Reads one queue with several threads. `sqs` is its boto3 client, safe to share between threads."""

    def __init__(self, sqs: Any, queue_url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._clock = clock
        self._lock = threading.Lock()
        self._ids: set[str] = set()
        self._events = 0
        self._last = clock()

    def collect(
        self,
        path: Path,
        *,
        idle_seconds: float,
        expected: int | None = None,
        seen: Callable[[int, int], None] | None = None,
    ) -> tuple[int, int]:
        """Write events until none came for `idle_seconds`, or `expected` different ones are there.

        Gives the number of events and of different ones. A message that is no event is RejectedError, and
        stays in the queue. Lines are {"arrived_us", "event"}; the time is when the queue took the message.
        """
        self._last = self._clock()
        with path.open("a", encoding="utf-8") as file, ThreadPoolExecutor(RECEIVERS) as pool:

            def run() -> None:
                while not self._is_over(idle_seconds, expected):
                    self._take(file)
                    if seen:
                        seen(self._events, len(self._ids))

            for future in [pool.submit(run) for _ in range(RECEIVERS)]:
                future.result()
        return self._events, len(self._ids)

    def _is_over(self, idle_seconds: float, expected: int | None) -> bool:
        enough = expected is not None and len(self._ids) >= expected
        return enough or self._clock() - self._last >= idle_seconds

    def _take(self, file: Any) -> None:
        with aws_call("sqs:ReceiveMessage"):
            answer = self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=WAIT_SECONDS,
                AttributeNames=["SentTimestamp"],
            )
        messages = answer.get("Messages", [])
        if not messages:
            return
        rows: list[dict[str, Any]] = [
            {"arrived_us": int(message["Attributes"]["SentTimestamp"]) * 1000, "event": event}
            for message in messages
            for event in parse_bodies(message["Body"])
        ]
        with self._lock:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            file.flush()
            self._events += len(rows)
            self._ids.update(str(row["event"].get("event_id")) for row in rows)
            self._last = self._clock()
        entries = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages)
        ]
        with aws_call("sqs:DeleteMessage"):
            self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)


def parse_bodies(body: str) -> Iterator[dict[str, Any]]:
    """Give the events of one message: of the bus, one event of the server, or several in one envelope."""
    try:
        data = json.loads(body)
    except ValueError as exc:
        raise RejectedError(f"a message is no JSON: {exc}", code="no_event") from exc
    if isinstance(data, dict):
        found = data.get("detail", data)
        events = found.get("events", [found]) if isinstance(found, dict) else []
        if events and all(isinstance(event, dict) and "event_id" in event for event in events):
            yield from events
            return
    raise RejectedError(f"a message is no file event: {body[:100]!r}", code="no_event")
