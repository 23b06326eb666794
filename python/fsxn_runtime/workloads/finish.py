"""The finisher: what Step Functions reports becomes the end of a work key, or its next attempt.

Invoked by the bus with status changes of its state machine, and by a schedule with {"action": "sweep"}.

Order of writes. A retry is reserved in the item first and started then: dying in between is repaired by the
repeated report or by the sweep, which start the item's own attempt. A final failure is told first
(dead-letter message, lineage) and closed then: dying in between tells it twice, never not at all.
Idempotency key: work key and attempt. Metrics count what this invocation's write decided, so repeated and
late reports count nothing.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import TimeBudget, now_us
from fsxn_runtime.edge.log import logger, set_level
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import ConflictError, FsxnError
from fsxn_runtime.events import parse_timestamp
from fsxn_runtime.lineage import LineageRecord, LineageStatus, LineageTracker
from fsxn_runtime.pause import Mappings, Switch
from fsxn_runtime.workloads import core
from fsxn_runtime.workloads.clients import Executions, Queue, execution_from
from fsxn_runtime.workloads.job import Job, lineage_record
from fsxn_runtime.workloads.model import Execution, FinishStep, StateItem, Status
from fsxn_runtime.workloads.settings import FinishSettings
from fsxn_runtime.workloads.store import StateStore

_log = logger("workload.finish")
# A decision loses its race when starter, finisher or sweep write the same item in between: each can do that
# once or twice, so a third look is enough.
_LOOKS: Final = 3
_ITEM_MS: Final = 5_000  # read, message, lineage, write, start: each well under a second
_RESERVE_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Finisher:
    """Settles work keys. `store` to `emf` are the outside; `mappings` has the starter's switch."""

    settings: FinishSettings
    store: StateStore
    executions: Executions
    dead_letters: Queue
    lineage: LineageTracker
    mappings: Mappings
    emf: Emf

    def finish(self, work_key: str, attempt: int, execution: Execution, now: int) -> FinishStep:
        """Settle what the end of one attempt means; give what was done."""
        for _ in range(_LOOKS):
            item = self.store.get(work_key)
            step = core.decide_finish(item, attempt, execution, self.settings.max_attempts)
            if item is None or self._apply(step, item, execution, now):
                return step
        raise ConflictError(f"{work_key}: others were first {_LOOKS} times", code="busy_item")

    def settle(self, item: StateItem, now: int) -> FinishStep:
        """Settle an item that has been open for long, by looking at its execution.

        An execution that does not exist is started under the item's name: if it exists after all, nothing
        happens twice.
        """
        execution = self.executions.look(item.execution_arn)
        if execution is not None:
            return self.finish(item.work_key, item.attempt, execution, now)
        self.executions.start(item)
        return FinishStep.ENSURE

    def _apply(self, step: FinishStep, item: StateItem, execution: Execution, now: int) -> bool:
        """Do one step; False when the item is no longer what was seen."""
        match step:
            case FinishStep.IGNORE:
                return True
            case FinishStep.ENSURE:
                self.executions.start(item)
                return True
            case FinishStep.RETRY:
                following = core.next_attempt(item, self.settings.state_machine_arn, now)
                if not self.store.advance(item, following):
                    return False
                self.executions.start(following)
            case FinishStep.FAIL:
                reason = core.failure_reason(execution)
                self.dead_letters.send(core.failure_message(item, execution), reason=reason)
                self.lineage.record(_failure(item, execution, now))
                if not self._close(item, Status.FAILED, now):
                    return False
            case FinishStep.CLOSE | FinishStep.SUPERSEDE:
                status = Status.DONE if step is FinishStep.CLOSE else Status.SUPERSEDED
                if not self._close(item, status, now):
                    return False
        self._count(step, execution)
        return True

    def _close(self, item: StateItem, status: Status, now: int) -> bool:
        return self.store.close(item, status, now, now + core.CLOSED_TTL_US)

    def _count(self, step: FinishStep, execution: Execution) -> None:
        """Count a change of state, and the execution in the success rate unless it was superseded."""
        match step:
            case FinishStep.SUPERSEDE:
                self.emf.count("WorkloadSuperseded_count", Reason="replaced")
                return
            case FinishStep.CLOSE:
                self.emf.count("WorkloadSucceeded_count")
            case FinishStep.RETRY:
                self.emf.count("WorkloadRetried_count")
            case FinishStep.FAIL:
                self.emf.count("WorkloadFailed_count", Reason=core.failure_reason(execution))
        rate = 100 if step is FinishStep.CLOSE else 0
        self.emf.put("ProcessingSuccessRate_pct", rate, "Percent")

    def sweep(self, budget: TimeBudget, now: int) -> Counter[str]:
        """Settle open items, oldest first, while time remains. The next sweep goes on with the rest.

        An item that cannot be settled does not hold up the others; the first error is raised at the end.
        """
        steps: Counter[str] = Counter()
        first_error: FsxnError | None = None
        for item in self.store.in_progress_before(now - self.settings.sweep_after_seconds * 1_000_000):
            if not budget.has(_ITEM_MS):
                _log.warning("sweep.unfinished", **steps)
                break
            try:
                step = self.settle(item, now)
                steps[step] += 1
                if step is not FinishStep.IGNORE:
                    self.emf.count("WorkloadSwept_count", Reason=step)
            except FsxnError as exc:
                _log.error("sweep.failed", error=exc, work_key=item.work_key)
                first_error = first_error or exc
        if first_error is not None:
            raise first_error
        return steps

    def tell_paused(self) -> None:
        """Say whether the workload is paused, so that an alarm remembers it whoever paused it and how."""
        mapping = self.mappings.look(self.settings.starter_mapping_id, self.settings.uc_id)
        self.emf.count("WorkloadPaused_count", int(mapping.switch is Switch.OFF))


@cache
def _finisher() -> Finisher:
    settings = FinishSettings.from_env(os.environ)
    set_level(settings.log_level)
    return Finisher(
        settings,
        StateStore(client("dynamodb"), settings.state_table, settings.uc_id),
        Executions(client("stepfunctions"), settings.state_machine_arn),
        Queue(client("sqs"), settings.dlq_url),
        LineageTracker(),
        Mappings(client("lambda")),
        Emf(settings.metric_namespace, {"UcId": settings.uc_id}),
    )


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Handle one status change, or one sweep; answer what was done."""
    finisher = _finisher()
    budget = TimeBudget.of(context, _RESERVE_MS)
    try:
        if event.get("action") == "sweep":
            try:
                steps = finisher.sweep(budget, now_us())
            finally:
                finisher.tell_paused()
            _log.info("sweep.done", **steps)
            return dict(steps)
        return {"step": take_report(finisher, event["detail"], now_us())}
    finally:
        finisher.lineage.flush(budget)
        finisher.emf.flush()


def take_report(finisher: Finisher, detail: Mapping[str, Any], now: int) -> FinishStep:
    """Handle one status change. An execution that the starter did not make is left alone."""
    log = _log.bind(execution_arn=detail["executionArn"], status=detail["status"])
    match _given(detail):
        case {"uc_id": finisher.settings.uc_id, "work_key": str(work_key), "attempt": int(attempt)}:
            execution = execution_from(detail)
            step = finisher.finish(work_key, attempt, execution, now)
        case _:
            log.warning("report.foreign")
            return FinishStep.IGNORE
    write = log.error if step is FinishStep.FAIL else log.info
    write("report.taken", step=step, work_key=work_key, attempt=attempt, error=execution.error)
    return step


def _failure(item: StateItem, execution: Execution, now: int) -> LineageRecord:
    """Write the lineage of a work key that used its attempts."""
    job = Job.from_input(json.loads(item.execution_input))
    return lineage_record(
        job,
        LineageStatus.FAILED,
        duration_ms=max(now - parse_timestamp(job.started_at), 0) // 1000,
        reason=execution.error or execution.status.lower(),
    )


def _given(detail: Mapping[str, Any]) -> object:
    """Read the execution's input; None when it is missing or no JSON."""
    try:
        return json.loads(detail["input"])
    except (KeyError, TypeError, ValueError):
        return None
