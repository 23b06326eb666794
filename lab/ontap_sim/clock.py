"""Time stamps of operations: microseconds since 1970, no two alike, never backwards."""

from __future__ import annotations

import time


class Clock:
    """The one source of operation times of a simulator."""

    def __init__(self) -> None:
        self._last = 0

    def next_us(self) -> int:
        """Give the present time, moved on if it was given before."""
        self._last = max(time.time_ns() // 1000, self._last + 1)
        return self._last
