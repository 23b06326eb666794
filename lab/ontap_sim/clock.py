"""The storage system's clock: operation times, and the time that REST shows. A fault may set it wrong."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The one source of times of a simulator."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0  # how far the storage system's clock is from the machine's
        self._last = 0

    def seconds(self) -> float:
        """Give the present time in seconds since 1970."""
        return time.time() + self.offset_seconds

    def now(self) -> datetime:
        """Give the present time."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def next_us(self) -> int:
        """Give the present time in microseconds since 1970, moved on if it was given before.

        No two operations have the same time, and none an earlier one than the last.
        """
        shift = int(self.offset_seconds * 1_000_000)
        self._last = max(time.time_ns() // 1000 + shift, self._last + 1)
        return self._last


def shown(moment: datetime) -> str:
    """Write a time as REST does."""
    return moment.isoformat(timespec="seconds")
