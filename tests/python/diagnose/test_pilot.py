"""The pilot's conclusions: each unknown is answered by what the events say, either way, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from fsxn_runtime.diagnose import NOT_SEEN, Operation, PilotRun, conclude
from fsxn_runtime.events import format_timestamp

START_US = 1_800_000_000_000_000
SECOND = 1_000_000
SKEW_US = 7 * SECOND  # ONTAP's clock is ahead of the machine that made the files
LIVE = Operation("/pilot/live", START_US, is_away=False)
AWAY = tuple(Operation(f"/pilot/away-{n:02}", START_US + n * SECOND, is_away=True) for n in range(10, 16))
BACK_US = START_US + 60 * SECOND


def event(operation: Operation, **changes: Any) -> dict[str, Any]:
    """The event of a creation: with its time by ONTAP's clock, read by the server when it is back."""
    return {
        "event_type": "FILE_CREATE",
        "file_path": f"/vol1{operation.path}",
        "timestamp": format_timestamp(operation.at_us + SKEW_US),
        "received_at": format_timestamp(BACK_US + 9 * SECOND),
        "session_id": f"session-{AWAY.index(operation) % 2 if operation.is_away else 0}",
        "sequence_number": operation.at_us // SECOND,
        "policy_name": "lab",
        **changes,
    }


def run(events: Iterable[dict[str, Any]], **changes: Any) -> PilotRun:
    known = PilotRun((LIVE, *AWAY), tuple(events), "/vol1", "volume", BACK_US, BACK_US + 5 * SECOND)
    return replace(known, **changes)


def answers(run: PilotRun) -> dict[str, str]:
    """Answer by the first words of its question."""
    return {" ".join(each.question.split()[:3]): each.answer for each in conclude(run)}


ALL = [event(each) for each in (LIVE, *AWAY)]


def test_what_the_references_expect_is_concluded() -> None:
    assert answers(run(ALL)) == {
        "Does a path": "volume",
        "Does the Persistent": "6 of 6",
        "Does a replayed": "original",
        "In which order": "in order",
        "Do two policies": "not run",
        "How long until": "4 s to the first replayed event",
        "Does ONTAP connect": "not run",
        "Which type of": "not run",
        "What does a": "not run",
        "What follows when": "not run",
        "Which bytes does": "not run",
    }


def test_a_replay_that_stamps_anew_is_told_from_one_that_keeps_times_even_with_clocks_apart() -> None:
    anew = [event(each, timestamp=format_timestamp(BACK_US + SKEW_US + 8 * SECOND)) for each in AWAY]
    assert answers(run([event(LIVE), *anew]))["Does a replayed"] == "replay"
    some = [*anew[:2], *ALL[3:]]
    assert answers(run([event(LIVE), *some]))["Does a replayed"] == "some do"
    slow_us = -3600 * SECOND  # ONTAP's clock is an hour behind
    live = event(LIVE, timestamp=format_timestamp(LIVE.at_us + slow_us))
    kept = [event(each, timestamp=format_timestamp(each.at_us + slow_us)) for each in AWAY]
    assert answers(run([live, *kept]))["Does a replayed"] == "original"
    late = [event(each, timestamp=format_timestamp(BACK_US + slow_us + 8 * SECOND)) for each in AWAY]
    assert answers(run([live, *late]))["Does a replayed"] == "replay"


def test_the_order_is_that_of_each_session_alone() -> None:
    """Two nodes replay side by side: between them there is no order to keep."""
    shuffled = [event(each, sequence_number=100 - each.at_us // SECOND % 10) for each in AWAY]
    assert answers(run([event(LIVE), *shuffled]))["In which order"] == "not in order"
    apart = [event(each, sequence_number=n // 2 + 50 * (n % 2)) for n, each in enumerate(AWAY)]
    assert answers(run([event(LIVE), *apart]))["In which order"] == "in order"


@pytest.mark.parametrize(
    ("setting", "begins", "answer"),
    [
        ("volume", "/vol1", "volume"),
        ("volume", "/vol1/vol1", "namespace"),
        ("namespace", "/vol1", "namespace"),
        ("namespace", "", "volume"),
        ("volume", "/other", "neither"),
    ],
)
def test_where_paths_begin_follows_from_the_servers_setting(setting: str, begins: str, answer: str) -> None:
    events = [event(each, file_path=f"{begins}{each.path}") for each in (LIVE, *AWAY)]
    assert answers(run(events, path_root=setting))["Does a path"] == answer


@pytest.mark.parametrize(("later_us", "answer"), [(0, "same"), (1, "own")])
def test_two_policies_are_compared_where_both_told_of_a_file(later_us: int, answer: str) -> None:
    twice = event(
        AWAY[0], policy_name="lab_guard", timestamp=format_timestamp(AWAY[0].at_us + SKEW_US + later_us)
    )
    assert answers(run([*ALL, twice]))["Do two policies"] == answer


def test_without_events_nothing_is_concluded() -> None:
    assert set(answers(run([])).values()) == {NOT_SEEN, "0 of 6", "not run"}


def test_events_of_others_and_other_operations_count_for_nothing() -> None:
    foreign = [
        event(LIVE, file_path="/vol1/someone"),
        event(AWAY[0], event_type="FILE_WRITE", policy_name="x"),
    ]
    assert answers(run([*ALL, *foreign])) == answers(run(ALL))
