"""Adapters: the bus, the quarantine queue, and the served schema as a check."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import fastjsonschema

from fsxn_runtime.edge import log
from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.errors import FsxnError, RejectedError
from fsxn_runtime.event_router.bus_rules import batches, judge
from fsxn_runtime.event_router.model import (
    Answer,
    Entry,
    FailureReason,
    Outcome,
    Reject,
    RejectReason,
    Validator,
)
from fsxn_runtime.events import DETAIL_TYPE, EVENT_SOURCE

# A call usually takes some 20 ms; a call begun with less than this left may be cut off by the function's
# end, which costs a repetition of the whole batch but loses nothing.
CALL_COST_MS: Final = 3000
# Waits between rounds of tries: half to all of 0.1 s, 0.2 s, ... 3.2 s. The bus's throttling is per second.
FIRST_WAIT_SECONDS: Final = 0.1
LONGEST_WAIT_SECONDS: Final = 3.2
MAX_EXPLANATION: Final = 256  # characters; enough to name the field, and never a payload

_FAILURES: Final = {
    Answer.BUSY: FailureReason.BUS_BUSY,
    Answer.MISCONFIGURED: FailureReason.BUS_MISCONFIGURED,
}
_log = log.logger("event_router")


def schema_validator() -> Validator:
    """Compile the served JSON Schema (7 ms, measured; so it happens once, at the first call)."""
    schema = json.loads(pkgutil.get_data("fsxn_runtime", "file_event.schema.json") or b"")
    check = fastjsonschema.compile(schema, detailed_exceptions=False)

    def validate(event: object) -> None:
        try:
            check(event)
        except fastjsonschema.JsonSchemaValueException as exc:
            raise RejectedError(exc.message, code=RejectReason.WRONG_SCHEMA) from exc

    return validate


class Bus:
    """Sends entries to one event bus. Sending an entry twice is harmless: consumers know it by event_id."""

    def __init__(
        self,
        events: Any,
        bus_name: str,
        *,
        clock: Callable[[], int],
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
    ) -> None:
        """`clock` gives microseconds since 1970, `jitter` a number from 0 to 1."""
        self._events = events
        self._bus_name = bus_name
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    def send(self, entries: Sequence[Entry], budget: TimeBudget) -> Outcome:
        """Send all entries; what the bus was too busy for is tried again while the budget lasts."""
        done = Outcome()
        wait_seconds = FIRST_WAIT_SECONDS
        while True:
            answer = self._round(entries, budget)
            entries = [entry for entry, reason in answer.failed if reason is FailureReason.BUS_BUSY]
            if not entries or not budget.has(int(wait_seconds * 1000) + CALL_COST_MS):
                return done.plus(answer)
            settled = [pair for pair in answer.failed if pair[1] is not FailureReason.BUS_BUSY]
            done = done.plus(replace(answer, failed=tuple(settled), retry_count=len(entries)))
            self._sleep(wait_seconds * (1 + self._jitter()) / 2)
            wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)

    def _round(self, entries: Sequence[Entry], budget: TimeBudget) -> Outcome:
        accepted: list[tuple[Entry, int]] = []
        refused: list[Reject] = []
        failed: list[tuple[Entry, FailureReason]] = []
        for batch in batches(entries):
            if not budget.has(CALL_COST_MS):
                failed += [(entry, FailureReason.OUT_OF_TIME) for entry in batch]
                continue
            answers = self._put(batch)
            now_us = self._clock()
            for entry, answer, explanation in answers:
                if answer is Answer.ACCEPTED:
                    accepted.append((entry, now_us))
                elif answer is Answer.REFUSED:
                    reject = Reject(entry.message_id, entry.detail, RejectReason.REFUSED_BY_BUS, explanation)
                    refused.append(reject)
                else:
                    failed.append((entry, _FAILURES[answer]))
        return Outcome(tuple(accepted), tuple(refused), tuple(failed))

    def _put(self, batch: Sequence[Entry]) -> list[tuple[Entry, Answer, str]]:
        """Call PutEvents once; give each entry's answer, and the error's code where there is one."""
        try:
            with aws_call("events:PutEvents"):
                results = self._events.put_events(Entries=[self._as_request(entry) for entry in batch])
        except RejectedError as error:
            if len(batch) > 1:
                # One entry spoils the request: alone, each gets its own answer.
                return [answer for entry in batch for answer in self._put([entry])]
            return [(batch[0], Answer.REFUSED, str(error))]
        except FsxnError as error:
            answer = Answer.BUSY if error.retryable else Answer.MISCONFIGURED
            _log.warning("put.failed", error=error, entries=len(batch))
            return [(entry, answer, error.code) for entry in batch]
        codes = [result.get("ErrorCode", "") for result in results["Entries"]]
        return [(entry, judge(code), code) for entry, code in zip(batch, codes, strict=True)]

    def _as_request(self, entry: Entry) -> dict[str, str]:
        return {
            "EventBusName": self._bus_name,
            "Source": EVENT_SOURCE,
            "DetailType": DETAIL_TYPE,
            "Detail": entry.detail,
        }


class Quarantine:
    """Keeps what can never be sent, with the reason and the message it came in."""

    def __init__(self, sqs: Any, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def keep(self, reject: Reject, budget: TimeBudget) -> FailureReason | None:
        """Store one reject; say why if that did not work. Storing it twice is harmless."""
        if not budget.has(CALL_COST_MS):
            return FailureReason.OUT_OF_TIME
        attributes = {
            "reason": reject.reason.value,
            "explanation": _attribute_text(reject.explanation),
            "source_message_id": reject.message_id,
        }
        try:
            with aws_call("sqs:SendMessage"):
                self._sqs.send_message(
                    QueueUrl=self._queue_url,
                    MessageBody=reject.body,
                    MessageAttributes={
                        name: {"DataType": "String", "StringValue": value}
                        for name, value in attributes.items()
                    },
                )
        except FsxnError as error:
            _log.error("quarantine.refused", message_id=reject.message_id, error=error)
            return FailureReason.QUARANTINE_UNAVAILABLE
        return None


def _attribute_text(text: str) -> str:
    """Cut to length and escape all that SQS might not take in an attribute."""
    return text[:MAX_EXPLANATION].encode("unicode_escape").decode()
