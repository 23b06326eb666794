"""Pure decisions of the router: reading messages, measuring latency."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.event_router.bus_rules import ENVELOPE_BYTES, MAX_REQUEST_BYTES
from fsxn_runtime.event_router.model import Entry, Message, Reject, RejectReason, Validator
from fsxn_runtime.events import parse_timestamp


def read(message: Message, validate: Validator) -> Iterator[Entry | Reject]:
    """Take a message apart: one entry or reject for each event, one reject if there is no reading it.

    A body is one event, or `{"schema_version", "events": [...]}`.
    """
    try:
        for event in _events(message.body):
            yield _entry(message, event, validate)
    except RejectedError as error:
        yield _reject(message.message_id, message.body, error)
    except RecursionError:
        # Deeper than Python follows; how deep that is differs between reading, checking and writing.
        too_deep = RejectedError("body is nested too deep", code=RejectReason.NOT_JSON)
        yield _reject(message.message_id, message.body, too_deep)


def latencies_ms(accepted: Iterable[tuple[Entry, int]]) -> tuple[list[float], int]:
    """Give the ingestion latency of the entries that have one, and how many lay in the future.

    From the operation's time by ONTAP's clock to acceptance by the bus, by this function's clock. What lies
    in the future is clock skew: it counts as 0.
    """
    found = [
        (accepted_at_us - entry.operation_time_us) / 1000
        for entry, accepted_at_us in accepted
        if entry.operation_time_us is not None
    ]
    return [max(0.0, value) for value in found], sum(value < 0 for value in found)


def _events(body: str) -> list[object]:
    try:
        data = json.loads(body, parse_constant=_refuse_constant)
    except ValueError as exc:
        raise RejectedError(f"body is not JSON: {exc}", code=RejectReason.NOT_JSON) from exc
    if not isinstance(data, dict):
        raise RejectedError(
            f"body is a {type(data).__name__}; it must be an object", code=RejectReason.NOT_AN_OBJECT
        )
    if "events" not in data:
        return [data]
    events = data["events"]
    if not isinstance(events, list) or not events:
        raise RejectedError("events is empty or not a list", code=RejectReason.NO_EVENTS)
    return events


def _refuse_constant(name: str) -> NoReturn:
    # Python reads NaN and Infinity; JSON, and so the bus, knows neither.
    raise ValueError(f"{name} is not JSON")


def _entry(message: Message, event: object, validate: Validator) -> Entry | Reject:
    # With escapes, so that bus and quarantine queue take it whatever characters are in it.
    detail = json.dumps(event, separators=(",", ":"))
    try:
        _check_characters(event)
        size = ENVELOPE_BYTES + len(detail)
        if size > MAX_REQUEST_BYTES:
            raise RejectedError(
                f"entry has {size} bytes; at most {MAX_REQUEST_BYTES} are allowed",
                code=RejectReason.TOO_LARGE,
            )
        validate(event)
        return _valid_entry(message, event, detail, size)
    except RejectedError as error:
        return _reject(message.message_id, detail, error)


def _valid_entry(message: Message, event: Any, detail: str, size: int) -> Entry:
    time_us = parse_timestamp(event["timestamp"])
    measured = event["timestamp_source"] == "ontap" and not event["replayed"]
    return Entry(
        message_id=message.message_id,
        event_id=event["event_id"],
        detail=detail,
        size_bytes=size,
        operation_time_us=time_us if measured else None,
    )


def _check_characters(event: object) -> None:
    """Refuse half a surrogate pair: JSON's escapes can write it, but it is no character."""
    try:
        json.dumps(event, ensure_ascii=False).encode()
    except UnicodeEncodeError as exc:
        raise RejectedError("event has half a surrogate pair", code=RejectReason.NOT_UNICODE) from exc


def _reject(message_id: str, body: str, error: RejectedError) -> Reject:
    # Errors from outside this module have codes of their own; here they all mean the event is wrong.
    known = error.code in RejectReason.__members__.values()
    reason = RejectReason(error.code) if known else RejectReason.WRONG_SCHEMA
    return Reject(message_id, body, reason, str(error))
