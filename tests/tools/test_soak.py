"""The soak finds what it is there to find: lost and invented events, growth; and passes without them."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.soak import __main__ as command
from tools.soak import run
from tools.soak.ledger import Account, Ledger, Written
from tools.soak.memory import ALLOWED_MB, Sample, Verdict, judge
from tools.soak.plan import many


@given(st.data())
def test_what_was_acknowledged_and_did_not_arrive_is_a_debt_and_nothing_else_is(data: st.DataObject) -> None:
    """Connections one after the other, each acknowledged up to some byte; any events arrive, any times."""
    ledger, owed, number = Ledger(1), set[int](), 0
    for sizes in data.draw(st.lists(st.lists(st.integers(1, 50), max_size=8), max_size=4)):
        connection, ends = Written(ledger.next_number(0)), list(itertools.accumulate(sizes, initial=10))[1:]
        for end in ends:
            ledger.write(0, connection, end)
        acknowledged = data.draw(st.integers(0, sum(sizes) + 20))
        owed |= {number + place for place, end in enumerate(ends) if end <= acknowledged}
        number += len(sizes)
        ledger.acknowledge(0, connection, acknowledged)
    arrivals = Counter(data.draw(st.lists(st.integers(0, number + 2), max_size=30)))
    for event in arrivals.elements():
        ledger.arrive(0, event)
    sent = {event for event in arrivals if event < number}
    assert ledger.account() == Account(
        written=number,
        owed=len(owed),
        arrived=len(sent),
        repeated=sum(arrivals[event] - 1 for event in sent),
        not_sent=sum(count for event, count in arrivals.items() if event >= number),
        debts=[(0, event) for event in sorted(owed - sent)],
    )
    assert ledger.has_debts == bool(owed - sent)


def life(megabytes: list[float], first: int = 0, number: int = 1) -> list[Sample]:
    """One sample a second."""
    return [Sample(first + place, number, value) for place, value in enumerate(megabytes)]


def test_steady_memory_is_no_growth_and_a_slope_is() -> None:
    steady = judge(life([60.0 + second % 7 for second in range(300)]))
    assert (steady.is_judged, steady.grows, steady.peak_mb) == (True, False, 66.0)
    slope = judge(life([60.0 + second * 0.1 for second in range(300)]))
    assert slope.grows
    assert judge(life([60.0] * 100 + [151.0] + [60.0] * 200)).peak_mb == 151


def test_only_the_longest_life_is_judged_and_only_after_warming_up() -> None:
    """Each new process begins small; that is no growth. Nor is what a process takes in its first seconds."""
    lives = life([20.0, 60.0, 60.0] * 10, number=1) + life([20.0] * 20 + [60.0] * 200, first=40, number=2)
    assert judge(lives) == Verdict(True, 60.0, 60.0, 60.0)
    assert not judge(life([20.0] * 60)).is_judged


@given(st.floats(10, 100), st.floats(0, 3))
def test_growth_is_told_beyond_what_buffers_explain(early: float, factor: float) -> None:
    late = early * factor
    verdict = judge(life([early] * 130 + [late] * 200))
    assert verdict.grows == (late > early * 1.1 + ALLOWED_MB)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """One restart, one outage, and a debt is believed soon."""
    for name, value in (("RESTARTS", 1), ("OUTAGES", 1), ("OUTAGE_SHARE", 0.2), ("SETTLE_SECONDS", 5.0)):
        monkeypatch.setattr(run, name, value)


def quiet(line: str) -> None:
    assert "MB" in line


@pytest.mark.usefixtures("short")
def test_a_short_soak_is_passed_with_every_kind_of_node(tmp_path: Path) -> None:
    outcome = run.soak(run.mixed(8), 20261126, tmp_path, quiet)
    assert outcome.failures == []
    assert outcome.account.owed > 300
    assert outcome.restarts == 1
    assert outcome.sessions >= 4 + 4  # each node before and after the restart
    assert outcome.fates.keys() >= {"answered", "away"}
    assert json.loads(json.dumps(run.report(outcome)))["debts"] == 0


def test_so_many_events_all_arrive_though_a_tenth_of_the_entries_is_refused_and_the_queue_goes_away(
    tmp_path: Path,
) -> None:
    """As `make soak EVENTS=1000000`, small: the queue is away for a second in the middle."""
    plan = replace(many(6000), outage=(600, 1.0))
    outcome = run.soak(plan, 3, tmp_path, quiet)
    assert outcome.failures == []
    assert outcome.account.written == outcome.account.owed == outcome.account.arrived == 6000
    assert outcome.fates["away"] > 0
    refused, accepted = outcome.entries["refused"], outcome.entries["accepted"]
    assert 0.05 < refused / (refused + accepted) < 0.16


@pytest.mark.usefixtures("short")
def test_one_event_that_the_queue_forgot_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive = Ledger.arrive

    def forget_one(self: Ledger, node: int, number: int) -> None:
        if (node, number) != (3, 20):
            arrive(self, node, number)

    monkeypatch.setattr(Ledger, "arrive", forget_one)
    outcome = run.soak(run.mixed(6), 1, tmp_path, quiet)
    assert outcome.account.debts == [(3, 20)]
    assert outcome.failures == ["1 events were acknowledged and never arrived"]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 0),
        ({"account": Account(9, 9, 8, 0, 0, [(0, 1)])}, 1),
        ({"account": Account(9, 9, 9, 0, 1, [])}, 1),
        ({"account": Account(0, 0, 0, 0, 0, [])}, 1),
        ({"memory": Verdict(True, 60.0, 90.0, 90.0)}, 1),
        ({"memory": Verdict(False, 0.0, 0.0, 151.0)}, 1),
        ({"left_on_spool": 1}, 1),
        ({"wrong_exits": [-9]}, 1),
    ],
)
def test_the_exit_status_says_whether_anything_is_wrong(
    changed: dict[str, Any],
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    passed = {
        "account": Account(9, 9, 9, 1, 0, []),
        "memory": Verdict(True, 60.0, 61.0, 70.0),
        "left_on_spool": 0,
        "wrong_exits": [],
    }
    rest = {"seconds": 600, "samples": [], "rate": 1.0, "restarts": 4, "cuts": 9, "sessions": 9}
    counts = {"spooled": 5, "quarantined": 0, "fates": {}, "entries": {}, "most_mb": 150.0}
    outcome = run.Outcome(**rest, **counts, **{**passed, **changed})  # type: ignore[arg-type]
    monkeypatch.setattr(command, "soak", lambda *_, **__: outcome)
    monkeypatch.setattr(command, "DIRECTORY", tmp_path / "soak")
    monkeypatch.setattr("sys.argv", ["soak", "--seconds", "10", "--seed", "7"])
    assert command.main() == status
    said = capsys.readouterr()
    assert bool(said.err) == bool(status)
    assert json.loads((tmp_path / "soak.json").read_text())["seed"] == 7
