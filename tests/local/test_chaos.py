"""A short mix of faults with a fixed seed; `make chaos` runs longer ones, and others."""

from __future__ import annotations

import json

import pytest

from lab.chaos import debts
from lab.chaos.run import chaos
from lab.chaos.schedule import draw
from lab.world import World

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

SEED, SECONDS = 29, 10.0
# Not the kinds after which one waits: a function's death for the queue, a killed task for another one.
KINDS = ("aws", "batch", "rest", "node", "stall", "shuffle")


@pytest.mark.timeout(900)  # some 20 s on two free cores; deadlines of the settling are minutes
def test_a_mix_of_faults_leaves_no_debt_and_a_lost_event_would_be_one(world: World) -> None:
    begin = world.ledger_path.stat().st_size
    account = chaos(world, draw(SEED, SECONDS, KINDS))
    assert account.debts == []
    assert account.lost == 0
    assert sum(account.struck.values()) > 0
    ledger = world.ledger_path.read_bytes().splitlines(keepends=True)
    events = world.events_path.read_bytes().splitlines(keepends=True)
    forgotten = json.loads(events[-1])["event"]["event_id"]
    without = [line for line in events if json.loads(line)["event"]["event_id"] != forgotten]
    assert len(debts.lost(ledger, without, begin)) == 1
