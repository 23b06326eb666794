"""Decisions of the guardrail, without a store."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.guardrails import core
from fsxn_runtime.guardrails.model import (
    MAX_REQUEST_GB,
    Action,
    Limits,
    Mode,
    Outcome,
    Reason,
    Reservation,
    State,
    Verdict,
)
from hypothesis import given
from hypothesis import strategies as st

T0 = 1_769_860_800_000_000  # 2026-01-31T12:00:00Z
ACTION = Action("grow", "id-1", Decimal(10), T0, Mode.ENFORCE, "nonce")
LIMITS = Limits(10, Decimal(500), 300, 3)
sizes = st.decimals(min_value="0.000001", max_value=MAX_REQUEST_GB, allow_nan=False)


@given(size=sizes | st.floats(0.000001, 2**30))
def test_a_size_is_rounded_up_never_down(size):
    rounded = core.checked_gb(size)
    assert Decimal(str(size)) <= rounded < Decimal(str(size)) + Decimal("0.000001")
    assert core.checked_gb(rounded) == rounded


@given(value=st.floats() | st.integers() | st.text() | st.none() | st.booleans() | st.decimals())
def test_any_value_is_a_usable_size_or_rejected(value):
    try:
        size = core.checked_gb(value)
    except RejectedError as error:
        assert error.code == "wrong_size"
        assert len(str(error)) < 250
    else:
        assert 0 < size <= MAX_REQUEST_GB


@given(value=st.text(max_size=300) | st.integers())
def test_any_type_and_id_is_usable_as_a_key_or_rejected(value):
    for check in (core.checked_type, core.checked_id):
        try:
            accepted = check(value)
        except RejectedError:
            continue
        assert accepted == value
        assert "#" not in accepted
        assert "\n" not in accepted


def test_a_context_is_short_whatever_the_caller_says():
    assert core.checked_context({"a" * 999: "b" * 999}) == {"a" * 200: "b" * 200}
    with pytest.raises(RejectedError, match="21 entries"):
        core.checked_context({str(number): "" for number in range(21)})


@given(
    count=st.integers(0, 20),
    total=st.integers(0, 600),
    ago=st.integers(-10, 1000),
    failures=st.integers(0, 5),
    days=st.integers(0, 2),
)
def test_an_allowed_action_never_passes_a_limit(count, total, ago, failures, days):
    action = replace(ACTION, at_us=T0 + days * 86_400_000_000)
    state = State("grow", "2026-01-31", Decimal(total), count, action.at_us - ago * 1_000_000, failures)
    if core.judge(state, action, LIMITS) is Reason.NONE:
        assert ago >= LIMITS.cooldown_seconds
        assert failures < LIMITS.max_failures
        if days == 0:
            assert count < LIMITS.actions_per_day
            assert total + 10 <= LIMITS.daily_cap_gb


def test_without_limits_only_a_repeated_id_is_stopped():
    used = State("grow", "2026-01-31", Decimal(999), 99, T0, 9)
    assert core.judge(used, ACTION, None) is Reason.NONE
    for outcome in Outcome:
        repeated = replace(used, reservations={"id-1": Reservation(ACTION, outcome)})
        expected = Reason.IN_PROGRESS if outcome is Outcome.OPEN else Reason.REPEATED
        assert core.judge(repeated, ACTION, None) is expected
        assert core.is_own(repeated, ACTION)
        assert not core.is_own(repeated, replace(ACTION, nonce="other"))


def test_only_settled_actions_are_forgotten_and_the_oldest_first():
    many = core.REMEMBER_COUNT + 2
    reservations = {
        f"id-{number}": Reservation(replace(ACTION, at_us=T0 + number), Outcome.EXECUTED)
        for number in range(many)
    }
    reservations["open"] = Reservation(replace(ACTION, at_us=0), Outcome.OPEN)
    state = State("grow", "2026-01-31", reservations=reservations)
    assert core.forgettable(state, T0 + many) == ["id-0", "id-1"]
    assert len(core.forgettable(state, T0 + many + core.REMEMBER_US)) == core.FORGET_COUNT


@pytest.mark.parametrize(
    ("mode", "verdict"),
    [
        (Mode.DRY_RUN, Verdict.ALLOWED),
        (Mode.ENFORCE, Verdict.DENIED),
        (Mode.BREAK_GLASS, Verdict.BYPASSED),
    ],
)
def test_without_a_store_only_enforce_denies(mode, verdict):
    assert core.without_store(mode).verdict is verdict


@pytest.mark.parametrize("seconds", [29, 4 * 3600 + 1, -1])
def test_a_grant_lasts_from_half_a_minute_to_four_hours(seconds):
    with pytest.raises(RejectedError, match="seconds"):
        core.new_grant(grant_id="g", actor="ann", reason="INC-1", seconds=seconds, now_us=T0)


@pytest.mark.parametrize(("actor", "reason"), [("", "INC-1"), ("ann", " ")])
def test_a_grant_has_an_actor_and_a_reason(actor, reason):
    with pytest.raises(RejectedError, match="actor"):
        core.new_grant(grant_id="g", actor=actor, reason=reason, seconds=60, now_us=T0)


def test_a_grant_is_live_until_its_end_exactly():
    grant = core.new_grant(grant_id="g", actor="ann", reason="INC-1", seconds=60, now_us=T0)
    assert core.is_live(grant, T0 + 59_999_999)
    assert not core.is_live(grant, T0 + 60_000_000)
    assert not core.is_live(None, T0)
