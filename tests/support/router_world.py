"""What surrounds the router in unit tests: a bus, a quarantine queue and time, all under control."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.event_router.store import Bus, Quarantine


def client_error(code: str, status: int = 400) -> ClientError:
    """What boto3 raises when a service refuses a call."""
    return ClientError(
        {"Error": {"Code": code, "Message": "said the test"}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "Operation",
    )


@dataclass
class RouterWorld:
    """`answer(event_id, attempt)` gives the error code of one entry, "" to accept it, or raises for the call.

    `refuse_quarantine` makes the quarantine queue refuse. Time passes only in waits and calls.
    """

    answer: Callable[[str, int], str] = lambda _event_id, _attempt: ""
    refuse_quarantine: bool = False
    remaining_ms: int = 60_000
    call_ms: int = 20
    accepted: list[str] = field(default_factory=list)
    quarantined: list[tuple[str, str]] = field(default_factory=list)
    requests: list[list[str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    _attempts: dict[str, int] = field(default_factory=dict)

    # As an "events" client.
    def put_events(self, **request: Any) -> dict[str, Any]:
        details = [entry["Detail"] for entry in request["Entries"]]
        assert 1 <= len(details) <= 10
        assert sum(len(detail.encode()) for detail in details) < 1_000_000
        self.remaining_ms -= self.call_ms
        ids = [json.loads(detail)["event_id"] for detail in details]
        self.requests.append(ids)
        for event_id in ids:
            self._attempts[event_id] = self._attempts.get(event_id, 0) + 1
        codes = [self.answer(event_id, self._attempts[event_id]) for event_id in ids]
        self.accepted += [event_id for event_id, code in zip(ids, codes, strict=True) if not code]
        entries = [{"ErrorCode": code} if code else {"EventId": "x"} for code in codes]
        return {"FailedEntryCount": sum(map(bool, codes)), "Entries": entries}

    # As an "sqs" client.
    def send_message(self, **request: Any) -> None:
        self.remaining_ms -= self.call_ms
        if self.refuse_quarantine:
            raise client_error("InternalError", 500)
        attributes = {name: value["StringValue"] for name, value in request["MessageAttributes"].items()}
        assert attributes.keys() == {"reason", "explanation", "source_message_id"}
        assert all(text and text.isascii() for text in attributes.values())
        self.quarantined.append((request["MessageBody"], attributes["reason"]))

    # As a Lambda context.
    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.remaining_ms -= int(seconds * 1000)

    def bus(self, now_us: int = 0) -> Bus:
        return Bus(self, "bus", clock=lambda: now_us, sleep=self.sleep, jitter=lambda: 1.0)

    def quarantine(self) -> Quarantine:
        return Quarantine(self, "https://queue")

    def budget(self) -> TimeBudget:
        return TimeBudget.of(self, reserve_ms=2000)
