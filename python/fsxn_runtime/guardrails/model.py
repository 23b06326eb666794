"""What a guardrail knows: actions, the state of an action type, break-glass grants, results.

Sizes are GiB as Decimal, times are microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

# An exbibyte: above every file system (FSx ends at about a pebibyte), below DynamoDB's 38 digits.
MAX_REQUEST_GB: Final = Decimal(1024) ** 3
# No two AWS clocks, and no operator's, are a minute apart.
CLOCKS_US: Final = 60 * 1_000_000


class Mode(StrEnum):
    """How strict a guardrail is (GUARDRAIL_MODE)."""

    DRY_RUN = "DRY_RUN"
    ENFORCE = "ENFORCE"
    BREAK_GLASS = "BREAK_GLASS"


class Reason(StrEnum):
    """Why an action was denied, or would have been; NONE for an action that passed every check."""

    NONE = ""
    RATE_LIMIT = "rate_limit_exceeded"
    DAILY_CAP = "daily_cap_exceeded"
    COOLDOWN = "cooldown_active"
    FAILURES = "too_many_failures"
    IN_PROGRESS = "action_in_progress"  # this action id is reserved and not settled
    REPEATED = "already_settled"  # this action id ran, or failed, before
    STORE = "store_unavailable"


class Outcome(StrEnum):
    """What became of a reserved action. OPEN counts as used until somebody has looked at the outside.

    An ACCEPTED action neither ends the row of failures nor adds to it: its end does.
    """

    OPEN = "open"
    ACCEPTED = "accepted"  # the outside took it on; `conclude` says how it ended
    EXECUTED = "executed"
    FAILED = "failed"
    NOT_EXECUTED = "not_executed"


class Verdict(StrEnum):
    """What the guardrail said, for the audit."""

    ALLOWED = "allowed"
    WOULD_DENY = "would_deny"
    BYPASSED = "bypassed"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one action type. `max_failures` are failures in a row."""

    actions_per_day: int
    daily_cap_gb: Decimal
    cooldown_seconds: int
    max_failures: int


@dataclass(frozen=True, slots=True)
class Action:
    """One action asked for. `nonce` tells one call from another call with the same `action_id`."""

    action_type: str
    action_id: str
    requested_gb: Decimal
    at_us: int
    mode: Mode
    nonce: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reservation:
    """An action as the state item keeps it."""

    action: Action
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class State:
    """The use of one action type. `total_gb` and `count` belong to `day` (UTC, YYYY-MM-DD)."""

    action_type: str
    day: str
    total_gb: Decimal = Decimal(0)
    count: int = 0
    last_action_us: int | None = None
    failures: int = 0
    reservations: Mapping[str, Reservation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission to pass the limits until `expires_us`, given by `actor` for `reason`."""

    grant_id: str
    actor: str
    reason: str
    granted_us: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided. `tracked`: the state item holds a reservation that must be settled."""

    verdict: Verdict
    reason: Reason = Reason.NONE
    tracked: bool = True


@dataclass(frozen=True, slots=True)
class GuardrailResult:
    """The answer to a caller. `value` is what the action returned; None when it did not run.

    `would_deny` is set in DRY_RUN only. `recorded` is False when the store could not keep what happened.
    """

    allowed: bool
    executed: bool
    would_deny: bool
    action_id: str
    reason: Reason
    mode: Mode
    value: Any = None
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit: what was said about an action, and what became of it."""

    action: Action
    verdict: Verdict
    reason: Reason
    outcome: Outcome
