"""Checks are run one after the other, and none hides another."""

from __future__ import annotations

import threading
import time

import pytest
from fsxn_runtime.canary.model import Check, CheckName
from fsxn_runtime.canary.runner import NotInTimeError, bounded, run_all
from hypothesis import given, settings
from hypothesis import strategies as st

BUDGET_SECONDS = 0.05
SLACK_SECONDS = 1.0  # for all checks together, on a loaded machine


class StrangeError(BaseException):
    """Not even an Exception."""


def returns() -> str:
    return "fine"


def raises() -> str:
    raise ValueError("not fine")


def leaves() -> str:
    raise SystemExit(3)


def breaks() -> str:
    raise StrangeError


def hangs() -> str:
    threading.Event().wait(5)
    return "late"


def spins() -> str:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        pass
    return "late"


BEHAVIOURS = {returns: "fine", raises: ValueError, leaves: SystemExit, breaks: StrangeError, hangs: None}


def check(behaviour, number: int) -> Check:
    return Check(CheckName.ONTAP_HEALTH, str(number), behaviour)


@settings(max_examples=30, deadline=None)
@given(behaviours=st.lists(st.sampled_from(list(BEHAVIOURS)), max_size=6))
def test_every_check_has_one_outcome_within_its_time_whatever_the_others_do(behaviours):
    checks = [check(behaviour, number) for number, behaviour in enumerate(behaviours)]
    started = time.monotonic()
    outcomes = run_all(checks, BUDGET_SECONDS)
    spent = time.monotonic() - started
    assert [outcome.check for outcome in outcomes] == checks
    for behaviour, outcome in zip(behaviours, outcomes, strict=True):
        expected = BEHAVIOURS[behaviour]
        assert outcome.ok == (expected == "fine")
        assert outcome.said == (expected if outcome.ok else "")
        assert outcome.timed_out == (behaviour is hangs)
        assert expected in ("fine", None) or isinstance(outcome.error, expected)
        assert outcome.latency_ms >= (BUDGET_SECONDS * 1000 if outcome.timed_out else 0)
    assert spent < len(checks) * BUDGET_SECONDS + SLACK_SECONDS


def test_a_check_that_computes_for_ever_hides_nothing():
    late, fine = run_all([check(spins, 1), check(returns, 2)], BUDGET_SECONDS)
    assert late.timed_out
    assert fine.ok


def test_a_late_answer_changes_nothing():
    release = threading.Event()

    def late() -> str:
        release.wait(5)
        return "late"

    (outcome,) = run_all([check(late, 1)], BUDGET_SECONDS)
    release.set()
    assert (outcome.timed_out, outcome.said) == (True, "")


def test_bounded_gives_raises_or_is_not_in_time():
    assert bounded(lambda: 7, 1) == 7
    with pytest.raises(ValueError, match="not fine"):
        bounded(raises, 1)
    with pytest.raises(NotInTimeError, match=r"0\.05 s"):
        bounded(hangs, BUDGET_SECONDS)
