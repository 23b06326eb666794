"""Guardrails: how much may grow in a day, decided by one conditional write."""

from fsxn_runtime.guardrails.alerts import Alerts
from fsxn_runtime.guardrails.guardrail import CapacityGuardrail, GuardrailDeniedError, guarded
from fsxn_runtime.guardrails.model import (
    AuditEntry,
    Grant,
    GuardrailResult,
    Limits,
    Mode,
    Outcome,
    Reason,
    Reservation,
    State,
)
from fsxn_runtime.guardrails.operations import GuardrailOperations
from fsxn_runtime.guardrails.settings import GuardrailSettings
from fsxn_runtime.guardrails.store import GuardrailStore

__all__ = [
    "Alerts",
    "AuditEntry",
    "CapacityGuardrail",
    "Grant",
    "GuardrailDeniedError",
    "GuardrailOperations",
    "GuardrailResult",
    "GuardrailSettings",
    "GuardrailStore",
    "Limits",
    "Mode",
    "Outcome",
    "Reason",
    "Reservation",
    "State",
    "guarded",
]
