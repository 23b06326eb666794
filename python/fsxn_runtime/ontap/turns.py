"""Lets one thread in at a time, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque


class Turns:
    """A lock that is fair: with threading.Lock, a thread that asks without pause would starve the others."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()  # who is in, then who waits

    def take(self, seconds: float) -> bool:
        """Wait for one's turn; False when it did not come in time."""
        me, taken = object(), False
        with self._changed:
            self._queue.append(me)
            try:
                taken = self._changed.wait_for(lambda: self._queue[0] is me, max(0.0, seconds))
            finally:
                if not taken:
                    self._queue.remove(me)
                    self._changed.notify_all()
        return taken

    def give_back(self) -> None:
        """Let the next one in."""
        with self._changed:
            self._queue.popleft()
            self._changed.notify_all()
