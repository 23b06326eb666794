"""The function behind approval links: a page to look at, and a form that decides.

It may read and decide proposals and tell their executions, and nothing else: the growth itself is the expand
function's. Idempotency key of a decision: the link, which works once.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.log import logger, set_level
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import TransientError
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.expansion import approval_page
from fsxn_runtime.expansion.approval import LinkState, decision_of, parts_of, state_of
from fsxn_runtime.expansion.approval_page import GuardrailView, Page
from fsxn_runtime.expansion.approval_store import ApprovalStore
from fsxn_runtime.expansion.approver import Approver, Workflow
from fsxn_runtime.expansion.model import ACTION_TYPES, Operation
from fsxn_runtime.expansion.settings import ApprovalSettings
from fsxn_runtime.guardrails import Alerts, GuardrailOperations, GuardrailSettings, GuardrailStore

_log = logger("expansion")
_LOOKING: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Links:
    """Answers requests. `approver` to `emf` are the outside."""

    approver: Approver
    guardrail: GuardrailOperations
    limits: GuardrailSettings
    emf: Emf

    def answer(self, method: str, path: str, form: str, source_ip: str, now: int) -> Page:
        """Answer one request; count what came of it."""
        if method not in _LOOKING and method != "POST":
            return self._counted("wrong_use", approval_page.wrong_use(405, "The address knows GET and POST."))
        parts = parts_of(path)
        if parts is None:
            return self._counted(LinkState.UNKNOWN, approval_page.closed(LinkState.UNKNOWN))
        operation_id, token = parts
        approval = self.approver.store.get(operation_id)
        state = state_of(approval, token, now)
        if approval is None or state is not LinkState.OPEN:
            return self._counted(state, approval_page.closed(state, approval.operation if approval else None))
        operation = approval.operation
        if method != "POST":
            return self._counted(state, approval_page.proposal(operation, self._guardrail(operation)))
        decision = decision_of(form)
        if decision is None:
            return self._counted("wrong_use", approval_page.wrong_use(400, "Approve or reject, by the form."))
        actor = f"approval link from {source_ip}"
        if not self.approver.decide(operation_id, decision, actor, now, token=token):
            return self._counted(LinkState.USED, approval_page.closed(LinkState.USED, operation))
        return self._counted(decision, approval_page.decided(operation, decision))

    def _guardrail(self, operation: Operation) -> GuardrailView:
        action_type = ACTION_TYPES[operation.kind]
        limits = self.limits.limits(action_type)
        state, grant = self.guardrail.status(action_type), self.guardrail.live_grant()
        return GuardrailView(
            mode=str(self.limits.mode),
            used_today=f"{state.count} of {limits.actions_per_day} actions, "
            f"{state.total_gb.normalize():f} of {limits.daily_cap_gb} GiB",
            reason=str(self.guardrail.preview(action_type, operation.grow_gb, limits)),
            grant_until="" if grant is None else format_timestamp(grant.expires_us),
        )

    def _counted(self, result: str, page: Page) -> Page:
        self.emf.count("ApprovalLinks_count", Result=str(result))
        _log.info("link.answered", result=str(result), status=page.status)
        return page


@cache
def _links() -> Links:
    settings, limits = ApprovalSettings.from_env(os.environ), GuardrailSettings.from_env(os.environ)
    set_level(settings.log_level)
    dynamodb = client("dynamodb")
    return Links(
        Approver(ApprovalStore(dynamodb, settings.table), Workflow(client("stepfunctions"), "")),
        GuardrailOperations(GuardrailStore(dynamodb, limits.table), Alerts(None, "")),
        limits,
        Emf(settings.metric_namespace),
    )


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 (Lambda's signature)
    """Answer a request of the function URL (payload format 2.0)."""
    links, http = _links(), event["requestContext"]["http"]
    try:
        page = links.answer(http["method"], event["rawPath"], _form(event), http["sourceIp"], now_us())
    except TransientError as exc:
        _log.error("link.unanswered", error=exc)
        page = approval_page.later()
    finally:
        links.emf.flush()
    body = "" if http["method"] == "HEAD" else page.body
    return {"statusCode": page.status, "headers": dict(approval_page.HEADERS), "body": body}


def _form(event: Mapping[str, Any]) -> str:
    """Give a request's body as text; one that is no text is none of ours."""
    body = str(event.get("body") or "")
    if not event.get("isBase64Encoded"):
        return body
    try:
        return base64.b64decode(body, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
