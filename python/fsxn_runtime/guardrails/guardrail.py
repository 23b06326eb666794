"""CapacityGuardrail: asks the store, runs the action, settles what became of it.

Order of writes. The reservation is written before the action, its audit line, its day and its settlement
after it: dying in between leaves an open reservation, which counts until `fsxn guardrails reconcile` has
looked at the outside. A bypass is counted as a metric, alerted and audited before its reservation.
Idempotency key: action type and `action_id`.
"""

from __future__ import annotations

import functools
import inspect
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final, ParamSpec, TypeVar

from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.log import logger
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import ConflictError, FsxnError, RejectedError
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.guardrails import core
from fsxn_runtime.guardrails.alerts import Alerts
from fsxn_runtime.guardrails.model import (
    Action,
    AuditEntry,
    Decision,
    Grant,
    GuardrailResult,
    Limits,
    Mode,
    Outcome,
    Reason,
    State,
    Verdict,
)
from fsxn_runtime.guardrails.settings import GuardrailSettings
from fsxn_runtime.guardrails.store import GuardrailStore

_log = logger("guardrails")
# One look finds an older day, a second loses the race to begin the new one, a third decides; a reset in
# between can cost one more.
_LOOKS: Final = 4

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")


class GuardrailDeniedError(RejectedError):
    """A decorated function was not run; `code` is the reason."""


class CapacityGuardrail:
    """Lets an action run while count, cap and cooldown of its type allow it. Safe for several threads.

    Without settings they come from the environment; a wrong setting raises MisconfiguredError here, before
    any action is asked for.
    """

    def __init__(
        self,
        settings: GuardrailSettings | None = None,
        *,
        store: GuardrailStore | None = None,
        alerts: Alerts | None = None,
        clock: Callable[[], int] = now_us,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        write_metrics: Callable[[str], object] | None = None,
    ) -> None:
        self.settings = settings or GuardrailSettings.from_env(os.environ)
        self._store = store or GuardrailStore(client("dynamodb"), self.settings.table)
        self._alerts = alerts or Alerts(client("sns", is_brief=True), self.settings.topic_arn)
        self._clock = clock
        self._new_id = new_id
        self._write_metrics = write_metrics

    def check_and_execute(
        self,
        *,
        action_type: str,
        requested_gb: float | Decimal,
        execute_fn: Callable[..., Any],
        action_id: str | None = None,
        ends_later: bool = False,
        **context: object,
    ) -> GuardrailResult:
        """Run `execute_fn` if the limits allow `requested_gb` (GiB) more; say what was decided and done.

        `context` is audited, and passed to `execute_fn` as the keywords it accepts. Give an `action_id` that
        is the same on every retry: an id that was used before never runs again. What `execute_fn` raises is
        counted as a failure and raised. With `ends_later` the function only begins something, and
        `conclude` says later how that ended. Raises RejectedError for a size, type, id or context out of
        range.
        """
        action = Action(
            action_type=core.checked_action(action_type),
            action_id=core.checked_id(action_id if action_id is not None else self._new_id()),
            requested_gb=core.checked_gb(requested_gb),
            at_us=self._clock(),
            mode=self.settings.mode,
            nonce=self._new_id(),
            context=core.checked_context(context),
        )
        decision, state = self._decide(action)
        if decision.verdict is Verdict.DENIED:
            if decision.reason not in core.REPEATS:  # a repetition asks for nothing new
                self._count(action.action_type, "GuardrailBlocked")
            recorded = decision.reason is not Reason.STORE and self._record(
                action, decision, Outcome.NOT_EXECUTED, None
            )
            _log.warning("action.denied", **_plain(action), reason=decision.reason)
            return self._result(action, decision, executed=False, recorded=recorded)
        if decision.verdict is not Verdict.BYPASSED:
            dry = action.mode is Mode.DRY_RUN
            self._count(action.action_type, "GuardrailDryRunAllowed" if dry else "GuardrailAllowed")
        if action.mode is Mode.DRY_RUN and not self.settings.dry_run_executes:
            recorded = self._record(action, decision, Outcome.NOT_EXECUTED, state)
            return self._result(action, decision, executed=False, recorded=recorded)
        try:
            value = execute_fn(**_accepted(execute_fn, context))
        except Exception as exc:
            _log.error("action.failed", **_plain(action), error=exc)
            self._record(action, decision, Outcome.FAILED, state)
            raise
        outcome = Outcome.ACCEPTED if ends_later else Outcome.EXECUTED
        recorded = self._record(action, decision, outcome, state)
        return self._result(action, decision, executed=True, recorded=recorded, value=value)

    def conclude(self, action_type: str, action_id: str, *, succeeded: bool) -> bool:
        """Say how an action ended that was run with `ends_later`; give whether it counts now.

        A failure adds to the row of failures, a success ends it. Idempotency key: action type and
        `action_id`. Never raises: the action is over, whatever its guardrail can note.
        """
        outcome = Outcome.EXECUTED if succeeded else Outcome.FAILED
        try:
            is_new, action = self._store.conclude(core.checked_action(action_type), action_id, outcome)
            if action is None:
                _log.warning("conclusion.unknown", action_type=action_type, action_id=action_id)
            else:
                self._store.audit_end(action, outcome)
        except FsxnError as exc:
            _log.error("conclusion.lost", error=exc, action_type=action_type, action_id=action_id)
            self._count(action_type, "GuardrailDynamoDBError")
            return False
        return is_new

    def tell_of_ended_grant(self) -> bool:
        """Alert once when the latest grant has ended; say whether this call was the one to tell."""
        return self._tell_end(self._store.grant(), self._clock())

    def _decide(self, action: Action) -> tuple[Decision, State | None]:
        try:
            return self._ask_store(action)
        except FsxnError as exc:
            _log.error("store.unavailable", error=exc, **_plain(action))
            self._count(action.action_type, "GuardrailDynamoDBError")
        decision = core.without_store(action.mode)
        if decision.verdict is Verdict.BYPASSED:
            self._count(action.action_type, "GuardrailBypass")
            # This line is what `fsxn guardrails reconcile --log` reads to write the action down later.
            _log.error("action.unrecorded", **_plain(action))
            self._alerts.send("Guardrail bypassed without its store", **_plain(action))
        return decision, None

    def _ask_store(self, action: Action) -> tuple[Decision, State | None]:
        if action.mode is Mode.BREAK_GLASS:
            grant = self._live_grant(action)
            if grant is not None:
                return self._bypass(action, grant, Reason.NONE)
            self._count(action.action_type, "GuardrailGrantMissing")
        reason, state = self._reserve(action, self.settings.limits(action.action_type))
        if reason is Reason.NONE:
            return Decision(Verdict.ALLOWED), state
        if reason not in core.REPEATS:
            if action.mode is Mode.DRY_RUN:
                return self._pass(action, Verdict.WOULD_DENY, reason)
            grant = self._live_grant(action)
            if grant is not None:
                return self._bypass(action, grant, reason)
        return Decision(Verdict.DENIED, reason, tracked=False), None

    def _bypass(self, action: Action, grant: Grant, reason: Reason) -> tuple[Decision, State | None]:
        self._count(action.action_type, "GuardrailBypass")
        self._alerts.send(
            "Guardrail bypassed",
            **_plain(action),
            would_deny=reason,
            actor=grant.actor,
            grant_reason=grant.reason,
        )
        self._store.put_audit(AuditEntry(action, Verdict.BYPASSED, reason, Outcome.OPEN))
        return self._pass(action, Verdict.BYPASSED, reason)

    def _pass(self, action: Action, verdict: Verdict, reason: Reason) -> tuple[Decision, State | None]:
        """Count an action that no limit stops; a repeated one is stopped all the same."""
        repeat, state = self._reserve(action, None)
        if repeat is not Reason.NONE:
            return Decision(Verdict.DENIED, repeat, tracked=False), None
        return Decision(verdict, reason), state

    def _reserve(self, action: Action, limits: Limits | None) -> tuple[Reason, State | None]:
        """Reserve by one conditional write; on the first action of a day it takes two."""
        new_day = False
        for _ in range(_LOOKS):
            written, state = self._store.reserve(action, limits, new_day=new_day)
            if written or core.is_own(state, action):
                return Reason.NONE, state
            reason = core.judge(state, action, limits)
            if reason is not Reason.NONE:
                return reason, state
            new_day = core.starts_day(state, action)
        raise ConflictError(f"{action.action_type}: others were first {_LOOKS} times", code="busy_item")

    def _live_grant(self, action: Action) -> Grant | None:
        grant = self._store.grant()
        if core.is_live(grant, action.at_us):
            return grant
        self._tell_end(grant, action.at_us)
        return None

    def _tell_end(self, grant: Grant | None, now: int) -> bool:
        if grant is None or core.is_live(grant, now) or not self._store.claim_grant_end(grant):
            return False
        ended = format_timestamp(grant.expires_us)
        self._alerts.send("Guardrail break-glass ended", grant=grant.grant_id, actor=grant.actor, ended=ended)
        return True

    def _record(self, action: Action, decision: Decision, outcome: Outcome, state: State | None) -> bool:
        """Write audit, day and settlement; say whether all are written. The action is done: never raises."""
        if decision.reason is Reason.STORE:
            return False
        try:
            self._store.put_audit(AuditEntry(action, decision.verdict, decision.reason, outcome))
            if decision.tracked and state is not None:
                self._store.put_day(state)
                self._store.settle(action, outcome, forget=core.forgettable(state, action.at_us))
        except FsxnError as exc:
            _log.error("record.incomplete", error=exc, outcome=outcome, **_plain(action))
            self._count(action.action_type, "GuardrailDynamoDBError")
            return False
        return True

    def _result(
        self, action: Action, decision: Decision, *, executed: bool, recorded: bool, value: object = None
    ) -> GuardrailResult:
        return GuardrailResult(
            allowed=decision.verdict is not Verdict.DENIED,
            executed=executed,
            would_deny=decision.verdict is Verdict.WOULD_DENY,
            action_id=action.action_id,
            reason=decision.reason,
            mode=action.mode,
            value=value,
            recorded=recorded,
        )

    def _count(self, action_type: str, name: str) -> None:
        """Write one metric at once: a bypass must be seen even if the process dies in the next line."""
        dimensions = {
            "Environment": self.settings.environment,
            "Mode": str(self.settings.mode),
            "ActionType": action_type,
        }
        emf = Emf(self.settings.metric_namespace, dimensions, write=self._write_metrics)
        emf.count(name)
        emf.flush()


def guarded(
    action_type: str, *, size: str, guardrail: Callable[[], CapacityGuardrail] | None = None
) -> Callable[[Callable[Parameters, Value]], Callable[Parameters, Value | None]]:
    """Guard a function whose parameter `size` is the GiB it adds; its default counts like a given value.

    The decorated function returns what the function returns, None where a dry run executes nothing, and
    raises GuardrailDeniedError when denied. Its other arguments are audited. `guardrail` makes the guardrail
    at the first call (CapacityGuardrail, from the environment).
    """

    def decorate(function: Callable[Parameters, Value]) -> Callable[Parameters, Value | None]:
        signature = inspect.signature(function)
        if size not in signature.parameters:
            raise TypeError(f"{function.__qualname__} has no parameter {size!r}")
        make = functools.cache(guardrail or CapacityGuardrail)

        @functools.wraps(function)
        def wrapper(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Value | None:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            audited = {name: str(value) for name, value in bound.arguments.items() if name != size}
            result = make().check_and_execute(
                action_type=action_type,
                requested_gb=bound.arguments[size],
                execute_fn=lambda: function(*args, **kwargs),
                arguments=audited,
            )
            if not result.allowed:
                raise GuardrailDeniedError(f"{action_type} was denied: {result.reason}", code=result.reason)
            value: Value | None = result.value
            return value

        return wrapper

    return decorate


def _accepted(function: Callable[..., Any], context: Mapping[str, object]) -> dict[str, object]:
    """Give those of the context that the function takes as keywords."""
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return dict(context)
    keywords = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    names = {parameter.name for parameter in parameters if parameter.kind in keywords}
    return {name: value for name, value in context.items() if name in names}


def _plain(action: Action) -> dict[str, object]:
    """Give an action's fields as a log line or an alert carries them."""
    fields = asdict(action) | {"at": format_timestamp(action.at_us), "requested_gb": str(action.requested_gb)}
    del fields["at_us"]
    return fields
