"""The persistent store of an SVM: notifications kept while no server is connected, given back out of order.

Entries belong to the node and the policy that could not send them. Sources: ONTAP REST reference 13.3 (one
per SVM, about 0.6 KB a record, a full store drops), FPolicy wire reference 7.3 (seen order 3, 1, 2, 5, 4).
"""

from __future__ import annotations

import random
from collections import defaultdict

from lab.ontap_sim.model import Operation

RECORD_BYTES = 600  # sizing rule of the vendor: about 0.6 KB for each notification
_DOCUMENTED_ORDER = (2, 0, 0, 1, 0)  # positions that turn 1 2 3 4 5 into 3 1 2 5 4

Key = tuple[int, str]  # node number, policy name


class PersistentStore:
    """A bounded pool of notifications."""

    def __init__(
        self,
        name: str,
        volume: str,
        size_bytes: int,
        order: str,
        window: int,
        seed: int,
        *,
        limit_bytes: int = 0,
    ) -> None:
        self.name = name
        self.volume = volume
        self.size_bytes = self.configured_bytes = size_bytes
        self.limit_bytes = limit_bytes  # how far the volume grows by itself; 0: not at all
        self.maximum_bytes = 0  # what limit_bytes is when the volume's autosize says so; 0: the default
        self.dropped = 0  # refused since the store was last not full
        self.order = order
        self.window = window
        self._random = random.Random(seed)
        self._entries: dict[Key, list[Operation]] = defaultdict(list)
        self._taken: dict[Key, int] = defaultdict(int)

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._entries.values())

    @property
    def used_bytes(self) -> int:
        """Say how much of the volume the records take."""
        return len(self) * RECORD_BYTES

    def put(self, key: Key, operation: Operation) -> bool:
        """Keep a notification. False means that the store is full and the notification is gone."""
        if self.used_bytes + RECORD_BYTES > self.size_bytes:
            self.size_bytes = max(self.size_bytes, self.limit_bytes)
        if self.used_bytes + RECORD_BYTES > self.size_bytes:
            self.dropped += 1
            return False
        self.dropped = 0
        self._entries[key].append(operation)
        return True

    def backlog(self, key: Key) -> int:
        """Count what waits for this node and policy."""
        return len(self._entries.get(key, ()))

    def take(self, key: Key) -> Operation:
        """Remove and return the notification that is replayed next. IndexError when there is none."""
        entries = self._entries[key]
        operation = entries.pop(self._position(key, len(entries)))
        self._taken[key] += 1
        if not entries:
            del self._entries[key], self._taken[key]
        return operation

    def _position(self, key: Key, count: int) -> int:
        if self.order == "shuffle":
            return self._random.randrange(min(self.window or count, count)) if count else 0
        if self.order == "documented":
            return min(_DOCUMENTED_ORDER[self._taken[key] % len(_DOCUMENTED_ORDER)], max(count - 1, 0))
        return 0
