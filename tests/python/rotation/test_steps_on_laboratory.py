"""The four steps against the local Secrets Manager and the simulated ONTAP, with every single fault."""

from __future__ import annotations

import pytest
from fsxn_runtime.rotation import clients
from fsxn_runtime.rotation.model import Step

from tests.python.rotation.conftest import MakeWorld
from tests.support.rotation_world import (
    FIRST_PASSWORD,
    Gate,
    RotationWorld,
    every_change_is_stored_first,
    lines_of_rotation,
)

AWS_EFFECTS = ["error", "lost", "kill_before", "kill_after"]
ONTAP_EFFECTS = [
    {"effect": "status", "status": 500},
    {"effect": "status", "status": 503},
    {"effect": "reset"},
    {"effect": "lost_answer"},
    {"effect": "delay", "seconds": 1.5},
]


def test_a_rotation_gives_account_and_secret_a_new_password(rotating: RotationWorld) -> None:
    token = rotating.begin()
    with every_change_is_stored_first(rotating):
        assert rotating.run_pass(token), rotating.said.getvalue()
    rotating.assert_well()
    assert rotating.stages()[token] == ["AWSCURRENT"]
    assert rotating.value("AWSPREVIOUS")["password"] == FIRST_PASSWORD
    assert rotating.value()["password"] == rotating.passwords[-1] != FIRST_PASSWORD
    rotating.assert_silent()


def test_the_change_sends_the_password_alone(rotating: RotationWorld) -> None:
    """A list of applications would take away every one that is not in it (ONTAP REST reference 9.1)."""
    before = rotating.account()["applications"]
    assert rotating.drive(rotating.begin(), passes=1)
    changes = [
        r for r in rotating.sim.client.requests() if r["method"] == "PATCH" and r["user"] == rotating.username
    ]
    assert [request["body"] for request in changes] == [{"password": "***"}]
    assert changes[0]["path"].endswith(f"/{rotating.account()['owner']['uuid']}/{rotating.username}")
    assert rotating.account()["applications"] == before


@pytest.mark.parametrize("step", Step)
def test_each_step_may_run_twice(rotating: RotationWorld, step: Step) -> None:
    token = rotating.begin()
    for each in Step:
        assert rotating.run_step(token, each)
        if each is step:
            assert rotating.run_step(token, each)
    rotating.assert_well()
    assert len(rotating.passwords) == 2


def test_a_second_rotation_follows_the_first(rotating: RotationWorld) -> None:
    for _ in range(3):
        assert rotating.drive(rotating.begin(), passes=1)
    rotating.assert_well()
    assert len(set(rotating.passwords)) == 4


def aws_calls(make_world: MakeWorld) -> int:
    """How many calls to AWS a rotation makes when nothing goes wrong."""
    world = make_world()
    assert world.drive(world.begin(), passes=1)
    return len(world.gate.calls)


@pytest.mark.parametrize("effect", AWS_EFFECTS)
def test_a_rotation_survives_every_single_fault_of_aws(make_world: MakeWorld, effect: str) -> None:
    """For each call to Secrets Manager: it fails, its answer is lost, we die before or after it."""
    world = make_world()
    for at in range(aws_calls(make_world)):
        world.gate = Gate(effect, at)
        with every_change_is_stored_first(world):
            assert world.drive(world.begin()), (effect, at, world.gate.calls)
        world.gate = Gate()
        world.assert_well()
    world.assert_silent()


@pytest.mark.parametrize("fault", ONTAP_EFFECTS, ids=lambda fault: "-".join(str(v) for v in fault.values()))
def test_a_rotation_survives_every_single_fault_of_ontap(
    make_world: MakeWorld, fault: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For each request: an error, a broken connection, an answer lost after the change or too late."""
    monkeypatch.setattr(clients, "LOGIN_SECONDS", 0.7)
    monkeypatch.setattr(clients, "READ_SECONDS", 0.7)
    monkeypatch.setattr(clients, "CHANGE_SECONDS", 0.7)
    world = make_world()
    first = len(world.sim.client.requests())
    assert world.drive(world.begin(), passes=1)
    requests = [r for r in world.sim.client.requests()[first:] if r["user"] in (world.username, "")]
    for skip in range(len(requests)):
        world.sim.client.clear_faults()
        world.sim.client.fault(skip=skip, **fault)  # type: ignore[arg-type]
        with every_change_is_stored_first(world):
            assert world.drive(world.begin()), (fault, skip)
        (rule,) = world.sim.client.faults()
        assert rule["struck"] == 1
        world.sim.client.clear_faults()
        world.assert_well()
    world.assert_silent()


@pytest.mark.timeout(900)
def test_a_rotation_survives_death_at_every_line(make_world: MakeWorld) -> None:
    """Every line of the package that runs in a rotation is once the last one of a process.

    Steps: run one rotation and note its lines; for each of them: die there for the first time, run again as
    Secrets Manager does; the rotation ends.
    """
    counted = make_world()
    token = counted.begin()
    with lines_of_rotation() as seen:
        assert counted.drive(token, passes=1)
    world = make_world()
    for line in dict.fromkeys(seen):
        token = world.begin()
        with every_change_is_stored_first(world):
            with lines_of_rotation(seen.index(line) + 1):
                assert not world.run_pass(token), line
            assert world.drive(token), line
    world.assert_well()
    world.assert_silent()
