"""Two reconcilers at once, each a process, with the real lock on the local AWS and a simulated ONTAP."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.fpolicy.store import Memory

from lab.cloud.emulator import Emulator
from lab.terraform import REPOSITORY
from tests.python.fpolicy.reconcile_process import BUCKET, TABLE, Told, arguments
from tests.python.fpolicy.sim_world import HOSTS, SimWorld, secret_of, sim_world
from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.reconcile_table import create_reconcile_table
from tests.support.waiting import wait_until

A, B, C = HOSTS
LEASE_US = 3_000_000  # a tenth of the product's: a test waits for it


@pytest.fixture
def world(
    tmp_path: Path,
    emulator: Emulator,  # noqa: F811
) -> Iterator[SimWorld]:
    """A policy that is connected to A, and the reconcilers' table that wants it."""
    emulator.reset()
    create_reconcile_table(emulator.client("dynamodb"), TABLE)
    emulator.client("s3").create_bucket(Bucket=BUCKET)
    with sim_world(tmp_path) as made:
        Memory(emulator.client("dynamodb"), TABLE).keep_wanted("svm1", document(made.port))
        reconcilers = Reconcilers(made, emulator, tmp_path / "journal.jsonl")
        reconcilers.finish(reconcilers.start("first", [A]))
        yield made


def document(port: int) -> dict[str, Any]:
    """What Terraform writes for the SVM."""
    return {
        "svm": "svm1",
        "enabled": True,
        "guard": True,
        "priority": 1,
        "policy": "p",
        "engine": {"port": port, "keep_alive_seconds": 120, "ssl_option": "no_auth"},
        "events": {"nfsv3": {"protocol": "nfsv3", "operations": ["create", "write"]}},
        "scope": {"include_volumes": ["*"]},
        "store": {"volume": "p_store", "size_bytes": 1 << 30},
        "keep_store": True,
    }


class Reconcilers:
    """Starts processes and reads what they wrote."""

    def __init__(self, world: SimWorld, cloud: Emulator, journal: Path) -> None:
        secret = secret_of(world.process)
        self._secret = [secret.username, secret.password, secret.management_ip, secret.ca_certificate]
        self._endpoint = cloud.endpoint
        self._journal = journal

    def start(self, owner: str, hosts: Sequence[str], stalls_before: str = "") -> subprocess.Popen[bytes]:
        told = Told(
            owner, list(hosts), str(self._journal), self._secret, self._endpoint, LEASE_US, stalls_before
        )
        return subprocess.Popen(arguments(told), cwd=REPOSITORY, stdout=subprocess.DEVNULL)

    def lines(self, what: str = "", owner: str = "") -> list[dict[str, Any]]:
        if not self._journal.exists():
            return []
        rows = [json.loads(line) for line in self._journal.read_text().splitlines()]
        return [row for row in rows if what in ("", row["what"]) and owner in ("", row["owner"])]

    @staticmethod
    def finish(*processes: subprocess.Popen[bytes]) -> None:
        assert [process.wait(timeout=60) for process in processes] == [0] * len(processes)


@pytest.fixture
def reconcilers(world: SimWorld, emulator: Emulator, tmp_path: Path) -> Reconcilers:  # noqa: F811
    return Reconcilers(world, emulator, tmp_path / "journal.jsonl")


@contextmanager
def files_all_the_time(world: SimWorld) -> Iterator[None]:
    """Let a client make files meanwhile."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.02):
            world.create()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def nothing_was_lost(world: SimWorld, *hosts: str) -> None:
    assert world.policy()["enabled"]
    assert not world.policy("p_guard")["enabled"]
    assert world.engine()["primary_servers"] == sorted(hosts)
    assert len(world.operations()) > 20
    assert world.lost() == set()


def test_of_two_that_want_the_same_exactly_one_acts(world: SimWorld, reconcilers: Reconcilers) -> None:
    with files_all_the_time(world):
        reconcilers.finish(*(reconcilers.start(owner, [B]) for owner in ("one", "two")))
    did = {row["owner"] for row in reconcilers.lines("did")} - {"first"}
    assert len(did) == 1
    assert [len(reconcilers.lines("ended", owner)) for owner in ("one", "two")] == [1, 1]
    nothing_was_lost(world, B)


def test_two_that_see_other_tasks_act_one_after_the_other(world: SimWorld, reconcilers: Reconcilers) -> None:
    """Their steps never alternate, and what the second one wants is there at the end."""
    with files_all_the_time(world):
        both = [reconcilers.start("one", [B]), reconcilers.start("two", [A, C])]
        reconcilers.finish(*both)
    steps = [row for row in reconcilers.lines() if row["what"] in ("begins", "did")]
    turns = [owner for owner, _ in groupby(steps, key=lambda row: row["owner"])]
    assert turns in (["first", "one", "two"], ["first", "two", "one"])
    nothing_was_lost(world, *{"one": [B], "two": [A, C]}[turns[-1]])


@pytest.mark.parametrize("step", ["PutEngine p_guard", "Disable p (guarded)", "PutEngine p", "Enable p at"])
def test_the_lock_of_one_that_was_killed_is_taken_over_and_its_work_finished(
    world: SimWorld, reconcilers: Reconcilers, step: str
) -> None:
    """Steps: it stands still before a step, holding the lock; SIGKILL; the next one waits and goes on."""
    with files_all_the_time(world):
        victim = reconcilers.start("victim", [B], stalls_before=step)
        (stalled,) = wait_until(lambda: reconcilers.lines("stalled"))
        assert stalled["step"].startswith(step)
        heir = reconcilers.start("heir", [B])
        wait_until(lambda: reconcilers.lines("asks", "heir"))
        victim.kill()
        victim.wait()
        reconcilers.finish(heir)
    first = min(row["at"] for row in reconcilers.lines("begins", "heir"))
    assert first - stalled["at"] > LEASE_US / 1_000_000 - 0.5  # not before the dead one's right had ended
    nothing_was_lost(world, B)
