"""The lock and the memory of the reconciler, on the local AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fsxn_runtime.errors import TransientError
from fsxn_runtime.fpolicy import store
from fsxn_runtime.fpolicy.store import LEASE_US, Lock, Memory
from fsxn_runtime.fpolicy.watch import EmsPosition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.cloud.emulator import Emulator
from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.reconcile_table import create_reconcile_table

TABLE = "reconcile"


class Clock:
    """The clock of all runs; it begins somewhere."""

    now_us = 1_000_000_000

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(store, "now_us", made)
    return made


@pytest.fixture
def dynamodb(emulator: Emulator) -> Iterator[Any]:  # noqa: F811
    client = emulator.client("dynamodb")
    create_reconcile_table(client, TABLE)
    yield client
    client.delete_table(TableName=TABLE)


@pytest.fixture
def memory(dynamodb: Any) -> Memory:
    return Memory(dynamodb, TABLE)


# the lock --------------------------------------------------------------------------------------------


@dataclass
class LockModel:
    """Who has the lock, and until when: what a lock with a lease is, and nothing of how it is kept."""

    owner: str = ""
    until_us: int = 0

    def may_take(self, who: str, now_us: int) -> bool:
        return self.owner in ("", who) or self.until_us < now_us


_moves = st.tuples(
    st.sampled_from(["one", "two", "three"]),
    st.sampled_from(["take", "renew", "release"]),
    st.sampled_from([0, 1, LEASE_US // 2, LEASE_US, LEASE_US + 1]),
)


@given(st.lists(_moves, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_lock_has_one_owner_at_a_time_whatever_the_runs_do(
    dynamodb: Any, clock: Clock, moves: list[tuple[str, str, int]]
) -> None:
    dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "LOCK"}})
    model = LockModel()
    for who, what, pause_us in moves:
        clock.now_us += pause_us
        lock = Lock(dynamodb, TABLE, who)
        may = model.may_take(who, clock.now_us)
        if what == "release":
            lock.release()
            model = LockModel() if model.owner == who else model
            continue
        assert _got(lock, what) is may
        if may:
            model = LockModel(who, clock.now_us + LEASE_US)


def _got(lock: Lock, what: str) -> bool:
    if what == "take":
        return lock.take()
    try:
        lock.renew()
    except TransientError as exc:
        assert exc.code == "lock_lost"
        return False
    return True


def test_a_lock_is_free_the_moment_after_its_lease(dynamodb: Any, clock: Clock) -> None:
    assert Lock(dynamodb, TABLE, "dead").take()
    other = Lock(dynamodb, TABLE, "other")
    clock.now_us += LEASE_US
    assert not other.take()
    clock.now_us += 1
    assert other.take()


# the memory ------------------------------------------------------------------------------------------


def test_what_is_wanted_is_given_back_by_name_until_it_is_forgotten(memory: Memory) -> None:
    document = {"svm": "svm1", "guard": True, "events": {"a": [1, "é"]}}
    memory.keep_wanted("one", document)
    memory.keep_wanted("two", {"svm": "svm2"})
    assert memory.wanted() == {"one": document, "two": {"svm": "svm2"}}
    memory.keep_wanted("one", {"svm": "svm3"})
    memory.forget("two")
    memory.forget("two")
    assert memory.wanted() == {"one": {"svm": "svm3"}}


def test_lock_and_position_are_no_svms(memory: Memory, dynamodb: Any) -> None:
    Lock(dynamodb, TABLE, "me").take()
    memory.keep_ems(EmsPosition("2026-11-26T01:00:00+00:00", frozenset({"n/1"})))
    assert memory.wanted() == {}


def test_a_late_run_does_not_bring_back_what_was_removed(memory: Memory) -> None:
    memory.keep_wanted("one", {"svm": "svm1"})
    memory.forget("one")
    memory.keep_svm("one", 5, 6)
    assert memory.wanted() == {}


def test_wanted_states_that_fill_more_than_a_page_are_all_given(memory: Memory) -> None:
    """A scan answers at most 1 MB at once (DynamoDB API reference)."""
    large = {"pem": "x" * 300_000}
    for number in range(5):
        memory.keep_wanted(f"svm{number}", large)
    assert sorted(memory.wanted()) == [f"svm{number}" for number in range(5)]


@given(good_us=st.integers(0, 2**53), lost_us=st.none() | st.integers(0, 2**53))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_both_times_are_remembered_and_leave_what_is_wanted_alone(
    memory: Memory, good_us: int, lost_us: int | None
) -> None:
    memory.keep_wanted("one", {"svm": "svm1"})
    memory.keep_svm("one", good_us, lost_us)
    assert memory.svm("one") == (good_us, lost_us)
    assert memory.wanted() == {"one": {"svm": "svm1"}}


def test_an_svm_that_was_never_seen_has_no_times(memory: Memory) -> None:
    assert memory.svm("one") == (0, None)


@pytest.mark.parametrize("keys", [frozenset[str](), frozenset({"node-1/5", "node-2/7"})])
def test_the_position_in_ontaps_log_is_remembered(memory: Memory, keys: frozenset[str]) -> None:
    assert memory.ems() == EmsPosition()
    memory.keep_ems(EmsPosition("2026-11-26T01:00:00+00:00", frozenset({"older/1"})))
    memory.keep_ems(EmsPosition("2026-11-26T01:00:09+00:00", keys))
    assert memory.ems() == EmsPosition("2026-11-26T01:00:09+00:00", keys)
