"""One SVM brought to what is wanted: look, decide, do one step, look again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol

from fsxn_runtime.edge.log import Logger, logger
from fsxn_runtime.errors import ConflictError, FsxnError, TransientError
from fsxn_runtime.fpolicy import core
from fsxn_runtime.fpolicy.model import (
    UNGUARDED,
    Change,
    Connect,
    CreateStore,
    Disable,
    Enable,
    InstallCertificate,
    Link,
    Observed,
    Patience,
    PutEngine,
    PutEvent,
    PutPolicy,
    Step,
    Task,
    Wait,
    WaitFor,
    Wanted,
)

# A second of loss beats a stuck outage: after so long without its guard the policy is changed all the same.
# The same time is given to connections before they are asked for, and a third of it afterwards.
# A node sends what it captured at once, unless a server holds it back; five seconds are a guess.
PATIENCE_SECONDS: Final = {
    WaitFor.GUARD: 15.0,
    WaitFor.LINKS: 15.0,
    WaitFor.RECONNECT: 5.0,
    WaitFor.LINGER: 5.0,
}
POLL_SECONDS: Final = 0.25  # one GET each
# How often it is asked, while waiting, which tasks run: one that ends meanwhile is not waited for.
TASK_SECONDS: Final = 1.0
# From nothing to everything takes about twenty steps, a change about ten; more is a circle.
MAX_STEPS: Final = 100
# Tries of a step or look that failed for a passing reason, 0.25 s apart and doubling: 8 s in all.
MAX_TRIES: Final = 6
# The client asks again by itself for as long as its deadline says.
MAX_LOOKS: Final = 3
# What must be left to disable a policy: time for its changes, tries included, and to enable it again.
WINDOW_SECONDS: Final = 30.0


class Side(Protocol):
    """One SVM at ONTAP. Every call raises FsxnError."""

    def look(self) -> Observed:
        """Read everything of FPolicy."""
        ...

    def look_at_links(self, observed: Observed) -> Observed:
        """Read the connections alone again: what is waited for."""
        ...

    def do(self, step: Change) -> None:
        """Do one step; what is so already is a success."""
        ...


class Clock(Protocol):
    """Time as a run needs it."""

    def now(self) -> float:
        """Give seconds that only grow."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def left(self) -> float:
        """Give the seconds until the run is ended from outside."""
        ...


class State(StrEnum):
    """How an SVM was left."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"  # as wanted, but some connections are missing
    WAITING = "waiting_for_servers"
    OFF = "off"
    REMOVED = "removed"


@dataclass(slots=True)
class Report:
    """What a run did with one SVM.

    `was_missing` are wanted connections that were not there at the start, `missing` those at the end; None
    when ONTAP could not be looked at.
    """

    svm: str
    state: State = State.WAITING
    servers: list[str] = field(default_factory=list)
    was_missing: int | None = None
    missing: int | None = None
    steps: list[str] = field(default_factory=list)
    unguarded: int = 0


class Run:
    """One run over one SVM. `renew` proves before every step that the lock is still ours; it may raise."""

    def __init__(
        self, wanted: Wanted, side: Side, clock: Clock, renew: Callable[[], None], log: Logger | None = None
    ) -> None:
        self._wanted = wanted
        self._side = side
        self._clock = clock
        self._renew = renew
        self._log = (log or logger("fpolicy")).bind(svm=wanted.svm)
        self.report = Report(wanted.svm)
        self.first_links: tuple[Link, ...] = ()  # the policy's connections at the first look
        self._began: dict[WaitFor, float] = {}
        self._servers_at = 0.0
        self._failures = 0
        self._in_a_row = 0
        self._conflicting: Change | None = None

    def reconcile(self, tasks: Callable[[], Iterable[Task]]) -> Report:
        """Bring the SVM to what is wanted. Whatever fails, a policy that is left disabled is enabled again.

        `tasks` tells which run now. Raises what ONTAP's refusal or silence is, after that.
        """
        observed = self._look()
        addresses = self._servers(tasks, observed)
        self.first_links = tuple(link for link in observed.links if link.policy == self._wanted.policy.name)
        self.report.was_missing = len(core.missing_links(self._wanted, addresses, observed))
        try:
            observed, addresses = self._converge(observed, addresses, tasks)
        except FsxnError:
            self._rescue(addresses)
            raise
        self.report.missing = len(core.missing_links(self._wanted, addresses, observed))
        self.report.state = _state(self._wanted, addresses, self.report.missing)
        return self.report

    def remove(self, *, keeps_store: bool) -> Report:
        """Take away what was made here."""
        for _ in range(MAX_STEPS):
            step = core.removal(self._wanted, self._look(), keeps_store=keeps_store)
            if step is None:
                self.report.state = State.REMOVED
                return self.report
            self._renew()
            self._do(step)
        raise self._circle()

    def _servers(self, tasks: Callable[[], Iterable[Task]], observed: Observed) -> frozenset[str]:
        addresses = core.servers(tasks(), observed)
        self._servers_at = self._clock.now()
        self.report.servers = sorted(addresses)
        return addresses

    def _converge(
        self, observed: Observed, addresses: frozenset[str], tasks: Callable[[], Iterable[Task]]
    ) -> tuple[Observed, frozenset[str]]:
        patience = Patience()
        while len(self.report.steps) + self._failures < MAX_STEPS:
            step = core.next_step(self._wanted, addresses, observed, patience)
            if step is None:
                return observed, addresses
            if isinstance(step, Wait):
                if self._is_over(step.what):
                    patience = replace(patience, over=patience.over | {step.what})
                    # Only connections were read meanwhile. A change that was given up may have come late:
                    # the guard must not go while the policy was disabled by it.
                    observed = self._look() if self._clock.left() > 0 else observed
                    continue
                observed = self._look(observed)
                if self._clock.now() - self._servers_at >= TASK_SECONDS:
                    addresses = self._servers(tasks, observed)
                continue
            self._need_time(step)
            self._renew()
            if not self._do(step):
                observed = self._look()
                continue
            patience = core.patience_after(step, patience)
            if not patience.over:
                self._began.clear()
            observed = self._next_sight(step, observed)
        raise self._circle()

    def _is_over(self, what: WaitFor) -> bool:
        """Wait a moment, or say that this was waited for long enough."""
        now = self._clock.now()
        if now - self._began.setdefault(what, now) >= PATIENCE_SECONDS[what] or self._clock.left() <= 0:
            return True
        self._renew()
        self._clock.sleep(POLL_SECONDS)
        return False

    def _need_time(self, step: Change) -> None:
        own = isinstance(step, Disable) and step.policy == self._wanted.policy.name
        if own and self._clock.left() < WINDOW_SECONDS:
            raise TransientError(
                f"{self._clock.left():.0f} s are left, and disabling the policy for a change needs "
                f"{WINDOW_SECONDS:.0f}; the next run goes on",
                code="out_of_time",
            )

    def _do(self, step: Change) -> bool:
        """Do a step, again while the reason to fail may pass; False when it may have been done already."""
        if isinstance(step, Disable) and step.why in UNGUARDED:
            self.report.unguarded += 1
            self._log.warning("policy.unguarded", policy=step.policy, why=step.why)
        try:
            self._side.do(step)
        except (ConflictError, TransientError) as exc:
            self._failed(step, exc)
            return False
        self._in_a_row, self._conflicting = 0, None
        self.report.steps.append(name_of(step))
        self._log.info("step.done", step=name_of(step))
        self._log.debug("step.detail", step=repr(step))
        return True

    def _failed(self, step: Change, exc: FsxnError) -> None:
        """Let a passing failure pass: the next look says whether the step was done all the same.

        A step in conflict with what was just looked at is in conflict with something foreign.
        """
        self._failures += 1
        self._in_a_row += 1
        self._log.warning("step.failed", step=name_of(step), attempt=self._in_a_row, error=exc)
        again = isinstance(exc, ConflictError) and step == self._conflicting
        self._conflicting = step if isinstance(exc, ConflictError) else None
        if again or self._in_a_row >= MAX_TRIES:
            raise exc
        self._clock.sleep(POLL_SECONDS * 2 ** (self._in_a_row - 1))

    def _look(self, before: Observed | None = None) -> Observed:
        """Look at everything, or at the connections alone; again while it fails for a passing reason."""
        for attempt in range(1, MAX_LOOKS + 1):
            try:
                return self._side.look() if before is None else self._side.look_at_links(before)
            except TransientError as exc:
                if attempt == MAX_LOOKS:
                    raise
                self._log.warning("look.failed", attempt=attempt, error=exc)
                self._clock.sleep(POLL_SECONDS * 2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")

    def _next_sight(self, step: Step, observed: Observed) -> Observed:
        """Look again, but not while our policy is disabled: each look would cost notifications."""
        foreseen = core.foresee(step, observed)
        main = foreseen.policies.get(self._wanted.policy.name) if foreseen else None
        return self._look() if foreseen is None or main is None or main.is_enabled else foreseen

    def _rescue(self, addresses: frozenset[str]) -> None:
        """Enable a policy that a failure left disabled; what fails here is logged only."""
        for attempt in range(1, MAX_TRIES + 1):
            try:
                observed = self._side.look()
                step = core.rescue(self._wanted, observed)
                if step is None:
                    self.report.missing = len(core.missing_links(self._wanted, addresses, observed))
                    return
                self._renew()
                self._side.do(step)
                self._log.warning("policy.rescued", policy=step.policy)
            except FsxnError as exc:
                self._log.error("policy.not_rescued", attempt=attempt, error=exc)
                if self._clock.left() <= 0:
                    return
                self._clock.sleep(POLL_SECONDS * 2 ** (attempt - 1))

    def _circle(self) -> FsxnError:
        return TransientError(
            f"{self._wanted.svm}: not as wanted after {len(self.report.steps)} steps and {self._failures} "
            f"failures; the last steps were {', '.join(self.report.steps[-4:])}",
            code="no_convergence",
        )


def name_of(step: Change) -> str:
    """Name a step in logs and reports: what is done, and to what."""
    match step:
        case Disable(policy, why):
            return f"Disable {policy} ({why})"
        case Enable(policy, priority):
            return f"Enable {policy} at {priority}"
        case Connect(link):
            return f"Connect {link.server}"
        case PutEvent(event) | PutEngine(event) | PutPolicy(event) | CreateStore(event):
            return f"{type(step).__name__} {event.name}"
        case InstallCertificate(certificate):
            return f"InstallCertificate {certificate.name}"
    return f"{type(step).__name__} {step.name}"


def _state(wanted: Wanted, addresses: frozenset[str], missing: int) -> State:
    if not wanted.policy.is_enabled:
        return State.OFF
    if not addresses:
        return State.WAITING
    return State.DISCONNECTED if missing else State.CONNECTED
