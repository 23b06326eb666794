"""The guardrail's ledger of a period: every action that was asked for, what was said, what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from fsxn_runtime.events import format_timestamp
from fsxn_runtime.guardrails import AuditEntry, GuardrailStore
from fsxn_runtime.report.period.collecting import Period

GRANTS = "BREAK_GLASS"  # the type under which grants are audited


def read_growth(store: GuardrailStore, action_types: Sequence[str], period: Period) -> dict[str, Any]:
    """Give the period's entries of these types and of grants. Raises the errors of `edge.aws_errors`."""
    entries = [
        entry
        for action_type in (*action_types, GRANTS)
        for entry in store.audit(action_type, since=format_timestamp(period.start * 1_000_000))
        if period.start * 1_000_000 <= entry.action.at_us < period.end * 1_000_000
    ]
    return summary(entries)


def summary(entries: Iterable[AuditEntry]) -> dict[str, Any]:
    """Give entries, newest first, and how many there are of each verdict; grants are entries only. Pure."""
    ordered = sorted(entries, key=lambda entry: entry.action.at_us, reverse=True)
    actions = [entry for entry in ordered if entry.action.action_type != GRANTS]
    executed = [entry for entry in actions if entry.outcome == "executed"]
    return {
        "verdicts": dict(Counter(str(entry.verdict) for entry in actions)),
        "executed": len(executed),
        "executed_gb": float(sum(entry.action.requested_gb for entry in executed)),
        "entries": [_row(entry) for entry in ordered],
    }


def _row(entry: AuditEntry) -> dict[str, Any]:
    action = entry.action
    return {
        "at": format_timestamp(action.at_us),
        "action_type": action.action_type,
        "action_id": action.action_id,
        "requested_gb": float(action.requested_gb),
        "verdict": str(entry.verdict),
        "reason": str(entry.reason),
        "outcome": str(entry.outcome),
        "mode": str(action.mode),
        "context": {name: value for name, value in sorted(action.context.items()) if value},
    }
