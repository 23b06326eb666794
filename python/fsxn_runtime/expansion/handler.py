"""The expand function: an alarm, a forecast, a schedule, a person.

Invoked by EventBridge with alarms and forecasts, by a schedule with {"action": "check"}, and by people with
{"action": "grow", "request_id", "file_system_id", "volume_id"?}, {"action": "approve" | "reject",
"operation_id", "actor"}. The state machine of approvals invokes it with {"action": "ask" | "carry_out" |
"expire", "operation_id", "task_token"?}. Idempotency key: the event's id, `request_id`, or the operation's
id.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import TimeBudget, now_us
from fsxn_runtime.edge.log import set_level
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.expansion import core
from fsxn_runtime.expansion.approval_store import ApprovalStore
from fsxn_runtime.expansion.approver import Approver, Workflow
from fsxn_runtime.expansion.clients import Fsx, Usage
from fsxn_runtime.expansion.expander import Expander
from fsxn_runtime.expansion.model import Answer, Outcome
from fsxn_runtime.expansion.ontap_volumes import OntapVolumes
from fsxn_runtime.expansion.settings import ExpansionSettings
from fsxn_runtime.expansion.store import OperationStore
from fsxn_runtime.guardrails import Alerts, CapacityGuardrail
from fsxn_runtime.lineage import LineageTracker
from fsxn_runtime.ontap import connect

# What is written after the last call: metrics and the answer.
_RESERVE_MS: Final = 1_000


@cache
def _expander() -> Expander:
    settings = ExpansionSettings.from_env(os.environ)
    set_level(settings.log_level)
    fsx = Fsx(client("fsx"))
    ontap = OntapVolumes(connect(settings.ontap_secret_id), fsx) if settings.ontap_secret_id else None
    return Expander(
        settings,
        OperationStore(client("dynamodb"), settings.table),
        fsx,
        Usage(client("cloudwatch")),
        CapacityGuardrail(),
        LineageTracker(),
        Alerts(client("sns", is_brief=True), settings.topic_arn),
        Emf(settings.metric_namespace),
        _approver(settings),
        ontap,
    )


def _approver(settings: ExpansionSettings) -> Approver | None:
    if not settings.approval_machine_arn:
        return None
    return Approver(
        ApprovalStore(client("dynamodb"), settings.table),
        Workflow(client("stepfunctions"), settings.approval_machine_arn),
        settings.approval_url,
    )


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Handle one event; answer what was done."""
    expander = _expander()
    budget = TimeBudget.of(context, _RESERVE_MS)
    try:
        answers = answer_event(expander, event, budget, now_us())
        return {"answers": [answer.to_dict() for answer in answers]}
    finally:
        expander.lineage.flush(budget)
        expander.emf.flush()


def answer_event(expander: Expander, event: Mapping[str, Any], budget: TimeBudget, now: int) -> list[Answer]:
    """Give each kind of event to its method."""
    match event:
        case {"action": "check"}:
            return expander.check(f"check-{now}", budget, now)
        case {"action": "approve", "operation_id": str(operation_id), "actor": str(actor)}:
            return [expander.approve(operation_id, actor, now)]
        case {"action": "reject", "operation_id": str(operation_id), "actor": str(actor)}:
            return [expander.reject(operation_id, actor, now)]
        case {"action": "ask", "operation_id": str(operation_id), "task_token": str(task_token)}:
            return [expander.ask(operation_id, task_token)]
        case {"action": "carry_out", "operation_id": str(operation_id)}:
            return [expander.carry_out(operation_id, now)]
        case {"action": "expire", "operation_id": str(operation_id)}:
            return [expander.expire(operation_id, now)]
    request = core.request_from(event)
    if request is None:
        return [Answer(Outcome.IGNORED, "no_alarm", "")]
    return [expander.take(request, now)]
