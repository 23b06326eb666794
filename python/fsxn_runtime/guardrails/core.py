"""The guardrail's decisions: pure functions over action, state, limits, grant and time.

Source of the checks and their order: docs/decisions/0005-guardrail-checks.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import Final

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.guardrails.model import (
    CLOCKS_US,
    MAX_REQUEST_GB,
    Action,
    Decision,
    Grant,
    Limits,
    Mode,
    Outcome,
    Reason,
    State,
    Verdict,
)

# A type is a table key, a metric dimension and part of a policy, so it is a plain word.
_ACTION_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_ACTION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,127}")
# A millionth of a GiB is about a kilobyte. Rounded up: a size counts high, never low.
_GB_STEP: Final = Decimal("0.000001")
# The context is kept in the state item (400 KB in all) for every action of the last day.
_CONTEXT_ENTRIES: Final = 20
_CONTEXT_TEXT: Final = 200
# How long a settled action id is remembered, and how many: 400 of at most about 500 bytes are half an item.
REMEMBER_US: Final = 86_400_000_000
REMEMBER_COUNT: Final = 400
# How many one write forgets: an expression has at most 4 KB (DynamoDB quotas), and "#old99, " is 8 of them.
FORGET_COUNT: Final = 100
# Shorter than half a minute is over before what it is for was asked; longer than four hours outlives a shift.
MIN_GRANT_SECONDS: Final = 30
MAX_GRANT_SECONDS: Final = 4 * 3600

# Keys of grants (store), which no action may share: its policy would admit the grant.
RESERVED_TYPES: Final = frozenset({"BREAK_GLASS", "BREAK_GLASS_END"})

# What no grant and no dry run changes: the action runs already, or has run.
REPEATS: Final = frozenset({Reason.IN_PROGRESS, Reason.REPEATED})


def day_of(time_us: int) -> str:
    """Give the UTC day, YYYY-MM-DD."""
    return format_timestamp(time_us)[: len("2026-01-31")]


def checked_type(action_type: object) -> str:
    """Accept a word of 1 to 64 letters, digits, `_`, `.`, `-`. Raises RejectedError."""
    if not isinstance(action_type, str) or not _ACTION_TYPE.fullmatch(action_type):
        raise RejectedError(
            f"action_type is {_shown(action_type)}; it must be 1 to 64 letters, digits, _ . -, "
            "beginning with a letter",
            code="wrong_action_type",
        )
    return action_type


def checked_action(action_type: object) -> str:
    """Accept the type of an action to be done: one that is no key of grants. Raises RejectedError."""
    found = checked_type(action_type)
    if found in RESERVED_TYPES:
        raise RejectedError(f"action_type is {found!r}, which belongs to grants", code="wrong_action_type")
    return found


def checked_id(action_id: object) -> str:
    """Accept an id of 1 to 128 characters without blanks. Raises RejectedError."""
    if not isinstance(action_id, str) or not _ACTION_ID.fullmatch(action_id):
        raise RejectedError(
            f"action_id is {_shown(action_id)}; it must be 1 to 128 letters, digits, _ . : / @ + -",
            code="wrong_action_id",
        )
    return action_id


def checked_gb(requested_gb: object) -> Decimal:
    """Accept a positive finite size up to an exbibyte; round it up to a millionth. Raises RejectedError."""
    try:
        size = Decimal(str(requested_gb)) if not isinstance(requested_gb, bool) else Decimal("NaN")
        if size.is_finite() and 0 < size <= MAX_REQUEST_GB:
            return size.quantize(_GB_STEP, rounding=ROUND_UP)
    except (InvalidOperation, ValueError):
        pass  # no number at all, or an integer too long to be written: answered below
    raise RejectedError(
        f"requested_gb is {_shown(requested_gb)}; it must be positive, finite and at most {MAX_REQUEST_GB}",
        code="wrong_size",
    )


def checked_context(context: Mapping[str, object]) -> dict[str, str]:
    """Turn what the caller says of its action into short texts for the audit."""
    if len(context) > _CONTEXT_ENTRIES:
        raise RejectedError(
            f"the context has {len(context)} entries; it must have at most {_CONTEXT_ENTRIES}",
            code="wrong_context",
        )
    return {name[:_CONTEXT_TEXT]: str(value)[:_CONTEXT_TEXT] for name, value in context.items()}


def starts_day(state: State | None, action: Action) -> bool:
    """Say whether the action is the first of its day. A clock behind the state's day counts on that day."""
    return state is None or state.day < day_of(action.at_us)


def judge(state: State | None, action: Action, limits: Limits | None) -> Reason:
    """Say what speaks against the action; NONE when this state lets it pass. First failing check wins.

    Without limits only a repeated action id speaks against it. The cooldown counts from the last action,
    across midnight; an action "from the future" (a clock ahead of ours) is one that was a moment ago.
    """
    if state is not None and action.action_id in state.reservations:
        earlier = state.reservations[action.action_id]
        return Reason.IN_PROGRESS if earlier.outcome is Outcome.OPEN else Reason.REPEATED
    if limits is None:
        return Reason.NONE
    fresh = starts_day(state, action)
    count = 0 if state is None or fresh else state.count
    total = Decimal(0) if state is None or fresh else state.total_gb
    if count >= limits.actions_per_day:
        return Reason.RATE_LIMIT
    if total + action.requested_gb > limits.daily_cap_gb:
        return Reason.DAILY_CAP
    if state is None:
        return Reason.NONE
    cooldown_us = limits.cooldown_seconds * 1_000_000
    if cooldown_us and state.last_action_us is not None and action.at_us - state.last_action_us < cooldown_us:
        return Reason.COOLDOWN
    return Reason.FAILURES if state.failures >= limits.max_failures else Reason.NONE


def is_own(state: State | None, action: Action) -> bool:
    """Say whether the state holds this very call's reservation: its write arrived, its answer did not."""
    earlier = state.reservations.get(action.action_id) if state is not None else None
    return earlier is not None and earlier.action.nonce == action.nonce


def forgettable(state: State, now_us: int) -> list[str]:
    """Name the settled actions that need not be remembered: older than a day, or beyond the number kept.

    An open reservation is never among them, one whose end is still to come only beyond the number. The
    oldest come first, as many as one write takes.
    """
    settled = sorted(
        (r.action.at_us, action_id, r.outcome)
        for action_id, r in state.reservations.items()
        if r.outcome is not Outcome.OPEN
    )
    surplus = max(len(settled) - REMEMBER_COUNT, 0)
    old = [
        action_id
        for position, (at_us, action_id, outcome) in enumerate(settled)
        if position < surplus or (at_us < now_us - REMEMBER_US and outcome is not Outcome.ACCEPTED)
    ]
    return old[:FORGET_COUNT]


def without_store(mode: Mode) -> Decision:
    """Decide when the store cannot be asked: ENFORCE denies, the other modes let the action run."""
    verdicts = {
        Mode.DRY_RUN: Verdict.ALLOWED,
        Mode.ENFORCE: Verdict.DENIED,
        Mode.BREAK_GLASS: Verdict.BYPASSED,
    }
    return Decision(verdicts[mode], Reason.STORE, tracked=False)


def new_grant(*, grant_id: str, actor: str, reason: str, seconds: int, now_us: int) -> Grant:
    """Make a grant that ends by itself. Raises RejectedError for no actor or reason, or a wrong time."""
    if not actor.strip() or not reason.strip():
        raise RejectedError("a grant needs an actor and a reason or ticket", code="wrong_grant")
    if not MIN_GRANT_SECONDS <= seconds <= MAX_GRANT_SECONDS:
        raise RejectedError(
            f"the grant is for {seconds} seconds; it must be from {MIN_GRANT_SECONDS} to {MAX_GRANT_SECONDS}",
            code="wrong_grant",
        )
    return Grant(
        grant_id=grant_id,
        actor=actor.strip()[:_CONTEXT_TEXT],
        reason=reason.strip()[:_CONTEXT_TEXT],
        granted_us=now_us,
        expires_us=now_us + seconds * 1_000_000,
    )


def is_live(grant: Grant | None, now_us: int) -> bool:
    """Say whether there is a grant and it has not ended.

    An item written past these commands ends no later either: not more than the longest grant after now.
    """
    if grant is None:
        return False
    longest = min(grant.granted_us, now_us) + MAX_GRANT_SECONDS * 1_000_000
    return now_us < grant.expires_us <= longest + CLOCKS_US


def _shown(value: object) -> str:
    """Show a value of any size in a message."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more than 4300 digits
        text = f"a very long {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."
