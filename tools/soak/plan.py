"""What a soak is made of: how much is written, what goes wrong, what must not be passed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

# Of each call, when the queue is not away; the rest is answered at once.
MIXED_FATES: Final = {
    "late": 0.02,
    "answer lost": 0.01,
    "call refused": 0.02,
    "entries refused": 0.03,
    "entry rejected": 0.002,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One soak.

    seconds: how long nodes write; with `events`, after how long they stop at the latest.
    events: how many are written by all nodes together; 0: as many as there is time for.
    rate: events a second and node.
    fates, refused_share: what becomes of the queue's calls, and of the entries where "entries refused".
    outages: when the queue is away, each as (first second, seconds).
    outage: the same as (events that have arrived by then, seconds); no seconds: none.
    restarts: seconds at which the server is ended by SIGTERM and started anew.
    breaks_network: whether proxies split, merge, delay and cut what the nodes write.
    most_mb: resident memory that may not be passed (10^6 bytes).
    unacked_events: FPOLICY_MAX_UNACKED_EVENTS. Small: an outage soon goes over the spool.
    """

    seconds: float
    rate: float
    most_mb: float
    events: int = 0
    fates: Mapping[str, float] = field(default_factory=lambda: MIXED_FATES)
    refused_share: float = 0.3
    outages: tuple[tuple[float, float], ...] = ()
    outage: tuple[int, float] = (0, 0.0)
    restarts: tuple[float, ...] = ()
    breaks_network: bool = True
    unacked_events: int = 2000


def many(events: int) -> Plan:
    """Write so many events to a queue that refuses a tenth of all entries and is away for 60 s."""
    return Plan(
        seconds=3600.0,
        rate=5000.0,  # more than the machine takes: TCP's window and back pressure set the pace
        most_mb=200.0,
        events=events,
        fates={"entries refused": 1.0},
        refused_share=0.10,
        outage=(events // 10, 60.0),
        breaks_network=False,
        unacked_events=10_000,  # the server's default, for which its memory is promised
    )
