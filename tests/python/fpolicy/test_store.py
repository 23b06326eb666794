"""The lock and the memory of the reconciler, on the local AWS."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.errors import FsxnError, TransientError
from fsxn_runtime.fpolicy import handler, store
from fsxn_runtime.fpolicy.store import LEASE_US, Lock, Logins, Memory
from fsxn_runtime.fpolicy.watch import EmsPosition
from fsxn_runtime.ontap import MAX_TRIES, OntapSecret
from fsxn_runtime.ontap.errors import OntapUnauthorizedError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.cloud.emulator import Emulator
from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.https_server import Asked, Reply, https_server, make_certificate
from tests.support.reconcile_table import create_reconcile_table

TABLE = "reconcile"
ENVIRONMENT = {
    "CONFIG_BUCKET": "config",
    "ECS_CLUSTER": "cluster",
    "ECS_SERVICE": "service",
    "METRIC_NAMESPACE": "FSxN",
    "ONTAP_SECRET_ID": "ontap",
    "RECONCILE_TABLE": TABLE,
}


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


# refused logins --------------------------------------------------------------------------------------


def test_refused_logins_are_kept_and_are_no_svm(memory: Memory, dynamodb: Any) -> None:
    logins = Logins(dynamodb, TABLE)
    assert logins.read() == ""
    logins.write('{"v1": {"tries": 1, "at": 5.5}}')
    logins.write("{}")
    assert Logins(dynamodb, TABLE).read() == "{}"
    assert memory.wanted() == {}


def test_a_table_that_is_not_there_is_no_empty_memory(emulator: Emulator) -> None:  # noqa: F811
    """An empty memory would let a process try a password that was refused three times."""
    logins = Logins(emulator.client("dynamodb"), "nowhere")
    with pytest.raises(FsxnError):
        logins.read()
    with pytest.raises(FsxnError):
        logins.write("{}")


def test_cold_starts_of_the_function_share_three_tries(
    emulator: Emulator,  # noqa: F811
    dynamodb: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Every five minutes of a day a process of its own, with a wrong password; then the secret put anew."""
    now = [1_790_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    monkeypatch.setattr("fsxn_runtime.fpolicy.handler.client", emulator.client)
    monkeypatch.setattr("fsxn_runtime.ontap.client.aws_client", emulator.client)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    right = f"Basic {b64encode(b'fsxadmin:right').decode()}"
    statuses: list[int] = []

    def node(asked: Asked) -> Reply:
        statuses.append(200 if asked.headers["authorization"] == right else 401)
        return Reply.json({"uuid": "u", "records": []}, statuses[-1])

    def cold_start() -> None:
        handler._parts.cache_clear()
        handler._parts().ontap.volumes("u")

    with https_server(tmp_path, make_certificate()) as server:
        server.answering = node
        secretsmanager = emulator.client("secretsmanager")
        secret = OntapSecret("fsxadmin", "wrong", server.address, server.bundle)
        secretsmanager.create_secret(Name=ENVIRONMENT["ONTAP_SECRET_ID"], SecretString=secret.to_json())
        for _ in range(24 * 12):
            with pytest.raises(OntapUnauthorizedError):
                cold_start()
            now[0] += 300
        assert statuses == [401] * MAX_TRIES
        secretsmanager.put_secret_value(
            SecretId=ENVIRONMENT["ONTAP_SECRET_ID"], SecretString=replace(secret, password="right").to_json()
        )
        cold_start()
    assert statuses.count(401) == MAX_TRIES
    handler._parts.cache_clear()
