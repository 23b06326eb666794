"""Step Functions' task tokens: who sends a task's result needs permission on the token's state machine.

AWS checks SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat against the state machine that waits (its
refusals name that ARN: NOAA-OWP/hydrovis issue 837; aws-cdk pull request 8486 tried it). The emulator alone
checks them against "*", so that no policy with a resource would do.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions
from ministack.services import stepfunctions

_machines: dict[str, str] = {}  # by the token of a task that waits
_running = threading.local()


def install() -> None:
    """Put the check into the emulator's process."""
    stepfunctions._execute_task = _remembering_machine(stepfunctions._execute_task)
    stepfunctions._invoke_with_callback = _remembering_token(stepfunctions._invoke_with_callback)
    iam_actions.extract_resource_arn = _with_machines(iam_actions.extract_resource_arn)


def _remembering_machine(execute: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the execution of a task state: its thread knows the state machine."""

    def execute_task(state: Any, data: Any, execution: Any, context: Any) -> Any:
        _running.machine = (execution or {}).get("stateMachineArn", "*")
        return execute(state, data, execution, context)

    return execute_task


def _remembering_token(invoke: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the wait for a token: while it lasts, the token leads to its state machine."""

    def invoke_with_callback(resource: Any, data: Any, token: str, state: Any) -> Any:
        _machines[token] = _running.machine
        try:
            return invoke(resource, data, token, state)
        finally:
            del _machines[token]

    return invoke_with_callback


def _with_machines(extract: Callable[..., str]) -> Callable[..., str]:
    """Wrap the naming of a request's resource."""

    def resource_arn(service: str, *request: Any) -> str:
        headers, body = request[2], request[3]
        if service == "states" and ".SendTask" in headers.get("x-amz-target", ""):
            return _machines.get(json.loads(body).get("taskToken", ""), "*")
        return extract(service, *request)

    return resource_arn
