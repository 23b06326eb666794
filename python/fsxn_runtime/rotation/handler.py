"""The rotate function: Secrets Manager's four steps, a schedule's watch, and a person's questions.

Invoked by Secrets Manager with {"Step", "SecretId", "ClientRequestToken", "RotationToken"?}, by a schedule
with {"action": "watch"}, and by people with {"action": "rehearse"}, {"action": "recover", "through_fsx",
"abandon"}, {"action": "certificate", "address"}. Idempotency key: ClientRequestToken.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.log import set_level
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.rotation import operations
from fsxn_runtime.rotation.clients import Fsx
from fsxn_runtime.rotation.model import Request
from fsxn_runtime.rotation.rotator import Rotator
from fsxn_runtime.rotation.settings import Settings
from fsxn_runtime.rotation.store import SecretStore


@cache
def _rotator() -> Rotator:
    settings = Settings.from_env(os.environ)
    set_level(settings.log_level)
    return Rotator(
        settings,
        SecretStore(client("secretsmanager"), settings.secret_id),
        Fsx(client("fsx"), settings.file_system_id),
        Emf(settings.metric_namespace),
        now_us=now_us,
    )


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 (Lambda's signature)
    """Handle one event; answer what was done."""
    rotator = _rotator()
    try:
        return answer_event(rotator, event)
    finally:
        rotator.emf.flush()


def answer_event(rotator: Rotator, event: Mapping[str, Any]) -> dict[str, Any]:
    """Give each kind of event to its function."""
    match event:
        case {"action": "watch"}:
            return operations.watch(rotator)
        case {"action": "rehearse"}:
            return {"checks": [check.to_dict() for check in operations.rehearse(rotator)]}
        case {"action": "recover"}:
            return operations.recover(
                rotator,
                is_through_fsx=event.get("through_fsx") is True,
                is_abandoned=event.get("abandon") is True,
            )
        case {"action": "certificate", "address": str(address)}:
            return operations.certificate(address)
    rotator.run(Request.from_event(event))
    return {}
