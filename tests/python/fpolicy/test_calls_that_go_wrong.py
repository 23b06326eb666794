"""Every single call to ONTAP goes wrong once, in every way: nothing is lost, and all is as wanted at the end.

The scenarios together make every kind of step there is, and a kind that none of them makes fails a test. In
each, the first change goes wrong, then in another run the second, and so on to the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import pytest
from fsxn_runtime.fpolicy import ontap_side
from fsxn_runtime.fpolicy import run as run_module
from fsxn_runtime.fpolicy.model import Certificate, Change, Observed, Store, WaitFor, Wanted
from fsxn_runtime.fpolicy.records import fingerprint
from fsxn_runtime.fpolicy.run import Run, Side, State

from tests.python.fpolicy.sim_world import HOSTS, KilledError, RealClock, SimWorld, sim_world
from tests.support.certificates import Authority

pytestmark = pytest.mark.timeout(600)  # some 10 s each on two free cores

A, B, _ = HOSTS
DEADLINE_SECONDS = 0.6  # of one call; the product's is 15
# What may become of a call: the simulator's effect, and how long it takes.
EFFECTS: Mapping[str, dict[str, object]] = {
    "failed": {"effect": "status", "status": 503},
    "broken": {"effect": "reset"},
    "done, its answer lost": {"effect": "lost_answer"},
    "done, its answer late": {"effect": "late_answer", "seconds": 1.5 * DEADLINE_SECONDS},
    "late, but in time": {"effect": "delay", "seconds": 0.5 * DEADLINE_SECONDS},
    "done when nobody waits any more": {"effect": "delay", "seconds": 1.1 * DEADLINE_SECONDS},
}
PEM = Authority("CA").certificate
CERTIFICATE = Certificate("p_ca_1", fingerprint("client_ca", PEM), PEM)


@pytest.fixture(autouse=True)
def brief_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ontap_side, "CALL_SECONDS", DEADLINE_SECONDS)
    monkeypatch.setattr(ontap_side, "STORE_SECONDS", DEADLINE_SECONDS)
    # As in the product, the guard stays for longer than a call may come late.
    monkeypatch.setitem(run_module.PATIENCE_SECONDS, WaitFor.LINGER, 1.5 * DEADLINE_SECONDS)
    monkeypatch.setitem(run_module.PATIENCE_SECONDS, WaitFor.LINKS, 0.5)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SimWorld]:
    with sim_world(tmp_path) as made:
        yield made


@dataclass
class Striking:
    """A side whose change number `number` goes wrong, with a file made before and after every call."""

    side: Side
    world: SimWorld
    number: int
    fault: Mapping[str, object]
    kinds: set[type] = field(default_factory=set)
    is_struck: bool = False
    count: int = 0

    def look(self) -> Observed:
        self.world.create()
        return self.side.look()

    def look_at_links(self, observed: Observed) -> Observed:
        self.world.create()
        return self.side.look_at_links(observed)

    def do(self, step: Change) -> None:
        self.world.create()
        self.kinds.add(type(step))
        try:
            if self.count == self.number:
                for method in ("POST", "PATCH", "DELETE"):
                    self.world.sim.fault(**self.fault, method=method)
            self.side.do(step)
        finally:
            if self.count == self.number:
                self.is_struck = any(rule["struck"] for rule in self.world.sim.faults())
                self.world.sim.clear_faults()
            self.count += 1
        self.world.create()


@dataclass
class Dying(Striking):
    """A side whose process dies before its call number `number` is made, or after it was answered."""

    dies_after: bool = False

    def do(self, step: Change) -> None:
        self.world.create()
        is_last = self.count == self.number
        self.count += 1
        if is_last and not self.dies_after:
            raise KilledError
        self.side.do(step)
        self.world.create()
        if is_last:
            raise KilledError


@dataclass(frozen=True)
class Scenario:
    """A run from a state, and how to come back to that. `loses`: no policy captures before and after."""

    prepare: Callable[[SimWorld], None]
    go: Callable[[SimWorld, Side], None]
    is_done: Callable[[SimWorld], bool]
    loses: bool = False


def run(world: SimWorld, wanted: Wanted, side: Side | None = None, host: str = A) -> None:
    side = side or side_of(world)
    report = Run(wanted, side, RealClock(), lambda: None).reconcile(lambda: world.tasks(host))
    assert report.state is State.CONNECTED


def remove(world: SimWorld, wanted: Wanted, side: Side | None = None) -> None:
    Run(wanted, side or side_of(world), RealClock(), lambda: None).remove(keeps_store=False)


def side_of(world: SimWorld) -> Side:
    return world.side(with_certificates=True)


def whole(world: SimWorld) -> Wanted:
    """With everything that there may be."""
    return replace(world.wanted, certificates=(CERTIFICATE,))


def changed(world: SimWorld) -> Wanted:
    """With something else of everything."""
    return replace(
        world.wanted,
        policy=replace(world.wanted.policy, scope=frozenset({("include_volumes", "svm1*")})),
        events=tuple(
            replace(event, operations=event.operations | {"delete"}) for event in world.wanted.events
        ),
        store=Store("p", "p_store", 1 << 31),
    )


def break_a_connection(world: SimWorld) -> None:
    run(world, world.wanted)
    link = next(link for link in side_of(world).look().links if link.policy == "p")
    place = f"/protocols/fpolicy/{world.sim.svm_uuid('svm1')}/connections/{link.node}/p/{link.server}"
    world.sim.rest("PATCH", place, {"state": "disconnected"})


def is_gone(world: SimWorld) -> bool:
    seen = side_of(world).look()
    return not (seen.policies or seen.engines or seen.events or seen.stores or seen.certificates)


def is_up(world: SimWorld) -> bool:
    return bool(world.policy()["enabled"])


def is_changed(world: SimWorld) -> bool:
    policy, engine = world.policy(), world.engine()
    return (policy["enabled"], policy["scope"]["include_volumes"], engine["primary_servers"]) == (
        True,
        ["svm1*"],
        [B],
    ) and not world.policy("p_guard")["enabled"]


SCENARIOS = {
    "from nothing": Scenario(
        lambda world: remove(world, whole(world)),
        lambda world, side: run(world, whole(world), side),
        is_up,
        loses=True,
    ),
    "everything else": Scenario(
        lambda world: (remove(world, whole(world)), run(world, world.wanted))[1],
        lambda world, side: run(world, changed(world), side, B),
        is_changed,
    ),
    "a connection": Scenario(break_a_connection, lambda world, side: run(world, world.wanted, side), is_up),
    "to nothing": Scenario(
        lambda world: run(world, whole(world)),
        lambda world, side: remove(world, whole(world), side),
        is_gone,
        loses=True,
    ),
}


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_change_may_go_wrong_once(world: SimWorld, name: str, effect: str) -> None:
    scenario, number = SCENARIOS[name], 0
    while True:
        scenario.prepare(world)
        side = Striking(side_of(world), world, number, EFFECTS[effect])
        scenario.go(world, side)
        assert scenario.is_done(world), f"change {number}"
        if number >= side.count:
            break
        assert side.is_struck
        number += 1
    if not scenario.loses:
        assert world.lost() == set()


@pytest.mark.parametrize("dies_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_that_dies_anywhere_is_continued_by_the_next(
    world: SimWorld, name: str, dies_after: bool
) -> None:
    """Before (or after) the first change, the second, and so on. Files are made between all calls."""
    scenario, number = SCENARIOS[name], 0
    while True:
        scenario.prepare(world)
        side = Dying(side_of(world), world, number, {}, dies_after=dies_after)
        try:
            scenario.go(world, side)
        except KilledError:
            scenario.go(world, Striking(side_of(world), world, -1, {}))
        assert scenario.is_done(world), f"change {number}"
        if number >= side.count:
            break
        number += 1
    assert number > 0
    if not scenario.loses:
        assert world.lost() == set()


def test_the_scenarios_make_every_kind_of_step(world: SimWorld) -> None:
    kinds: set[type] = set()
    for scenario in SCENARIOS.values():
        scenario.prepare(world)
        side = Striking(side_of(world), world, -1, {})
        scenario.go(world, side)
        kinds |= side.kinds
    assert kinds == set(get_args(Change))


LOOKS = ("engines", "events", "persistent-stores", "policies", "connections")


@pytest.mark.parametrize("effect", ["failed", "done when nobody waits any more"])
@pytest.mark.parametrize("kind", LOOKS)
def test_every_kind_of_look_may_go_wrong_at_any_time(world: SimWorld, kind: str, effect: str) -> None:
    """The first look, one while the guard comes up, and one after the change."""
    run(world, world.wanted)
    for number, skip in enumerate((0, 2, 4)):
        path = f"/api/protocols/fpolicy/*/{kind}"
        world.sim.fault(**EFFECTS[effect], method="GET", path=path, skip=skip)
        run(world, world.wanted, Striking(side_of(world), world, -1, {}), (B, A)[number % 2])
        assert world.sim.faults()[0]["struck"] == 1
        world.sim.clear_faults()
    assert is_up(world)
    assert world.lost() == set()
