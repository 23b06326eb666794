"""Alarms' transitions as incidents: each begin with its end, also across the period's edges."""

from __future__ import annotations

from itertools import pairwise

from fsxn_runtime.report.period.incidents import (
    Incident,
    Standing,
    Transition,
    alarmed_us,
    incidents,
    to_dict,
)
from hypothesis import given
from hypothesis import strategies as st

START, END = 1_000_000, 9_000_000
STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")


def steps(*states: tuple[int, str], first: str = "OK", alarm: str = "a") -> list[Transition]:
    """The transitions of an alarm that was in `first` before: (second, state)."""
    before, found = first, []
    for second, state in states:
        found.append(Transition(alarm, second * 1_000_000, before, state, f"to {state}"))
        before = state
    return found


def standing(state: str, since_us: int = 0, *, tells: bool = True, alarm: str = "a") -> Standing:
    return Standing(alarm, state, since_us, "since then", "Says it. docs/runbooks/a-b.md", tells)


def test_an_incident_goes_from_alarm_to_the_next_other_state() -> None:
    found = incidents(steps((2, "ALARM"), (3, "OK"), (5, "ALARM"), (6, "INSUFFICIENT_DATA")), [], START, END)
    assert found == [
        Incident("a", 2_000_000, 3_000_000, "OK", "to ALARM"),
        Incident("a", 5_000_000, 6_000_000, "INSUFFICIENT_DATA", "to ALARM"),
    ]


def test_one_that_began_before_the_history_has_no_begin_and_one_that_goes_on_has_no_end() -> None:
    found = incidents(steps((2, "OK"), (4, "ALARM"), first="ALARM"), [standing("ALARM")], START, END)
    assert [(each.begin_us, each.end_us) for each in found] == [(None, 2_000_000), (4_000_000, None)]


def test_an_alarm_that_was_on_all_the_time_has_no_transition_and_is_an_incident() -> None:
    (found,) = incidents([], [standing("ALARM", 500_000), standing("OK", 0, alarm="b")], START, END)
    assert (found.alarm, found.begin_us, found.end_us) == ("a", 500_000, None)


def test_one_that_ends_after_the_period_has_its_end_and_one_that_begins_after_it_is_none() -> None:
    found = incidents(steps((8, "ALARM"), (12, "OK"), (13, "ALARM")), [], START, END)
    assert [(each.begin_us, each.end_us) for each in found] == [(8_000_000, 12_000_000)]


def test_history_may_come_in_any_order() -> None:
    ordered = steps((2, "ALARM"), (3, "OK"), (5, "ALARM"), (6, "OK"))
    assert incidents(reversed(ordered), [], START, END) == incidents(ordered, [], START, END)


def test_the_sum_counts_each_moment_once_and_only_within_the_period() -> None:
    found = [
        Incident("a", None, 3_000_000, "OK", ""),
        Incident("b", 2_000_000, 4_000_000, "OK", ""),
        Incident("c", 8_000_000, None, "", ""),
    ]
    assert alarmed_us(found, START, END) == 4_000_000


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 10_000_000), st.integers(0, 10_000_000)), max_size=8
    )
)
def test_the_sum_is_what_counting_moment_by_moment_gives(spans: list[tuple[str, int, int]]) -> None:
    found = [Incident(alarm, min(a, b), max(a, b), "OK", "") for alarm, a, b in spans]
    edges = sorted({START, END, *(edge for _, a, b in spans for edge in (a, b) if START < edge < END)})
    counted = sum(
        right - left
        for left, right in pairwise(edges)
        if any((each.begin_us or 0) <= left and right <= (each.end_us or 0) for each in found)
    )
    assert alarmed_us(found, START, END) == counted


@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from(STATES)), max_size=12),
    st.sampled_from(STATES),
)
def test_incidents_of_one_alarm_never_overlap(states: list[tuple[int, str]], first: str) -> None:
    found = incidents(steps(*sorted(states), first=first), [], START, END)
    for earlier, later in pairwise(found):
        assert earlier.end_us is not None
        assert later.begin_us is not None
        assert earlier.end_us <= later.begin_us


def test_what_tells_nobody_is_listed_and_not_summed() -> None:
    found = incidents(steps((2, "ALARM"), (3, "OK")), [], START, END)
    quiet = to_dict(found, {"a": standing("OK", tells=False)}, START, END)
    assert (quiet["alarmed_seconds"], quiet["incidents"][0]["tells"]) == (0.0, False)
    told = to_dict(found, {"a": standing("OK")}, START, END)
    assert told["alarmed_seconds"] == 1.0
    assert told["incidents"][0]["runbook"] == "docs/runbooks/a-b.md"
    assert told["incidents"][0]["description"] == "Says it."


def test_an_alarm_that_was_deleted_is_taken_for_one_that_told() -> None:
    found = to_dict(incidents(steps((2, "ALARM"), (3, "OK")), [], START, END), {}, START, END)
    assert (found["alarmed_seconds"], found["incidents"][0]["tells"]) == (1.0, True)
