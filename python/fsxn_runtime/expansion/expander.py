"""The expander: looks at a resource, plans, asks the guardrail, grows, and sees what became of it.

Order of writes. The guardrail's reservation first, then the operation, then FSx with the operation's id as
its idempotency token: dying in between leaves an operation that the next check settles by looking at FSx,
and a reservation that `fsxn guardrails reconcile` settles in the same way. The end of an operation is told
first (lineage, alert) and closed then: dying in between tells it twice, never not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.edge.log import logger
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import ConflictError, FsxnError, RejectedError, TransientError
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.expansion import core
from fsxn_runtime.expansion.approval import Decision
from fsxn_runtime.expansion.approver import Approver
from fsxn_runtime.expansion.clients import Fsx, Grower, Usage
from fsxn_runtime.expansion.model import (
    ACTION_TYPES,
    MIB_PER_GIB,
    Answer,
    Kind,
    Level,
    Operation,
    Outcome,
    Plan,
    Request,
    Resource,
    Why,
)
from fsxn_runtime.expansion.ontap_volumes import OntapVolumes
from fsxn_runtime.expansion.settings import ExpansionSettings
from fsxn_runtime.expansion.store import OPEN, OperationStore
from fsxn_runtime.guardrails import Alerts, CapacityGuardrail, Reason
from fsxn_runtime.lineage import LineageRecord, LineageStatus, LineageTracker

_log = logger("expansion")
UC_ID: Final = "expansion"
# A repeated invocation finds its own earlier action: nothing new to tell anybody.
_REPEATS: Final = frozenset({Reason.REPEATED, Reason.IN_PROGRESS})
# Two descriptions, two metrics, the guardrail's and the table's calls, one update: each well under a second.
_STEP_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Expander:
    """Grows what needs it. `store` to `emf` are the outside."""

    settings: ExpansionSettings
    store: OperationStore
    fsx: Fsx
    usage: Usage
    guardrail: CapacityGuardrail
    lineage: LineageTracker
    alerts: Alerts
    emf: Emf
    approver: Approver | None = None  # None: a person approves by the command only
    ontap: OntapVolumes | None = None  # None: only FSx is asked

    def take(self, request: Request, now: int) -> Answer:
        """Handle one request at the level that is set. Idempotency key: `request_id`."""
        plan = self._plan(request, now)
        resource_id = plan.resource.resource_id
        if plan.outcome is not Outcome.STARTED:
            return self._tell(plan, now)
        known = [operation for operation in self.store.all() if operation.resource_id == resource_id]
        if any(operation.outcome in OPEN for operation in known):
            return self._answer(Outcome.WAITING, Why.OPERATION_OPEN, resource_id)
        if request.cause == "check" and any(core.is_refused(operation, now) for operation in known):
            return self._answer(Outcome.WAITING, Why.REFUSED, resource_id)
        if self.settings.level is Level.REPORT:
            return self._tell(replace(plan, outcome=Outcome.REPORTED, why=Why.REPORT_ONLY), now)
        if self.settings.level is Level.PROPOSE:
            return self._propose(core.operation_of(plan, request, Outcome.PROPOSED, now), plan.used_pct)
        return self._act(core.operation_of(plan, request, Outcome.STARTED, now), now)

    def approve(self, operation_id: str, actor: str, now: int) -> Answer:
        """Begin a proposal as it was shown, if FSx still shows what it was made from.

        Where an execution waits for the answer, it is told, and begins the growth.
        """
        proposal = self.store.get(operation_id)
        if proposal is None or proposal.outcome is not Outcome.PROPOSED:
            return self._answer(Outcome.IGNORED, Why.UNKNOWN, operation_id)
        if self._decide(operation_id, Decision.APPROVE, actor, now):
            return self._answer(Outcome.APPROVED, Why.NONE, proposal.resource_id, operation_id)
        return self._begin(proposal, actor, now)

    def carry_out(self, operation_id: str, now: int) -> Answer:
        """Begin what was approved; what cannot begin now is open for another answer."""
        proposal = self.store.get(operation_id)
        if proposal is None or proposal.outcome is not Outcome.PROPOSED or not proposal.actor:
            return self._answer(Outcome.IGNORED, Why.UNKNOWN, operation_id)
        answer = self._begin(proposal, proposal.actor, now)
        if self.approver is not None and answer.outcome in (Outcome.DENIED, Outcome.WAITING):
            self.approver.store.reopen(operation_id)
        return answer

    def ask(self, operation_id: str, task_token: str) -> Answer:
        """Ask a person by a link. Raises RejectedError when there is nothing to ask any more."""
        proposal = self.store.get(operation_id)
        link = "" if self.approver is None else self.approver.ask(operation_id, task_token)
        if proposal is None or not link:
            raise RejectedError(f"operation {operation_id} is no open proposal", code="no_open_proposal")
        self._tell_of_proposal(proposal, {"decide": link})
        return self._answer(Outcome.PROPOSED, Why.NONE, proposal.resource_id, operation_id)

    def expire(self, operation_id: str, now: int) -> Answer:
        """Close a proposal that nobody answered."""
        proposal = self.store.get(operation_id)
        if proposal is None or proposal.outcome is not Outcome.PROPOSED:
            return self._answer(Outcome.IGNORED, Why.UNKNOWN, operation_id)
        self.store.end(proposal, Outcome.REJECTED, Why.STALE, now)
        return self._answer(Outcome.REJECTED, Why.STALE, proposal.resource_id, operation_id)

    def _decide(self, operation_id: str, decision: Decision, actor: str, now: int) -> bool:
        """Tell the execution that waits, when there is one."""
        return self.approver is not None and self.approver.decide(operation_id, decision, actor, now)

    def _begin(self, proposal: Operation, actor: str, now: int) -> Answer:
        operation_id = proposal.operation_id
        why = core.may_begin(proposal, self._describe(proposal.kind, proposal.resource_id), now)
        if why is Why.NONE:
            return self._act(replace(proposal, outcome=Outcome.STARTED, actor=actor, created_us=now), now)
        if why is Why.STALE:
            self.store.end(proposal, Outcome.REJECTED, why, now)
            return self._answer(Outcome.REJECTED, why, proposal.resource_id, operation_id)
        return self._answer(Outcome.WAITING, why, proposal.resource_id, operation_id)

    def reject(self, operation_id: str, actor: str, now: int) -> Answer:
        """Close a proposal."""
        proposal = self.store.get(operation_id)
        if proposal is None or proposal.outcome is not Outcome.PROPOSED:
            return self._answer(Outcome.IGNORED, Why.UNKNOWN, operation_id)
        if not self._decide(operation_id, Decision.REJECT, actor, now):
            self.store.end(replace(proposal, actor=actor), Outcome.REJECTED, f"rejected by {actor}", now)
        return self._answer(Outcome.REJECTED, Why.NONE, proposal.resource_id, operation_id)

    def check(self, check_id: str, budget: TimeBudget, now: int) -> list[Answer]:
        """Look at what is open and at what is still in alarm; a resource that fails does not stop others.

        An alarm tells of its change once, so what FSx or the guardrail put off is asked for again here.
        What there is no time for waits for the next check. Raises the first error at the end.
        """
        answers: list[Answer] = []
        first_error: FsxnError | None = None
        steps: list[tuple[str, Callable[[], list[Answer]]]] = [
            ("grant", self._tell_of_grant),
            *((o.resource_id, partial(self._look, o, now)) for o in self.store.open()),
            *((r.resource_id, partial(self._take_all, r, now)) for r in self._alarmed(check_id)),
        ]
        for resource_id, step in steps:
            if not budget.has(_STEP_MS):
                _log.warning("check.unfinished", resource_id=resource_id)
                break
            try:
                answers += step()
            except FsxnError as exc:
                _log.error("check.failed", error=exc, resource_id=resource_id)
                first_error = first_error or exc
        if first_error is not None:
            raise first_error
        return answers

    def _plan(self, request: Request, now: int) -> Plan:
        file_system = self.fsx.file_system(request.file_system_id)
        ssd_pct = self.usage.file_system_pct(request.file_system_id, now)
        if not request.volume_id:
            return core.plan(request, file_system, ssd_pct, None, None, self.settings.policy, now)
        volume = self._describe(Kind.VOLUME, request.volume_id)
        volume_pct = self.usage.volume_pct(volume, now)
        return core.plan(request, file_system, ssd_pct, volume, volume_pct, self.settings.policy, now)

    def _describe(self, kind: Kind, resource_id: str) -> Resource:
        """Describe a resource; a volume as ONTAP has it, where ONTAP can be asked.

        Where FSx grows volumes, ONTAP out of reach holds nothing up: then the configuration says what is
        autosized.
        """
        resource = self.fsx.describe(kind, resource_id)
        if kind is not Kind.VOLUME or self.ontap is None:
            return resource
        try:
            return self.ontap.look(resource)
        except FsxnError as exc:
            if self._grower(kind) is self.ontap:
                raise
            _log.warning("ontap.unasked", error=exc, resource_id=resource_id)
            return resource

    def _grower(self, kind: Kind) -> Grower:
        by_ontap = kind is Kind.VOLUME and self.settings.volume_growth == "ontap"
        return self.ontap if by_ontap and self.ontap is not None else self.fsx

    def _tell_of_grant(self) -> list[Answer]:
        self.guardrail.tell_of_ended_grant()
        return []

    def _take_all(self, request: Request, now: int) -> list[Answer]:
        return [self.take(request, now)]

    def _alarmed(self, check_id: str) -> Iterator[Request]:
        for alarm in self.usage.in_alarm(self.settings.alarm_names):
            request = core.request_of_alarm(alarm, check_id)
            if request is not None:
                yield request

    def _propose(self, operation: Operation, used_pct: float | None) -> Answer:
        is_new = self.store.put(operation)
        if self.approver is not None:
            self.approver.workflow.begin(operation.operation_id)  # it asks, and tells of it with the link
        elif is_new:
            self._tell_of_proposal(operation, used_pct=used_pct)
        return self._answer(Outcome.PROPOSED, operation.reason, operation.resource_id, operation.operation_id)

    def _tell_of_proposal(
        self, operation: Operation, link: Mapping[str, str] | None = None, **facts: object
    ) -> None:
        until = format_timestamp(operation.created_us + core.PROPOSAL_US)
        told = {"approve": f"fsxn expansion approve {operation.operation_id}", "until": until}
        # Whoever has the link may decide: it is in no log.
        self.alerts.send_secret(
            f"Expansion proposed for {operation.resource_id}",
            _told(operation) | facts | told,
            link or {},
        )

    def _act(self, operation: Operation, now: int) -> Answer:
        # Kept with the operation: its end is seen later, when the mode may be another one.
        operation = replace(operation, guardrail_mode=str(self.guardrail.settings.mode))
        answer = (operation.resource_id, operation.operation_id)
        try:
            result = self.guardrail.check_and_execute(
                action_type=ACTION_TYPES[operation.kind],
                requested_gb=operation.grow_gb,
                execute_fn=lambda: self._start(operation, now),
                action_id=operation.action_id,
                ends_later=True,  # FSx may fail hours later what it takes on now
                kind=operation.kind,
                resource_id=operation.resource_id,
                from_mib=operation.from_mib,
                to_mib=operation.to_mib,
                actor=operation.actor,
            )
        except FsxnError as exc:
            subject = f"Expansion of {operation.resource_id} was refused"
            self.alerts.send(subject, **_told(operation), error=str(exc))
            return self._answer(Outcome.FAILED, exc.code, *answer)
        if result.executed:
            self.alerts.send(f"Expansion of {operation.resource_id} started", **_told(operation))
            return self._answer(Outcome.STARTED, operation.reason, *answer)
        if result.allowed:
            return self._answer(Outcome.REPORTED, Why.DRY, *answer)
        if result.reason not in _REPEATS:
            self._alert_once(Outcome.DENIED, result.reason, operation.resource_id, _told(operation), now)
        return self._answer(Outcome.DENIED, result.reason, *answer)

    def _start(self, operation: Operation, now: int) -> None:
        """Write the operation down and ask FSx. A refusal closes it; without an answer it stays open."""
        if not self.store.put(operation):
            raise ConflictError(f"operation {operation.operation_id} is there", code="operation_exists")
        try:
            self._grower(operation.kind).grow(operation)
        except TransientError:
            raise  # it may have arrived: the next check looks
        except FsxnError as exc:
            self.lineage.record(_record(operation, LineageStatus.FAILED, str(exc), now))
            self.store.end(operation, Outcome.FAILED, str(exc)[:_REASON_LENGTH], now)
            raise

    def _look(self, operation: Operation, now: int) -> list[Answer]:
        """Settle what has ended; nothing for what goes on."""
        answer = (operation.resource_id, operation.operation_id)
        if operation.outcome is Outcome.PROPOSED:
            return self._look_at_proposal(operation, now)
        try:
            resource = self._describe(operation.kind, operation.resource_id)
            outcome, said = core.progress(operation, resource, now)
        except RejectedError as exc:  # deleted while it grew: no later look finds it again
            outcome, said = Outcome.FAILED, str(exc)
        if outcome is Outcome.STARTED:
            return []
        done = outcome is Outcome.COMPLETED
        status = LineageStatus.SUCCESS if done else LineageStatus.FAILED
        self.lineage.record(_record(operation, status, said, now))
        word = "completed" if done else "failed"
        self.alerts.send(f"Expansion of {operation.resource_id} {word}", **_told(operation), said=said)
        self.guardrail.conclude(ACTION_TYPES[operation.kind], operation.action_id, succeeded=done)
        self.store.end(operation, outcome, said[:_REASON_LENGTH] or operation.reason, now)
        return [self._answer(outcome, Why.NONE, *answer)]

    def _look_at_proposal(self, operation: Operation, now: int) -> list[Answer]:
        """Close a proposal that nobody answered; mend what a process that died left between two steps."""
        operation_id = operation.operation_id
        approval = None if self.approver is None else self.approver.store.get(operation_id)
        if now - operation.created_us >= core.PROPOSAL_US:
            if self.approver is not None and approval is not None and approval.task_token:
                self.approver.workflow.end(approval.task_token, "Expired")
            return [self.expire(operation_id, now)]
        if self.approver is None or approval is None:
            return []
        if approval.decision:
            if now - approval.decided_us < _MEND_US:
                return []
            if self.approver.workflow.go_on(approval.task_token, operation_id):
                return []
            return [self.carry_out(operation_id, now)]  # nothing waits for the answer any more
        if not approval.task_token and now - operation.created_us >= _MEND_US:
            self.approver.workflow.begin(operation_id)
        return []

    def _tell(self, plan: Plan, now: int) -> Answer:
        resource_id = plan.resource.resource_id
        if plan.outcome is Outcome.REPORTED:
            facts = {
                "name": plan.resource.name,
                "size_gb": plan.resource.size_mib / MIB_PER_GIB,
                "used_pct": plan.used_pct,
                "grow_gb": plan.grow_gb,
            }
            self._alert_once(plan.outcome, plan.why, resource_id, facts, now)
        return self._answer(plan.outcome, plan.why, resource_id)

    def _alert_once(
        self, outcome: Outcome, why: str, resource_id: str, facts: Mapping[str, Any], now: int
    ) -> None:
        """Alert once a day: a check comes every few minutes, and says the same until something changes."""
        day = format_timestamp(now)[: len("2026-01-31")]
        if self.store.first_time(f"{resource_id}:{outcome}:{why}:{day}", now):
            self.alerts.send(f"Expansion of {resource_id}: {outcome}", why=str(why), **facts)

    def _answer(self, outcome: Outcome, why: str, resource_id: str, operation_id: str = "") -> Answer:
        answer = Answer(outcome, why, resource_id, operation_id)
        self.emf.count("ExpansionOutcomes_count", Outcome=outcome)
        _log.info("request.answered", **answer.to_dict())
        return answer


# An execution asks, and carries out, within seconds; its retries take a minute or two.
_MEND_US: Final = 5 * 60 * 1_000_000
# A message of FSx is a sentence or two; DynamoDB and people need no more.
_REASON_LENGTH: Final = 500


def _told(operation: Operation) -> dict[str, object]:
    """Give what an alert says of an operation."""
    return {
        "operation": operation.operation_id,
        "resource": operation.resource_id,
        "from_gb": operation.from_mib / MIB_PER_GIB,
        "to_gb": operation.to_mib / MIB_PER_GIB,
        "cause": operation.cause,
        "note": operation.reason,
        "actor": operation.actor,
    }


def _record(operation: Operation, status: LineageStatus, said: str, now: int) -> LineageRecord:
    """Make the lineage of a growth: under the resource's id and ARN, one record per operation."""
    sizes = f"{operation.from_mib / MIB_PER_GIB:g} to {operation.to_mib / MIB_PER_GIB:g} GiB"
    return LineageRecord(
        source_file_key=operation.resource_id,
        processing_timestamp=format_timestamp(operation.created_us),
        uc_id=UC_ID,
        status=status,
        step_functions_execution_arn=operation.arn,
        work_key=operation.action_id,
        event_id=operation.request_id,
        action="grow_volume" if operation.kind is Kind.VOLUME else "grow_file_system",
        duration_ms=max(now - operation.created_us, 0) // 1000,
        guardrail_mode=operation.guardrail_mode or None,
        reason=f"{sizes}: {said}" if said else sizes,
    )
