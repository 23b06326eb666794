"""The approver: asks a person by a Step Functions execution that waits, and hands the answer on.

Order of writes. A decision is written down first and told to the execution then: dying in between leaves a
decision that the next check tells again. The execution ends by a decision, or by its time-out.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from fsxn_runtime.edge.aws_errors import aws_call, error_code
from fsxn_runtime.edge.log import logger
from fsxn_runtime.errors import FsxnError
from fsxn_runtime.expansion.approval import TOKEN_BYTES, Decision, link_of
from fsxn_runtime.expansion.approval_store import ApprovalStore

_log = logger("expansion")
# What an execution that does not wait (any more) is called (Step Functions API model).
_OVER: Final = frozenset({"InvalidToken", "TaskDoesNotExist", "TaskTimedOut"})


class Workflow:
    """Executions of one state machine. Idempotency key: the operation's id, which is the execution's name."""

    def __init__(self, sfn: Any, machine_arn: str) -> None:
        self._sfn = sfn
        self._machine_arn = machine_arn

    def begin(self, operation_id: str) -> None:
        """Begin to wait for a person, unless that has begun."""
        request = {"operation_id": operation_id}
        try:
            self._sfn.start_execution(
                stateMachineArn=self._machine_arn, name=operation_id, input=json.dumps(request)
            )
        except ClientError as exc:
            if error_code(exc) != "ExecutionAlreadyExists":
                with aws_call("states:StartExecution"):
                    raise

    def go_on(self, task_token: str, operation_id: str) -> bool:
        """Let the execution carry out the growth; False when it waits no longer."""
        output = json.dumps({"operation_id": operation_id})
        return self._send("states:SendTaskSuccess", "send_task_success", taskToken=task_token, output=output)

    def end(self, task_token: str, error: str) -> bool:
        """Let the execution end without growth; False when it waits no longer."""
        return self._send("states:SendTaskFailure", "send_task_failure", taskToken=task_token, error=error)

    def _send(self, what: str, call: str, **request: str) -> bool:
        try:
            getattr(self._sfn, call)(**request)
        except ClientError as exc:
            if error_code(exc) in _OVER:
                return False
            with aws_call(what):
                raise
        return True


@dataclass(frozen=True, slots=True)
class Approver:
    """Asks and decides. `base_url` is where links lead to; "" where only decisions are made."""

    store: ApprovalStore
    workflow: Workflow
    base_url: str = ""
    new_token: Callable[[], str] = lambda: secrets.token_urlsafe(TOKEN_BYTES)

    def ask(self, operation_id: str, task_token: str) -> str:
        """Keep the execution's token and make a link; "" when the proposal is over."""
        token = self.new_token()
        if not self.store.ask(operation_id, task_token, token):
            return ""
        return link_of(self.base_url, operation_id, token)

    def decide(
        self, operation_id: str, decision: Decision, actor: str, now_us: int, *, token: str | None = None
    ) -> bool:
        """Take a person's word; False when it does not count (`ApprovalStore.decide`).

        Once it is written it counts: an execution that cannot be told now is told by the next check.
        """
        before = self.store.decide(operation_id, decision, actor, now_us, token=token)
        if before is None:
            return False
        _log.info("proposal.decided", operation_id=operation_id, decision=str(decision), actor=actor)
        try:
            if decision is Decision.APPROVE:
                self.workflow.go_on(before.task_token, operation_id)
            else:
                self.workflow.end(before.task_token, "Rejected")
        except FsxnError as exc:
            _log.error("decision.untold", error=exc, operation_id=operation_id)
        return True
