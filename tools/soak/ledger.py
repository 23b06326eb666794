"""Who owes what: events that the server's host has acknowledged must arrive, and nothing else may. Pure.

An event is a node and a number. A node writes its events in the order of their numbers over one connection
after the other; how many bytes of each connection were acknowledged says which of them are owed.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

_OWED: Final = 0x80
_ARRIVALS: Final = 0x7F


@dataclass(slots=True)
class Written:
    """One connection of a node: the first event's number, and where each event ends in the stream."""

    first: int
    ends: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Account:
    """What a ledger says. Numbers of events; `debts` are owed and have not arrived."""

    written: int
    owed: int
    arrived: int
    repeated: int  # arrivals beyond the first of an event
    not_sent: int  # arrivals of what no node has written
    debts: list[tuple[int, int]]


class Ledger:
    """The events of all nodes. For use by several threads: nodes write, the queue notes arrivals."""

    def __init__(self, nodes: int) -> None:
        self._lock = threading.Lock()
        self._written = [0] * nodes
        # One byte for each event: arrivals in the lower seven bits, and _OWED once it is owed.
        self._events = [bytearray() for _ in range(nodes)]
        self._arrived = self._repeated = self._not_sent = 0

    def next_number(self, node: int) -> int:
        """Give the number of the next event that a node will write."""
        return self._written[node]

    def write(self, node: int, connection: Written, end: int) -> None:
        """Note an event about to be written, which ends at this place of its connection's stream."""
        with self._lock:
            self._written[node] += 1
            self._events[node].append(0)
        connection.ends.append(end)

    def acknowledge(self, node: int, connection: Written, stream_bytes: int) -> None:
        """Note what became of a connection: the whole events within so many bytes are owed."""
        owed = bisect_right(connection.ends, stream_bytes)
        with self._lock:
            events = self._events[node]
            for number in range(connection.first, connection.first + owed):
                events[number] |= _OWED
        connection.ends.clear()

    def arrive(self, node: int, number: int) -> None:
        """Note an event that the queue or the quarantine has."""
        with self._lock:
            if node >= len(self._events) or number >= self._written[node]:
                self._not_sent += 1
                return
            count = self._events[node][number] & _ARRIVALS
            self._arrived += count == 0
            self._repeated += count > 0
            if count < _ARRIVALS:
                self._events[node][number] += 1

    def account(self) -> Account:
        """Settle: what is owed and not there is a debt."""
        with self._lock:
            return Account(
                written=sum(self._written),
                owed=sum(state >= _OWED for events in self._events for state in events),
                arrived=self._arrived,
                repeated=self._repeated,
                not_sent=self._not_sent,
                debts=[
                    (node, number)
                    for node, events in enumerate(self._events)
                    for number, state in enumerate(events)
                    if state == _OWED
                ],
            )

    def arrived_count(self) -> int:
        """Count the events that have arrived, each once."""
        with self._lock:
            return self._arrived

    @property
    def is_waiting(self) -> bool:
        """Whether something was written that has not arrived."""
        with self._lock:
            return self._arrived < sum(self._written)

    @property
    def has_debts(self) -> bool:
        """Whether something is owed that has not arrived."""
        with self._lock:
            return any(_OWED in events for events in self._events)
