"""The reconciler against somebody else's reading of ONTAP: the simulator, its nodes and its ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fsxn_runtime.errors import FsxnError, MisconfiguredError
from fsxn_runtime.fpolicy import run as run_module
from fsxn_runtime.fpolicy.model import Store, Task, WaitFor
from fsxn_runtime.fpolicy.run import Run, State

from tests.python.fpolicy.sim_world import HOSTS, RealClock, SimWorld, sim_world

A, B, C = HOSTS


@pytest.fixture(autouse=True)
def brief_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated nodes send at once."""
    monkeypatch.setitem(run_module.PATIENCE_SECONDS, WaitFor.LINGER, 0.2)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SimWorld]:
    with sim_world(tmp_path) as made:
        yield made


def test_everything_is_made_from_nothing(world: SimWorld) -> None:
    report = world.run(A)
    assert (report.state, report.missing, report.unguarded) == (State.CONNECTED, 0, 0)
    policy, engine = world.policy(), world.engine()
    assert (policy["enabled"], policy["priority"], policy["mandatory"]) == (True, 1, False)
    assert policy["persistent_store"] == "p"
    assert (engine["primary_servers"], engine["type"]) == ([A], "asynchronous")
    world.create()
    assert world.lost() == set()


def test_a_second_run_changes_nothing(world: SimWorld) -> None:
    world.run(A)
    assert world.run(A).steps == []


def test_without_servers_it_waits_and_is_no_failure(world: SimWorld) -> None:
    assert world.run().state is State.WAITING
    assert world.run(A).state is State.CONNECTED


def test_nothing_is_lost_while_addresses_change_under_a_guard(world: SimWorld) -> None:
    """A file is made before and after every single call. The instrument: the simulator's ledger."""
    world.run(A)
    for hosts in ((B,), (A, B), (A, B, C), (B, C), (C,)):
        report = world.run(*hosts, between=world.create)
        assert (report.state, report.unguarded) == (State.CONNECTED, 0)
        assert world.engine()["primary_servers"] == sorted(hosts)
    assert len(world.operations()) > 60
    assert all(row["monitored"] for row in world.operations())
    assert world.lost() == set()
    assert not world.policy("p_guard")["enabled"]


def test_nothing_is_lost_while_the_scope_changes_under_a_guard(world: SimWorld) -> None:
    world.run(A)
    scope = frozenset({("include_volumes", "*"), ("exclude_extension", "swp")})
    changed = replace(world.wanted, policy=replace(world.wanted.policy, scope=scope))
    assert world.run(A, wanted=changed, between=world.create).unguarded == 0
    assert world.policy()["scope"]["exclude_extension"] == ["swp"]
    assert world.lost() == set()


def test_without_a_guard_the_window_loses_and_the_ledger_sees_it(world: SimWorld) -> None:
    plain = replace(world.wanted, is_guarded=False)
    world.run(A, wanted=plain)
    report = world.run(B, wanted=plain, between=world.create)
    assert report.unguarded == 0  # as wanted, so not counted
    unseen = {row["path"] for row in world.operations() if not row["monitored"]}
    assert unseen
    assert world.lost() == unseen
    assert len(unseen) <= 4  # one change between two switches: no look in the window


def test_a_guard_that_does_not_connect_is_given_up_and_counted(
    world: SimWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(run_module.PATIENCE_SECONDS, WaitFor.GUARD, 0.3)
    monkeypatch.setitem(run_module.PATIENCE_SECONDS, WaitFor.LINKS, 0.3)
    monkeypatch.setitem(run_module.PATIENCE_SECONDS, WaitFor.RECONNECT, 0.1)
    world.run(A)
    world.servers[B].stop()
    report = world.run(B)
    assert (report.state, report.unguarded) == (State.DISCONNECTED, 1)
    assert world.policy()["enabled"]
    world.create()
    world.servers[B].start()
    world.wait_connected(B)
    assert world.run(B).state is State.CONNECTED
    assert not world.policy("p_guard")["enabled"]
    assert world.lost() == set()  # the store kept it


def test_a_server_that_ends_while_it_is_waited_for_is_not_waited_for_any_longer(world: SimWorld) -> None:
    """Scaled up and down again within one run: the run goes on with the task that is left."""
    world.run(A)
    world.servers[B].stop()
    tasks = [[A, B], [A, B], [A]]  # as ECS shows them: one read before the guard, one within its wait

    def running() -> list[Task]:
        return world.tasks(*(tasks.pop(0) if len(tasks) > 1 else tasks[0]))

    started = time.monotonic()
    report = Run(world.wanted, world.side(), RealClock(), lambda: None).reconcile(running)
    assert (report.state, report.servers) == (State.CONNECTED, [A])
    assert time.monotonic() - started < run_module.PATIENCE_SECONDS[WaitFor.LINKS]
    world.servers[B].start()


def test_an_outage_is_kept_by_the_store_through_the_change_of_address(world: SimWorld) -> None:
    world.run(A)
    world.servers[A].stop()
    for _ in range(5):
        world.create()
    assert world.run(B).state is State.CONNECTED
    assert world.lost() == set()
    world.servers[A].start()


def test_a_refusal_leaves_the_policy_enabled_with_the_new_servers(world: SimWorld) -> None:
    """A scope that ONTAP does not take is refused at the guard; the address is changed all the same."""
    world.run(A)
    scope = frozenset({("include_volumes", "")})  # an empty name is no name
    bad = replace(world.wanted, policy=replace(world.wanted.policy, scope=scope))
    with pytest.raises(FsxnError):
        world.run(B, wanted=bad, between=world.create)
    assert world.policy()["enabled"]
    assert world.engine()["primary_servers"] == [B]
    assert world.lost() == set()


def test_what_exists_is_adopted_and_what_is_foreign_stays(world: SimWorld) -> None:
    """A policy made by hand with our name is brought to what is wanted; another's policy is left alone."""
    world.sim.configure_fpolicy("svm1", [A], world.port, policy="theirs", engine="theirs", store="theirs")
    world.sim.configure_fpolicy("svm1", [A], world.port, policy="p", engine="p", store=None, priority=5)
    theirs = world.policy("theirs"), world.engine("theirs")
    assert world.run(B, between=world.create).state is State.CONNECTED
    assert (world.policy("theirs"), world.engine("theirs")) == theirs
    policy = world.policy()
    assert policy["persistent_store"] == "theirs"  # one store per SVM: the one that is there
    assert policy["priority"] == 2  # 1 is theirs
    assert [event["name"] for event in policy["events"]] == ["p_cifs", "p_nfsv3"]
    assert world.lost() == set()


def test_a_policy_that_somebody_disabled_is_enabled_again(world: SimWorld) -> None:
    world.run(A)
    world.sim.disable_fpolicy("svm1", "p")
    assert world.run(A).steps == ["Enable p at 1"]
    world.sim.disable_fpolicy("svm1", "p")
    assert world.run().state is State.WAITING  # no server: the store captures all the same
    assert world.policy()["enabled"]


def test_a_connection_that_does_not_come_back_is_asked_for(
    world: SimWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(run_module.PATIENCE_SECONDS, WaitFor.LINKS, 0.2)
    world.run(A)
    link = next(link for link in world.side().look().links if link.policy == "p")
    place = f"/protocols/fpolicy/{world.sim.svm_uuid('svm1')}/connections/{link.node}/p/{A}"
    world.sim.rest("PATCH", place, {"state": "disconnected"})
    report = world.run(A)
    assert (report.was_missing, report.missing, report.steps) == (1, 0, [f"Connect {A}"])


def test_two_runs_at_once_come_to_the_wanted_state(world: SimWorld) -> None:
    """Without any lock, which is worse than what can happen: the run after them finds at most work to do."""
    world.run(A)

    def other() -> None:
        try:
            world.run(C)
        except FsxnError:
            pass  # what the other one did may be refused

    thread = threading.Thread(target=other)
    thread.start()
    try:
        world.run(B)
    except FsxnError:
        pass
    thread.join()
    assert world.run(B).state is State.CONNECTED
    assert world.engine()["primary_servers"] == [B]
    assert not world.policy("p_guard")["enabled"]


def test_removal_takes_what_was_made_and_keeps_the_store(world: SimWorld) -> None:
    world.sim.configure_fpolicy("svm1", [A], world.port, policy="theirs", engine="theirs", store=None)
    before = world.side().look()
    world.run(B)
    world.run(C)
    Run(world.wanted, world.side(), RealClock(), lambda: None).remove(keeps_store=True)
    after = world.side().look()
    assert (after.policies, after.engines, after.events) == (before.policies, before.engines, before.events)
    assert after.stores == {"p": Store("p", "p_store", 1 << 30)}
    Run(world.wanted, world.side(), RealClock(), lambda: None).remove(keeps_store=False)
    assert world.side().look().stores == {}


def test_ten_foreign_policies_are_a_clear_error(world: SimWorld) -> None:
    for number in range(10):
        name = f"theirs{number}"
        world.sim.configure_fpolicy(
            "svm1", [A], world.port, policy=name, engine=name, store=None, priority=number + 1
        )
    with pytest.raises(MisconfiguredError, match="all priorities 1 to 10"):
        world.run(B)


def test_nine_foreign_policies_leave_no_guard_and_that_is_counted(world: SimWorld) -> None:
    for number in range(9):
        name = f"theirs{number}"
        world.sim.configure_fpolicy(
            "svm1", [A], world.port, policy=name, engine=name, store=None, priority=number + 1
        )
    world.run(A)
    report = world.run(B)
    assert (report.state, report.unguarded) == (State.CONNECTED, 1)
    assert world.policy()["priority"] == 10


def test_several_svms_are_each_brought_to_their_own(tmp_path: Path) -> None:
    with sim_world(tmp_path, svms=2) as world:
        for svm in world.names:
            assert world.run(A, wanted=replace(world.wanted, svm=svm)).state is State.CONNECTED
        assert world.policy(svm="svm2")["enabled"]
