"""The guardrail on the local DynamoDB against a plain model: any order, any clock, several callers at once.

The model decides by reading a few numbers; the guardrail must say the same, for one caller exactly and for
several equal ones in how many may run. Whatever happens, no limit is passed and what ran is counted.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from fsxn_runtime.guardrails import Reason
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.support.guardrail_world import SECOND, T0, Crash, GuardrailWorld

DAY_SECONDS = 86_400
_ids = itertools.count()


class Model:
    """The rules in words: so many a day, so much a day, so long between two, so many failures in a row."""

    def __init__(self, rate_limit: int, cap: int, cooldown: int, max_failures: int) -> None:
        self.rate_limit, self.cap, self.cooldown, self.max_failures = rate_limit, cap, cooldown, max_failures
        self.day = -1
        self.count = self.total = self.failures = 0
        self.last: int | None = None

    def ask(self, second: int, gb: int) -> str:
        today = second // DAY_SECONDS
        fresh = today > self.day
        count, total = (0, 0) if fresh else (self.count, self.total)
        if count >= self.rate_limit:
            return Reason.RATE_LIMIT
        if total + gb > self.cap:
            return Reason.DAILY_CAP
        if self.last is not None and second - self.last < self.cooldown:
            return Reason.COOLDOWN
        if self.failures >= self.max_failures:
            return Reason.FAILURES
        self.day = max(self.day, today)
        self.count, self.total, self.last = count + 1, total + gb, second
        return Reason.NONE


class Machine(RuleBasedStateMachine):
    """Callers, failures, crashes, resets and a clock that jumps over midnight."""

    world: GuardrailWorld
    pool: ThreadPoolExecutor
    begun = Bundle("begun")

    @initialize(
        rate_limit=st.integers(0, 4),
        cap=st.integers(0, 40),
        cooldown=st.sampled_from([0, 1, 300, DAY_SECONDS + 5]),
        max_failures=st.integers(1, 2),
    )
    def start(self, rate_limit, cap, cooldown, max_failures):
        self.model = Model(rate_limit, cap, cooldown, max_failures)
        self.kind = self.world.new_type()
        self.guardrail = self.world.guardrail(
            rate_limit=rate_limit, daily_cap_gb=cap, cooldown_seconds=cooldown, max_failures=max_failures
        )
        self.second = 0
        self.ran: Counter[int] = Counter()
        self.world.now = T0

    @property
    def wall(self) -> int:
        return self.second + T0 // SECOND

    def ask(self, gb, outcome="ok", action_id=None):
        def run():
            self.ran[self.wall // DAY_SECONDS] += 1
            if outcome == "fail":
                raise OSError
            if outcome == "crash":
                raise Crash

        try:
            return self.guardrail.check_and_execute(
                action_type=self.kind,
                requested_gb=gb,
                execute_fn=run,
                action_id=action_id,
                ends_later=action_id is not None,
            ).reason
        except (OSError, Crash):
            return Reason.NONE

    @rule(gb=st.integers(1, 20), outcome=st.sampled_from(["ok", "ok", "fail", "crash"]))
    def one(self, gb, outcome):
        expected = self.model.ask(self.wall, gb)
        assert self.ask(gb, outcome) == expected
        if expected == Reason.NONE and outcome != "crash":
            self.model.failures = self.model.failures + 1 if outcome == "fail" else 0

    @rule(target=begun, gb=st.integers(1, 20))
    def begin(self, gb):
        """What ends later changes no row of failures now."""
        action_id = f"later-{next(_ids)}"
        expected = self.model.ask(self.wall, gb)
        assert self.ask(gb, action_id=action_id) == expected
        return action_id if expected == Reason.NONE else multiple()

    @rule(action_id=consumes(begun), succeeded=st.booleans(), times=st.integers(1, 3))
    def conclude(self, action_id, succeeded, times):
        said = [self.guardrail.conclude(self.kind, action_id, succeeded=succeeded) for _ in range(times)]
        assert said == [True] + [False] * (times - 1)  # however long after, and once
        self.model.failures = 0 if succeeded else self.model.failures + 1

    @rule(gb=st.integers(1, 20), callers=st.integers(2, 6))
    def several_at_once(self, gb, callers):
        expected = Counter(self.model.ask(self.wall, gb) for _ in range(callers))
        assert Counter(self.pool.map(lambda _: self.ask(gb), range(callers))) == expected
        if expected[Reason.NONE]:
            self.model.failures = 0

    @rule(seconds=st.sampled_from([1, 60, 299, 300, 6 * 3600, DAY_SECONDS]))
    def wait(self, seconds):
        self.second += seconds
        self.world.now += seconds * SECOND

    @rule()
    def reset(self):
        if self.world.operations().reset(self.kind, actor="ann", reason="CHG-1"):
            self.model.count = self.model.total = self.model.failures = 0
            self.model.last = None
            self.ran.clear()

    @invariant()
    def the_state_is_the_models_and_no_limit_is_passed(self):
        if self.model.day < 0:
            return
        state = self.world.store.state(self.kind)
        assert (state.count, state.total_gb) == (self.model.count, Decimal(self.model.total))
        assert state.failures == self.model.failures
        assert self.ran[self.model.day] == state.count <= self.model.rate_limit
        assert state.total_gb <= self.model.cap


@pytest.fixture
def machine(world: GuardrailWorld) -> Iterator[type[Machine]]:
    with ThreadPoolExecutor(6) as pool:
        yield type("WiredMachine", (Machine,), {"world": world, "pool": pool})


def test_the_guardrail_decides_as_the_model_does(machine: type[Machine]) -> None:
    run_state_machine_as_test(machine, settings=settings(stateful_step_count=20))
