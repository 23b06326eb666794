"""What the router handles: messages of the queue, entries for the bus, rejects for quarantine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

Validator = Callable[[object], None]  # raises RejectedError for what is no file event


class RejectReason(StrEnum):
    """Why something can never be sent. A metric dimension, so the set is closed."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NO_EVENTS = "no_events"
    WRONG_SCHEMA = "wrong_schema"
    NOT_UNICODE = "not_unicode"
    TOO_LARGE = "too_large"
    REFUSED_BY_BUS = "refused_by_bus"


class FailureReason(StrEnum):
    """Why a message is left to the queue for another try. A metric dimension, so the set is closed."""

    BUS_BUSY = "bus_busy"
    BUS_MISCONFIGURED = "bus_misconfigured"
    OUT_OF_TIME = "out_of_time"
    QUARANTINE_UNAVAILABLE = "quarantine_unavailable"


class Answer(StrEnum):
    """What the bus said to one entry."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    BUSY = "busy"
    MISCONFIGURED = "misconfigured"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the ingestion queue."""

    message_id: str
    body: str

    @classmethod
    def from_record(cls, record: Mapping[str, str]) -> Message:
        """Take a record of a Lambda SQS event."""
        return cls(message_id=record["messageId"], body=record["body"])


@dataclass(frozen=True, slots=True)
class Entry:
    """One event on its way to the bus.

    `operation_time_us` is the time for the latency metric, None when the event does not count there.
    """

    message_id: str
    event_id: str
    detail: str
    size_bytes: int
    operation_time_us: int | None


@dataclass(frozen=True, slots=True)
class Reject:
    """What goes to quarantine: a whole message's body or one event of it, with the reason."""

    message_id: str
    body: str
    reason: RejectReason
    explanation: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the bus did: each entry is accepted (with the time, microseconds), refused or failed.

    `retry_count` is the number of entries that were sent again.
    """

    accepted: tuple[tuple[Entry, int], ...] = ()
    refused: tuple[Reject, ...] = ()
    failed: tuple[tuple[Entry, FailureReason], ...] = ()
    retry_count: int = 0

    def plus(self, other: Outcome) -> Outcome:
        """Add what a later round did."""
        return Outcome(
            self.accepted + other.accepted,
            self.refused + other.refused,
            self.failed + other.failed,
            self.retry_count + other.retry_count,
        )
