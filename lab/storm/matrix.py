"""The switches for what is unknown of ONTAP's time stamps and of who is told, in every combination.

Each trial runs in the whole laboratory with two tasks: clients work while the engine is changed, so that a
guard policy tells of some operations a second time, then while no server is there, so that the Persistent
Store replays. Whatever the switches say, each file version must be processed once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

from lab.storm.load import other_engine, under_load, want, wanted
from lab.world import World

Combination = Mapping[str, str]

SWITCHES: Final[Mapping[str, tuple[str, ...]]] = {
    "replay_time": ("original", "replay"),
    "policy_time": ("same", "own"),
    "primary_sharing": ("round_robin", "file_hash", "first"),
    "node_spread": ("file", "alternate"),
}
STORED: Final = 60  # operations while no server is there


def complete() -> list[Combination]:
    """Give every combination."""
    return [dict(zip(SWITCHES, values, strict=True)) for values in product(*SWITCHES.values())]


def pairwise() -> list[Combination]:
    """Give six combinations with every pair of two switches' values in at least one."""
    rows = (
        ("original", "same", "round_robin", "file"),
        ("replay", "own", "round_robin", "alternate"),
        ("replay", "own", "file_hash", "file"),
        ("original", "same", "file_hash", "alternate"),
        ("original", "own", "first", "file"),
        ("replay", "same", "first", "alternate"),
    )
    return [dict(zip(SWITCHES, values, strict=True)) for values in rows]


@dataclass(frozen=True, slots=True)
class Told:
    """What one trial made ONTAP tell, by its ledger."""

    by_guard: int  # operations that the guard told of
    twice: int  # operations that more than one policy told of
    stored: int  # notifications that went through the Persistent Store


def trial(world: World, combination: Combination) -> Told:
    """Run one combination in a world with two connected tasks, and leave it so."""
    folder = "/" + "-".join(combination.values())
    before = _lines(world)
    world.sim.switch(**combination)
    name, document = wanted(world)
    with under_load(world, folder):
        want(world, name, other_engine(document))
    world.sim.wait_idle(60)
    world.stop_server()
    world.sim.storm(STORED, folder=f"{folder}-stored", seed=4)
    world.start_server(2)
    world.sim.wait_idle(60, replayed=True)
    return told(json.loads(line) for line in _lines(world)[len(before) :])


def told(rows: Iterator[Mapping[str, object]]) -> Told:
    """Count what rows of a ledger say of notifications."""
    policies: dict[object, set[object]] = {}
    by_guard, stored = set(), 0
    for row in rows:
        if row["kind"] == "notification":
            stored += row["outcome"] == "stored"
            if row["outcome"] == "sent":
                policies.setdefault(row["seq"], set()).add(row["policy"])
                if str(row["policy"]).endswith("_guard"):
                    by_guard.add(row["seq"])
    return Told(len(by_guard), sum(len(names) > 1 for names in policies.values()), stored)


def restore(world: World) -> None:
    """Set the switches to their defaults."""
    world.sim.switch(**{name: values[0] for name, values in SWITCHES.items()})


def _lines(world: World) -> list[str]:
    return world.ledger_path.read_text().splitlines()
