"""The starter: messages of the workload's queue become named executions.

Order of writes: the state item first, then StartExecution, then the message is finished. Whatever dies in
between is repaired by what is already written:

- before the item: the message comes again;
- between item and StartExecution: the message comes again, finds the item IN_PROGRESS and starts the item's
  own attempt; if the message is lost too, the sweep does;
- after StartExecution: the message comes again and is a duplicate.

The other order would leave an execution without an item, which no sweep finds. Starting twice is harmless,
because an execution's name is derived from workload, work key and attempt.
Idempotency key: the work key. At most one execution of a work key runs at a time, and one succeeds.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import TimeBudget, now_us
from fsxn_runtime.edge.log import logger, set_level
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import FsxnError, RejectedError
from fsxn_runtime.events import FileEvent, parse_timestamp
from fsxn_runtime.lineage import LineageStatus, LineageTracker
from fsxn_runtime.workloads import core
from fsxn_runtime.workloads.clients import Executions, Files, Queue
from fsxn_runtime.workloads.job import event_record
from fsxn_runtime.workloads.model import Action, Failure, FilterReason, StartStep, StateItem
from fsxn_runtime.workloads.settings import StartSettings
from fsxn_runtime.workloads.store import StateStore

_log = logger("workload.start")
# HEAD, item, StartExecution: well under a second each; with one retry of one of them.
_MESSAGE_MS: Final = 5_000
_RESERVE_MS: Final = 1_000


class Result(StrEnum):
    """What became of one message; the value is the metric that counts it."""

    STARTED = "WorkloadStarted_count"
    REOPENED = "WorkloadReopened_count"
    DUPLICATE = "WorkloadDuplicates_count"
    RESETTLED = "WorkloadResettled_count"
    FILTERED = "WorkloadFiltered_count"
    SUPERSEDED = "WorkloadSuperseded_count"


@dataclass(frozen=True, slots=True)
class Starter:
    """Takes one message at a time. `store` to `ledger` are the outside.

    With a ledger also events that start nothing get a record (setting RECORD_DECISIONS).
    """

    settings: StartSettings
    store: StateStore
    executions: Executions
    files: Files
    queue: Queue
    ledger: LineageTracker | None = None

    def take(self, body: str, now: int) -> tuple[Result, str]:
        """Handle one message body; give the result and, for some, its reason.

        Raises RejectedError for what can never be processed, other FsxnErrors for another try.
        """
        event, failure = parse(body)
        wanted = core.classify(event, self.settings.junction_path)
        if isinstance(wanted, FilterReason):
            self._note(event, LineageStatus.FILTERED, event.event_id, event.event_type, wanted)
            return Result.FILTERED, wanted
        version = None if wanted.action is Action.DELETE else self.files.look(wanted.key)
        if version is not None:
            delay = core.settle_delay(
                version, parse_timestamp(event.timestamp), now, self.settings.settle_seconds
            )
            if delay:
                # A new message: putting the old one back by visibility would count receives, and a long
                # copy would end in the dead-letter queue. Dying before the old one is finished makes two
                # messages of one event, which is harmless.
                self.queue.send(body, delay_seconds=delay)
                return Result.RESETTLED, ""
        item = core.new_item(
            uc_id=self.settings.uc_id,
            key=core.work_key(self.settings.work_key, wanted, version, event.event_id),
            wanted=wanted,
            event=event,
            version=version,
            state_machine_arn=self.settings.state_machine_arn,
            now_us=now,
            labels=self.settings.labels,
        )
        if version is None and wanted.action is Action.PROCESS:
            result, existing = self._supersede(item, now)
        else:
            result, existing = self._start(item, failure, now)
        if result is Result.SUPERSEDED:
            self._note(event, LineageStatus.SUPERSEDED, item.work_key, wanted.action, "vanished")
            return result, "vanished"
        if result is Result.DUPLICATE:
            self.store.count_duplicate(item.work_key)
            reason = core.duplicate_reason(existing, event.event_id)
            self._note(event, LineageStatus.DUPLICATE, item.work_key, wanted.action, reason)
        return result, ""

    def _supersede(self, item: StateItem, now: int) -> tuple[Result, StateItem | None]:
        """Note that the file is gone: whatever took it away has, or had, an event of its own."""
        gone = core.superseded(item)
        existing = self.store.reserve(gone, ttl_us=now + core.CLOSED_TTL_US)
        return (Result.SUPERSEDED if existing is None else Result.DUPLICATE), existing

    def _start(self, item: StateItem, failure: Failure | None, now: int) -> tuple[Result, StateItem | None]:
        """Start an execution unless there is one; give the item that was there before, if any."""
        existing = self.store.reserve(item)
        if existing is None:
            return (Result.STARTED if self.executions.start(item) else Result.DUPLICATE), None
        is_reopened = self._again(existing, item, failure, now)
        return (Result.REOPENED if is_reopened else Result.DUPLICATE), existing

    def _note(self, event: FileEvent, status: LineageStatus, work_key: str, action: str, reason: str) -> None:
        """Write a decision about an event into the ledger, if one is kept."""
        if self.ledger is not None:
            uc_id, labels = self.settings.uc_id, self.settings.labels
            self.ledger.record(
                event_record(event, uc_id, labels, status, work_key=work_key, action=action, reason=reason)
            )

    def _again(self, existing: StateItem, item: StateItem, failure: Failure | None, now: int) -> bool:
        """Handle a work key that is taken; say whether this message started an execution of its own."""
        step = core.decide_start(existing, failure)
        if step is StartStep.ENSURE:
            self.executions.start(existing)
        elif step is StartStep.REOPEN:
            following = core.reopened(existing, item, self.settings.state_machine_arn, now)
            if self.store.advance(existing, following):
                self.executions.start(following)
                return True
        return False


def parse(body: str) -> tuple[FileEvent, Failure | None]:
    """Read a message: EventBridge's envelope, with `failure` when the finisher put it aside before."""
    try:
        envelope = json.loads(body)
    except ValueError as exc:
        raise RejectedError(f"the message is not JSON: {exc}", code="not_json") from exc
    detail = envelope.get("detail") if isinstance(envelope, Mapping) else None
    if not isinstance(detail, Mapping):
        raise RejectedError("the message has no object `detail`", code="no_detail")
    event = FileEvent.from_dict(detail)
    match envelope.get("failure"):
        case {"work_key": str(key), "attempt": int(attempt)}:
            return event, Failure(key, attempt)
    return event, None


@cache
def _parts() -> tuple[Starter, Queue]:
    settings = StartSettings.from_env(os.environ)
    set_level(settings.log_level)
    sqs = client("sqs")
    starter = Starter(
        settings,
        StateStore(client("dynamodb"), settings.state_table, settings.uc_id),
        Executions(client("stepfunctions"), settings.state_machine_arn),
        Files(client("s3"), settings.access_point),
        Queue(sqs, settings.queue_url),
        LineageTracker() if settings.records_decisions else None,
    )
    return starter, Queue(sqs, settings.dlq_url)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Take a batch; answer the ids of the messages that must come again."""
    starter, dead_letters = _parts()
    emf = Emf(starter.settings.metric_namespace, {"UcId": starter.settings.uc_id})
    budget = TimeBudget.of(context, _RESERVE_MS)
    failed = take_batch(event["Records"], starter, dead_letters, emf, budget)
    if starter.ledger is not None:
        starter.ledger.flush(budget)
    emf.flush()
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def take_batch(
    records: list[Mapping[str, Any]], starter: Starter, dead_letters: Queue, emf: Emf, budget: TimeBudget
) -> list[str]:
    """Take each message on its own; give the ids of those that must come again."""
    failed: list[str] = []
    totals: Counter[str] = Counter()
    for record in records:
        message_id, body = record["messageId"], record["body"]
        if not budget.has(_MESSAGE_MS):
            failed.append(message_id)
            emf.count("WorkloadMessagesFailed_count", Reason="no_time")
            continue
        try:
            try:
                result, reason = starter.take(body, now_us())
                _count(emf, result, reason)
                totals[result.name.lower()] += 1
            except RejectedError as exc:
                _log.error("message.rejected", error=exc, message_id=message_id)
                dead_letters.send(body, reason=exc.code)
                emf.count("WorkloadQuarantined_count", Reason=exc.code)
                totals["rejected"] += 1
        except Exception as exc:  # noqa: BLE001 - one message must not redo the others: it is reported
            code = exc.code if isinstance(exc, FsxnError) else "unexpected"
            _log.error("message.failed", error=exc, message_id=message_id)
            emf.count("WorkloadMessagesFailed_count", Reason=code)
            failed.append(message_id)
    _log.info("batch.taken", failed=len(failed), **totals)
    return failed


def _count(emf: Emf, result: Result, reason: str) -> None:
    if reason:
        emf.count(result, Reason=reason)
    else:
        emf.count(result)
