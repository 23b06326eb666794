"""Puts parcels into messages and messages into batches. Pure: the time is an argument (seconds)."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterable

from fpolicy_server.delivery.parcel import (
    COMMA_BYTES,
    MAX_BATCH_BYTES,
    MAX_BATCH_ENTRIES,
    MESSAGE_BYTES,
    Message,
    Parcel,
)


class Batcher:
    """Waiting parcels and messages to be sent again.

    A batch is ready when it is full, when its oldest parcel has waited for `linger_seconds`, or when a
    message's time to be sent again has come. A parcel that is too large for any batch travels alone, for
    the queue to refuse.
    """

    def __init__(self, *, linger_seconds: float, events_per_message: int) -> None:
        self._linger_seconds = linger_seconds
        self._events_per_message = events_per_message
        self._full_count = MAX_BATCH_ENTRIES * events_per_message
        self._waiting: deque[Parcel] = deque()
        self._waiting_bytes = 0
        self._again: list[tuple[float, int, Message]] = []
        self._order = itertools.count()

    @property
    def is_full(self) -> bool:
        """Whether the waiting parcels fill a batch."""
        return len(self._waiting) >= self._full_count or self._waiting_bytes >= MAX_BATCH_BYTES

    def add(self, parcel: Parcel, now: float) -> None:
        """Let a parcel wait for its batch."""
        parcel.waits_since = now
        self._waiting.append(parcel)
        self._waiting_bytes += len(parcel.body)

    def take_back(self, count: int) -> list[Parcel]:
        """Give up to `count` parcels that wait, the newest, in their order; then those to be sent again."""
        parcels = [self._waiting.pop() for _ in range(min(count, len(self._waiting)))]
        parcels.reverse()
        self._waiting_bytes -= sum(len(parcel.body) for parcel in parcels)
        while self._again and len(parcels) < count:
            # The end of a heap may be cut off without harm. A message is taken whole, so a few more may come.
            parcels += self._again.pop()[2].parcels
        return parcels

    def send_again(self, messages: Iterable[Message], due: float) -> None:
        """Send these messages again, not before `due`."""
        for message in messages:
            heapq.heappush(self._again, (due, next(self._order), message))

    def next_due(self) -> float | None:
        """When `take` has something next, if nothing is added; None when all is empty."""
        dues = []
        if self._waiting:
            since = self._waiting[0].waits_since
            dues.append(since if self.is_full else since + self._linger_seconds)
        if self._again:
            dues.append(self._again[0][0])
        return min(dues, default=None)

    def take(self, now: float, *, is_flushing: bool = False) -> list[Message]:
        """Give the next batch that is ready, or an empty list. Flushing makes every waiting parcel ready."""
        batch: list[Message] = []
        room = MAX_BATCH_BYTES
        while self._again and self._again[0][0] <= now and len(batch) < MAX_BATCH_ENTRIES:
            if batch and self._again[0][2].size_bytes > room:
                break
            batch.append(heapq.heappop(self._again)[2])
            room -= batch[-1].size_bytes
        is_ready = bool(self._waiting) and (
            is_flushing or self.is_full or self._waiting[0].waits_since + self._linger_seconds <= now
        )
        while is_ready and self._waiting and len(batch) < MAX_BATCH_ENTRIES:
            parcels, size = self._next_parcels(room, is_first=not batch)
            if not parcels:
                break
            batch.append(Message(parcels, self._events_per_message > 1))
            room -= size
        return batch

    def _next_parcels(self, room: int, *, is_first: bool) -> tuple[list[Parcel], int]:
        """Take one message's parcels; give them and its size, at most `room`. The first always gets one."""
        waiting, parcels, size = self._waiting, list[Parcel](), MESSAGE_BYTES
        while waiting and len(parcels) < self._events_per_message:
            body_bytes = len(waiting[0].body)
            if size + body_bytes + COMMA_BYTES > room and not (is_first and not parcels):
                break
            parcels.append(waiting.popleft())
            self._waiting_bytes -= body_bytes
            size += body_bytes + COMMA_BYTES
        return parcels, size
