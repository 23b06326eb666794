"""What may be lost is lost, and the instrument says how much: each number is compared with the ledger's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from lab.demo.outside import Outside
from lab.premises import SVM
from lab.storm.load import RATE, other_engine, under_load, want, wanted
from lab.world import World
from tests.support.local import run, verify

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

POLICY = "fsxn_s3ap_local"  # its engine and its store are called the same
RECORD_BYTES = 600  # what the simulator's store takes for a notification
ROOM = 50  # records
ANY = 1_000_000  # as many as were lost: what is asked is how many


def lost(world: World) -> Mapping[str, Any]:
    """How many operations have no event, by the product's verification, which must find nothing else."""
    result = verify(world, allow_lost=ANY)
    assert result["findings"] == []
    return dict(result["delivery"])


def rows(world: World, start: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in world.ledger_path.read_text().splitlines()[start:]]


def length(world: World) -> int:
    return len(world.ledger_path.read_text().splitlines())


def dropped(found: list[dict[str, Any]], reason: str) -> set[int]:
    """Operations of which the simulator says that it gave them up for this reason."""
    return {row["seq"] for row in found if row.get("outcome") == "dropped" and row["reason"] == reason}


def test_a_node_that_crashes_loses_at_most_what_it_held_and_comes_back(world: World) -> None:
    """The other node takes over; what was in the crashed one's memory and send buffers is ONTAP's loss."""
    before, start = lost(world)["lost"], length(world)
    world.sim.storm(400, wait=False, rate_per_second=80, folder="/crashed", seed=5)
    world.wait(lambda: length(world) - start > 100, 20, "the storm")
    world.sim.restart_node(1, crash=True)
    world.sim.wait_idle(60)
    world.wait_connected(world.runner.tasks(world.service))
    more = lost(world)["lost"] - before
    print(f"a node's crash at 80 operations a second lost {more}")
    held = dropped(rows(world, start), "node_crash")
    assert len(held) <= more <= len(held) + 80  # a second's worth may have been in its send buffers


def test_without_gap_protection_the_window_is_lost_and_the_instrument_sees_it(world: World) -> None:
    """The engine is changed under load with `guard = false`: the policy is disabled, nothing in its place.

    ONTAP takes two seconds for the change, else a few hundredths, in which a quiet moment may lose nothing.
    """
    before, start = lost(world), length(world)
    name, document = wanted(world)
    engine = f"/api/protocols/fpolicy/*/engines/{POLICY}"
    world.sim.fault("delay", method="PATCH", path=engine, seconds=2)
    with under_load(world, "/unguarded"):
        want(world, name, {**other_engine(document), "guard": False})
    world.sim.clear_faults()
    world.sim.wait_idle(60)
    want(world, name, document)
    after = lost(world)
    missed = [row for row in rows(world, start) if row["kind"] == "operation" and row["missed"]]
    print(f"a change of two seconds without a guard, at {RATE:g} operations a second, lost {len(missed)}")
    assert after["lost"] - before["lost"] == after["missed"] - before["missed"] == len(missed) > 0


@contextmanager
def small_store(world: World) -> Iterator[None]:
    """Leave the store room for a few records."""
    path = f"/protocols/fpolicy/{world.sim.svm_uuid(SVM)}/persistent-stores/{POLICY}"
    before = world.sim.rest("GET", f"{path}?fields=size")
    world.sim.rest("PATCH", path, {"size": ROOM * RECORD_BYTES})
    try:
        yield
    finally:
        world.sim.rest("PATCH", path, {"size": before["size"]})


def test_a_store_too_small_drops_and_number_metric_and_alarm_say_so(world: World) -> None:
    """200 files without a server, room for 50: the verification counts what was dropped, the alarm fires."""
    before, start = lost(world)["lost"], length(world)
    outside = Outside(world)
    with small_store(world):
        world.stop_server()
        world.sim.operations(
            [{"op": "create", "path": f"/too-many-{n}", "protocol": "NFS 3.0"} for n in range(200)]
        )
        world.sim.wait_idle(30)
        told = run(world, "fsxn", "fpolicy", "reconcile", "--json")
        full = outside.metric("FPolicyStoreFull_count", "Maximum")
        world.start_server()
        world.sim.wait_idle(60, replayed=True)
    assert told.returncode in (0, 1), told.stderr
    more = lost(world)["lost"] - before
    found = rows(world, start)
    print(f"a store with room for {ROOM} dropped {more} of 200")
    assert more == len(dropped(found, "store_full")) == 200 - ROOM
    assert "fpolicy.persistentStore.full" in {row["name"] for row in found if row["kind"] == "ems"}
    alarms = world.client("cloudwatch").describe_alarms(
        AlarmNamePrefix="fsxn-s3ap-local-fpolicy-store-dropping"
    )
    (alarm,) = alarms["MetricAlarms"]
    assert (alarm["MetricName"], alarm["ComparisonOperator"]) == (
        "FPolicyStoreFull_count",
        "GreaterThanThreshold",
    )
    assert full is not None
    assert full > alarm["Threshold"]
