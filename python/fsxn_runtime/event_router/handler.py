"""The router Lambda: a batch of the ingestion queue in, file events on the bus.

Every event of a message is accepted by the bus, kept in quarantine, or its message is reported as failed and
comes again. A message that comes again sends all of its events again; consumers know them by event_id.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fsxn_runtime.edge import log
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import TimeBudget, now_us
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.event_router.core import latencies_ms, read
from fsxn_runtime.event_router.model import Entry, Message, Outcome, Reject, Validator
from fsxn_runtime.event_router.settings import Settings
from fsxn_runtime.event_router.store import Bus, Quarantine, schema_validator

# Kept back for metrics and the answer: without an answer the whole batch would come again.
RESERVE_MS: Final = 2000

_log = log.logger("event_router")


@dataclass(frozen=True, slots=True)
class _Parts:
    bus: Bus
    quarantine: Quarantine
    metrics: Emf
    validate: Validator


@cache
def _parts() -> _Parts:
    settings = Settings.from_env(os.environ)
    log.set_level(settings.log_level)
    return _Parts(
        bus=Bus(
            client("events"), settings.event_bus_name, clock=now_us, sleep=time.sleep, jitter=random.random
        ),
        quarantine=Quarantine(client("sqs"), settings.quarantine_queue_url),
        metrics=Emf(settings.metric_namespace),
        validate=schema_validator(),
    )


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Route one batch; answer with the ids of the messages that must come again."""
    parts = _parts()
    budget = TimeBudget.of(context, RESERVE_MS)
    messages = [Message.from_record(record) for record in event["Records"]]
    found = [item for message in messages for item in read(message, parts.validate)]

    outcome = parts.bus.send([item for item in found if isinstance(item, Entry)], budget)
    failures = {entry.message_id: reason for entry, reason in outcome.failed}
    for reject in (*(item for item in found if isinstance(item, Reject)), *outcome.refused):
        failure = parts.quarantine.keep(reject, budget)
        if failure:
            failures[reject.message_id] = failure
        else:
            parts.metrics.count("RouterEventsQuarantined_count", Reason=reject.reason)
            _log.warning("event.quarantined", message_id=reject.message_id, reason=reject.reason)

    _measure(parts.metrics, len(found), outcome)
    for message_id, reason in failures.items():
        parts.metrics.count("RouterMessagesFailed_count", Reason=reason)
        _log.warning("message.failed", message_id=message_id, reason=reason)
    parts.metrics.flush()
    _log.info("batch.routed", messages=len(messages), events=len(found), sent=len(outcome.accepted))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failures]}


def _measure(metrics: Emf, event_count: int, outcome: Outcome) -> None:
    """Record counts and latencies of one batch."""
    latencies, skewed_count = latencies_ms(outcome.accepted)
    for latency_ms in latencies:
        metrics.put("EventIngestionLatency_ms", latency_ms, "Milliseconds")
    metrics.count("RouterEventsReceived_count", event_count)
    metrics.count("RouterEventsSent_count", len(outcome.accepted))
    metrics.count("RouterPutRetries_count", outcome.retry_count)
    metrics.count("ClockSkew", skewed_count)
