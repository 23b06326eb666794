"""A workload's switch, and what waits behind it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Switch(StrEnum):
    """Where the switch stands. Lambda takes up to some minutes from one side to the other."""

    ON = "running"
    OFF = "paused"
    MOVING = "changing"

    @classmethod
    def of_state(cls, state: str) -> Switch:
        """Read an event source mapping's state; all but two are on the way (Lambda API reference)."""
        return {"Enabled": cls.ON, "Disabled": cls.OFF}.get(state, cls.MOVING)


@dataclass(frozen=True, slots=True)
class Mapping:
    """The event source mapping from a workload's queue to its starter. `since` is its last change."""

    workload: str
    uuid: str
    switch: Switch
    since: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits. The age of the oldest event, in seconds, is CloudWatch's: None when it has none yet."""

    waiting: int
    in_flight: int
    dead_letters: int
    retention_seconds: int
    oldest_seconds: int | None
