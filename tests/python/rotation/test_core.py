"""Decisions of a rotation: what comes next, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fsxn_runtime.errors import MisconfiguredError, RejectedError
from fsxn_runtime.rotation import core
from fsxn_runtime.rotation.model import (
    CURRENT,
    PENDING,
    PREVIOUS,
    US_PER_DAY,
    US_PER_SECOND,
    Account,
    Description,
    Finish,
    Limits,
    Login,
    Memory,
    Move,
    MoveKind,
    Request,
    Step,
    Version,
)
from hypothesis import given
from hypothesis import strategies as st

LIMITS = Limits(refused_logins=4, pause_seconds=30)
SECRET = Description(
    arn="arn:secret",
    is_rotation_on=True,
    stages={"new": frozenset({PENDING}), "now": frozenset({CURRENT}), "old": frozenset({PREVIOUS})},
    memory=Memory(),
    created_us=0,
)
REQUEST = Request(Step.SET, "arn:secret", "new")


def staged(*stages: str) -> Description:
    return replace(SECRET, stages={**SECRET.stages, "new": frozenset(stages)})


def version(**values: str) -> Version:
    return Version(
        "v", json.dumps({"username": "ann", "management_ip": "10.0.0.1", "password": "p", **values})
    )


def test_the_checks_let_the_pending_version_pass() -> None:
    assert core.is_done(SECRET, REQUEST) is False


def test_a_version_that_is_current_is_done() -> None:
    assert core.is_done(staged(CURRENT, PENDING), REQUEST) is True


@pytest.mark.parametrize(
    ("description", "code"),
    [
        (replace(SECRET, is_rotation_on=False), "rotation_off"),
        (replace(SECRET, stages={"now": frozenset({CURRENT})}), "unknown_version"),
        (staged(PREVIOUS), "not_pending"),
        (staged(), "not_pending"),
    ],
)
def test_the_checks_refuse_everything_else(description: Description, code: str) -> None:
    with pytest.raises((MisconfiguredError, RejectedError)) as refused:
        core.is_done(description, REQUEST)
    assert refused.value.code == code


@pytest.mark.parametrize("name", ["create_secret", "CreateSecret", "", None, 5])
def test_only_the_four_names_in_camel_case_are_steps(name: object) -> None:
    with pytest.raises(RejectedError, match="Step is"):
        Request.from_event({"Step": name, "SecretId": "s", "ClientRequestToken": "t"})


@pytest.mark.parametrize("missing", ["SecretId", "ClientRequestToken"])
def test_an_event_without_a_part_is_refused(missing: str) -> None:
    event = {"Step": "setSecret", "SecretId": "s", "ClientRequestToken": "t"}
    with pytest.raises(RejectedError, match=missing):
        Request.from_event({**event, missing: ""})


def test_the_rotation_token_is_kept_and_not_shown() -> None:
    event = {"Step": "setSecret", "SecretId": "s", "ClientRequestToken": "t", "RotationToken": "hidden"}
    request = Request.from_event(event)
    assert request.rotation_token == "hidden"
    assert "hidden" not in repr(request)


@given(
    available=st.lists(st.sampled_from(core.ORDER), unique=True).map(
        lambda s: sorted(s, key=core.ORDER.index)
    ),
    answers=st.dictionaries(st.sampled_from(core.ORDER), st.sampled_from(Login)),
)
def test_every_state_of_logins_has_one_next_move(available: list[str], answers: dict[str, Login]) -> None:
    move = core.next_move(available, answers)
    before = available[: available.index(move.stage)] if move.stage else available
    assert all(answers.get(stage) is Login.REFUSED for stage in before)
    match move.kind:
        case MoveKind.TRY:
            assert move.stage not in answers
        case MoveKind.DONE:
            assert move.stage == PENDING and answers[PENDING] is Login.ACCEPTED
        case MoveKind.CHANGE:
            assert move.stage != PENDING and answers[move.stage] is Login.ACCEPTED
        case MoveKind.STUCK:
            assert move.stage == ""


def test_the_pending_password_is_tried_first() -> None:
    assert core.next_move(core.ORDER, {}) == Move(MoveKind.TRY, PENDING)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [((PENDING,), Finish.PROMOTE), ((CURRENT, PENDING), Finish.CLEAN), ((CURRENT,), Finish.NOTHING)],
)
def test_finishing_promotes_then_cleans_then_rests(stages: tuple[str, ...], expected: Finish) -> None:
    assert core.finish(staged(*stages), REQUEST) is expected


@pytest.mark.parametrize("name", ["username", "management_ip", "ontap_mgmt_ip"])
def test_a_pending_version_of_another_account_or_address_is_refused(name: str) -> None:
    with pytest.raises(MisconfiguredError, match=name):
        core.require_same_account(version(password="q", **{name: "other"}), version())


def test_a_pending_version_with_the_current_password_is_refused() -> None:
    with pytest.raises(MisconfiguredError, match="nothing would change"):
        core.require_same_account(version(), version())
    core.require_same_account(version(password="q"), version())


@given(refused=st.integers(0, 10), ago_seconds=st.integers(-100, 1000), tried=st.integers(0, 3))
def test_refused_logins_stay_below_the_limit_and_apart(refused: int, ago_seconds: int, tried: int) -> None:
    memory = Memory(refused=refused, refused_at_us=1000 * US_PER_SECOND)
    now_us = (1000 + ago_seconds) * US_PER_SECOND
    if refused >= LIMITS.refused_logins:
        with pytest.raises(MisconfiguredError, match="is the limit"):
            core.pause_before_attempt(memory, now_us, LIMITS, tried)
        return
    pause = core.pause_before_attempt(memory, now_us, LIMITS, tried)
    assert pause == (0 if tried or not refused else min(max(30 - ago_seconds, 0), 30))


def test_an_attempt_counts_before_it_is_made_and_a_success_forgets() -> None:
    begun = core.attempt_begun(Memory(refused=1, cluster_uuid=""), 5)
    assert (begun.refused, begun.refused_at_us) == (2, 5)
    done = core.attempt_accepted(begun, "c1")
    assert (done.refused, done.cluster_uuid) == (0, "c1")
    assert core.attempt_accepted(done, "c2").cluster_uuid == "c1"


def test_another_cluster_than_the_known_one_is_refused() -> None:
    core.require_cluster("", "c1")
    core.require_cluster("c1", "c1")
    with pytest.raises(MisconfiguredError, match="expected is c1"):
        core.require_cluster("c1", "c2")


ANN = Account("ann", "cluster-uuid", "cluster", is_locked=False, has_password_login=True)


def test_the_file_systems_account_comes_before_those_of_svms() -> None:
    svm = replace(ANN, owner_uuid="svm-uuid", scope="svm")
    assert core.choose_account([svm, ANN], "ann") == ANN
    assert core.choose_account([svm], "ann") == svm


@pytest.mark.parametrize(
    ("accounts", "code"),
    [
        ([], "unknown_account"),
        ([replace(ANN, name="bob")], "unknown_account"),
        (
            [replace(ANN, scope="svm", owner_uuid="a"), replace(ANN, scope="svm", owner_uuid="b")],
            "unknown_account",
        ),
        ([replace(ANN, is_locked=True)], "account_locked"),
        ([replace(ANN, has_password_login=False)], "no_password_login"),
    ],
)
def test_an_account_whose_password_cannot_be_used_is_refused(accounts: list[Account], code: str) -> None:
    with pytest.raises(MisconfiguredError) as refused:
        core.choose_account(accounts, "ann")
    assert refused.value.code == code


def test_a_refused_password_leads_to_a_stronger_one_unless_it_only_was_used_before() -> None:
    assert core.after_refused_password(Memory(), "7077921", 2).strength == 1
    assert core.after_refused_password(Memory(strength=2), "7077924", 2).strength == 2
    with pytest.raises(MisconfiguredError, match="strongest"):
        core.after_refused_password(Memory(strength=2), "7077919", 2)


def test_fsx_recovers_fsxadmin_alone() -> None:
    core.require_fsx_recovery("fsxadmin")
    with pytest.raises(RejectedError, match="fsxadmin alone"):
        core.require_fsx_recovery("ann")


@given(
    memory=st.builds(
        Memory,
        refused=st.integers(0, 99),
        refused_at_us=st.integers(0, 2**53),
        strength=st.integers(0, 2),
        cluster_uuid=st.uuids().map(str) | st.just(""),
        result=st.sampled_from(["", "setSecret:all_refused", "finishSecret:ok"]),
    )
)
def test_memory_is_read_as_it_was_written_and_fits_a_tag(memory: Memory) -> None:
    text = memory.to_text()
    assert Memory.from_text(text) == memory
    assert len(text) <= 256


def test_a_memory_that_somebody_spoilt_stops_logins() -> None:
    assert Memory.from_text("refused=many").refused >= LIMITS.refused_logins


def test_status_counts_from_the_last_rotation_and_tells_of_an_unfinished_one() -> None:
    rotated = replace(SECRET, rotated_us=2 * US_PER_DAY, schedule="every 90 days")
    status = core.status_of(rotated, 12 * US_PER_DAY, 11 * US_PER_DAY)
    assert (status.age_days, status.unfinished_hours) == (10, 24)
    assert status.stages == {CURRENT: "now", PENDING: "new", PREVIOUS: "old"}
    ended = replace(SECRET, stages={"now": frozenset({CURRENT, PENDING})})
    assert core.status_of(ended, US_PER_DAY, 0).unfinished_hours is None


@pytest.mark.parametrize("text", ["", "no json", "[]", "[" * 100_000])
def test_a_value_that_is_no_object_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(MisconfiguredError) as refused:
        Version("v", text).data()
    assert refused.value.__cause__ is None or text not in str(refused.value.__cause__)
    assert "no JSON object" in str(refused.value)
