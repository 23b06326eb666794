"""A switch is turned once, seen turned, and waited for while Lambda is busy with it."""

from __future__ import annotations

import pytest
from fsxn_runtime.errors import TransientError
from fsxn_runtime.pause import Backlog, Switch, Switcher, hours_left
from hypothesis import given
from hypothesis import strategies as st

from tests.support.workload_world import MemorySwitches


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def switcher(switches: MemorySwitches) -> Switcher:
    clock = Clock()
    return Switcher(switches, clock.now, clock.sleep)


@given(asked=st.lists(st.booleans(), min_size=1, max_size=6), looks=st.integers(0, 5))
def test_after_any_turns_the_switch_stands_where_it_was_asked_for_last(asked: list[bool], looks: int) -> None:
    """And turning it where it stands already is no turn."""
    switches = MemorySwitches("a", "b", looks=looks)
    turned = [switcher(switches).turn("a", on=on) for on in asked]
    assert switches.at == {"a": Switch.ON if asked[-1] else Switch.OFF, "b": Switch.ON}
    before = [True, *asked[:-1]]
    assert turned == [on is not was for on, was in zip(asked, before, strict=True)]
    assert switches.turns == sum(turned)


def test_a_switch_that_does_not_get_there_is_said_so_within_five_minutes() -> None:
    switches = MemorySwitches("a", looks=1000)
    with pytest.raises(TransientError, match="a is changing after 300 s"):
        switcher(switches).turn("a", on=False)


@pytest.mark.parametrize(("oldest", "left"), [(None, None), (0, 336.0), (1_123_200, 24.0), (1_300_000, 0.0)])
def test_the_hours_left_are_those_of_the_oldest_event(oldest: int | None, left: float | None) -> None:
    assert hours_left(Backlog(1, 0, 0, 1_209_600, oldest)) == left
