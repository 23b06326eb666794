"""A redrive that dies anywhere loses no letter, and sends none of what it should not."""

from __future__ import annotations

import pytest
from fsxn_runtime.errors import TransientError
from fsxn_runtime.redrive import Choice, Kind, Letter, Outcome, Redriver
from hypothesis import given
from hypothesis import strategies as st

from tests.support.redrive_world import MemoryBox, MemoryTarget
from tests.support.workload_world import Crash, Steps

NOW = 1_000_000


class Clock:
    """Time that passes only in sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sent_at: list[float] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.sent_at.append(self.seconds)


def make(
    letters: list[Letter], steps: Steps | None = None
) -> tuple[Redriver, MemoryBox, MemoryTarget, Clock]:
    steps = steps or Steps()
    box, target, clock = MemoryBox(steps, letters), MemoryTarget(steps), Clock()
    redriver = Redriver(Kind.WORKLOAD, box, target, lambda: NOW, clock.now, clock.sleep)
    return redriver, box, target, clock


def some(count: int, **attributes: str) -> list[Letter]:
    return [Letter(f"m{number}", f"r{number}", "{}", attributes, 0) for number in range(count)]


@given(
    count=st.integers(0, 25),
    crashes=st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=3),
)
def test_a_letter_is_always_in_one_of_the_two_queues(count: int, crashes: list[tuple[int, bool]]) -> None:
    """Runs that die at any call, before or after its effect, then one that lives: everything arrived."""
    steps = Steps()
    redriver, box, target, _ = make(some(count), steps)
    everything = set(box.letters)
    for steps.until_crash, steps.after_effect in [*crashes, (None, False)]:
        try:
            list(redriver.run(Choice(execute=True)))
        except Crash:
            box.hidden.clear()  # what a dead run hid is visible again after two minutes
        assert everything == set(box.letters) | set(target.accepted)
    assert box.letters == {}
    assert len(target.accepted) <= count + len(crashes)  # each death repeats one letter at most


@given(count=st.integers(0, 40), limit=st.integers(1, 50), rate=st.integers(1, 100))
def test_no_more_than_the_limit_goes_back_and_no_faster_than_the_rate(
    count: int, limit: int, rate: int
) -> None:
    redriver, box, target, clock = make(some(count))
    done = list(redriver.run(Choice(execute=True, limit=limit, rate_per_second=rate)))
    assert len(done) == len(target.accepted) == min(count, limit)
    assert not box.hidden & box.letters.keys()
    gaps = [later - earlier for earlier, later in zip(clock.sent_at, clock.sent_at[1:], strict=False)]
    assert all(gap >= 1 / rate - 1e-9 for gap in gaps)


def test_without_yes_nothing_is_sent_and_everything_is_visible_again() -> None:
    redriver, box, target, _ = make(some(12))
    assert [done for _, _, done in redriver.run(Choice())] == [Outcome.LISTED] * 12
    assert (len(box.letters), box.hidden, target.accepted) == (12, set(), [])


def test_what_comes_back_while_it_runs_waits_for_the_next_run() -> None:
    redriver, box, target, _ = make([*some(1), Letter("new", "r", "{}", {}, NOW + 1)])
    list(redriver.run(Choice(execute=True)))
    assert target.accepted == ["m0"]
    assert (set(box.letters), box.hidden) == ({"new"}, set())


def test_a_queue_that_refuses_leaves_the_letter_where_it_was() -> None:
    redriver, box, target, _ = make(some(3))
    target.refuses = TransientError("busy")
    with pytest.raises(TransientError):
        list(redriver.run(Choice(execute=True)))
    assert (len(box.letters), box.hidden, target.accepted) == (3, set(), [])
