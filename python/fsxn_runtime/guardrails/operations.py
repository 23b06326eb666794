"""What operators do with a guardrail: look, give and end a grant, reset, settle what was left open."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.log import logger
from fsxn_runtime.errors import ConflictError, FsxnError, RejectedError
from fsxn_runtime.events import format_timestamp, parse_timestamp
from fsxn_runtime.guardrails import core
from fsxn_runtime.guardrails.alerts import Alerts
from fsxn_runtime.guardrails.model import (
    Action,
    AuditEntry,
    Grant,
    Limits,
    Mode,
    Outcome,
    Reason,
    Reservation,
    State,
    Verdict,
)
from fsxn_runtime.guardrails.store import GRANT_KEY, GuardrailStore

_log = logger("guardrails")
_NOTHING: Final = Decimal(0)


class GuardrailOperations:
    """Commands over one table. Every step may run twice; who did what is in the audit."""

    def __init__(
        self,
        store: GuardrailStore,
        alerts: Alerts,
        *,
        clock: Callable[[], int] = now_us,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._store = store
        self._alerts = alerts
        self._clock = clock
        self._new_id = new_id

    def status(self, action_type: str) -> State:
        """Give the use of one type as it counts now: on a new day nothing is used yet."""
        today = core.day_of(self._clock())
        state = self._store.state(core.checked_type(action_type))
        if state is None:
            return State(action_type, today)
        if state.day >= today:
            return state
        return State(
            action_type, today, _NOTHING, 0, state.last_action_us, state.failures, state.reservations
        )

    def preview(self, action_type: str, requested_gb: float, limits: Limits) -> Reason:
        """Say what the limits would say to a growth now. It reserves nothing: a moment later may differ."""
        action = Action(
            core.checked_action(action_type),
            "preview",
            core.checked_gb(requested_gb),
            self._clock(),
            Mode.ENFORCE,
            "",
        )
        return core.judge(self._store.state(action_type), action, limits)

    def live_grant(self) -> Grant | None:
        """Give the grant that is live now."""
        grant = self._store.grant()
        return grant if core.is_live(grant, self._clock()) else None

    def history(self, action_type: str, since: str = "") -> Iterator[AuditEntry]:
        """Yield the audit of one type, newest first. Grants are under the type BREAK_GLASS."""
        return self._store.audit(core.checked_type(action_type), since=since)

    def break_glass(self, *, actor: str, reason: str, seconds: int) -> Grant:
        """Give a grant that ends by itself. Raises ConflictError while another one is live.

        It is audited before it is written: dying in between leaves an audit line too many, not one too few.
        """
        now = self._clock()
        grant = core.new_grant(
            grant_id=self._new_id(), actor=actor, reason=reason, seconds=seconds, now_us=now
        )
        self._audit_grant(grant, "granted", actor, now)
        earlier = self._store.grant()
        if not self._store.put_grant(grant):
            raise ConflictError("a grant is live already; revert it first", code="grant_is_live")
        if earlier is not None and self._store.claim_grant_end(earlier):  # from now on nobody sees it again
            ended = format_timestamp(earlier.expires_us)
            self._alerts.send(
                "Guardrail break-glass ended", grant=earlier.grant_id, actor=earlier.actor, ended=ended
            )
        until = format_timestamp(grant.expires_us)
        self._alerts.send(
            "Guardrail break-glass granted", grant=grant.grant_id, actor=actor, reason=reason, until=until
        )
        return grant

    def revert(self, *, actor: str) -> Grant | None:
        """End the live grant now; None when there is none."""
        now = self._clock()
        grant = self._store.grant()
        if grant is None or not self._store.end_grant(grant, now):
            return None
        self._audit_grant(grant, "reverted", actor, now)
        if self._store.claim_grant_end(grant):
            self._alerts.send("Guardrail break-glass ended", grant=grant.grant_id, reverted_by=actor)
        return grant

    def reset(self, action_type: str, *, actor: str, reason: str) -> bool:
        """Forget the day's use, the cooldown and the failures of one type; False when it has no state.

        Open reservations stay: they are settled by looking, not by forgetting.
        """
        if not actor.strip() or not reason.strip():
            raise RejectedError("a reset needs an actor and a reason or ticket", code="wrong_reset")
        now = self._clock()
        self._audit(core.checked_type(action_type), f"reset-{self._new_id()}", now, actor=actor, why=reason)
        if not self._store.reset(action_type, now):
            return False
        self._alerts.send("Guardrail reset", action_type=action_type, actor=actor, reason=reason)
        return True

    def open_reservations(self, action_type: str) -> list[Reservation]:
        """Give what is reserved and not settled, oldest first."""
        state = self._store.state(core.checked_type(action_type))
        reservations = state.reservations.values() if state is not None else ()
        found = [r for r in reservations if r.outcome is Outcome.OPEN]
        return sorted(found, key=lambda r: r.action.at_us)

    def settle(self, reservation: Reservation, *, executed: bool) -> bool:
        """Close an open reservation after a look at the outside; False when somebody else did.

        What did not run is taken back from its day's count, as long as that day is counted.
        """
        action = reservation.action
        outcome = Outcome.EXECUTED if executed else Outcome.NOT_EXECUTED
        self._store.put_audit(AuditEntry(action, Verdict.ALLOWED, Reason.NONE, outcome))
        if not executed and self._store.release(action):
            return True
        return self._store.settle(action, outcome)

    def write_down(self, lines: Iterable[str]) -> tuple[int, int]:
        """Write down the actions that ran without the store, from log lines `action.unrecorded`.

        Gives how many were new, and how many were written down before. Other lines are left alone.
        """
        new = known = 0
        for line in lines:
            action = _unrecorded(line)
            if action is None:
                continue
            # Counted as of now: by its own time it would end the cooldown of what came after it.
            late = replace(action, at_us=max(action.at_us, self._clock()))
            if self._count_late(late):
                self._store.put_audit(AuditEntry(action, Verdict.BYPASSED, Reason.STORE, Outcome.EXECUTED))
                self._store.settle(late, Outcome.EXECUTED)
                new += 1
            else:
                known += 1
        return new, known

    def _count_late(self, action: Action) -> bool:
        """Count an action that ran; False when it is counted already."""
        new_day = False
        for _ in range(4):  # as the guardrail itself: an older day, a lost race, the decision, a reset
            written, state = self._store.reserve(action, None, new_day=new_day)
            if written:
                return True
            if state is not None and action.action_id in state.reservations:
                return False
            new_day = core.starts_day(state, action)
        raise ConflictError(f"{action.action_type}: others were first", code="busy_item")

    def _audit_grant(self, grant: Grant, what: str, actor: str, now: int) -> None:
        until = format_timestamp(grant.expires_us)
        why = {"what": what, "actor": actor, "why": grant.reason, "until": until}
        self._audit(GRANT_KEY, f"{what}-{grant.grant_id}", now, **why)

    def _audit(self, action_type: str, action_id: str, now: int, **context: str) -> None:
        """Write an operator's deed into the audit; it adds no capacity."""
        mode = Mode.BREAK_GLASS
        action = Action(action_type, action_id, _NOTHING, now, mode, "", core.checked_context(context))
        self._store.put_audit(AuditEntry(action, Verdict.ALLOWED, Reason.NONE, Outcome.EXECUTED))


def _unrecorded(line: str) -> Action | None:
    """Read a log line of an action that ran without the store; None for any other line."""
    try:
        fields: Any = json.loads(line)
        if not isinstance(fields, dict) or fields.get("event") != "action.unrecorded":
            return None
        return Action(
            action_type=core.checked_type(fields["action_type"]),
            action_id=core.checked_id(fields["action_id"]),
            requested_gb=core.checked_gb(fields["requested_gb"]),
            at_us=parse_timestamp(fields["at"]),
            mode=Mode(fields["mode"]),
            nonce=str(fields["nonce"]),
            context=core.checked_context(fields["context"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, FsxnError):
        _log.warning("line.unreadable")
        return None
