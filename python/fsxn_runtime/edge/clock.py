"""The clock, and how much of an invocation's time is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def now_us() -> int:
    """Give the time as microseconds since 1970."""
    return time.time_ns() // 1000


class TimeBudget:
    """Says whether there is time to start something, keeping a reserve for reporting what is unfinished."""

    __slots__ = ("_remaining_ms", "_reserve_ms")

    def __init__(self, remaining_ms: Callable[[], int], reserve_ms: int) -> None:
        self._remaining_ms = remaining_ms
        self._reserve_ms = reserve_ms

    @classmethod
    def of(cls, context: Any, reserve_ms: int) -> TimeBudget:
        """Take the remaining time from a Lambda context."""
        return cls(context.get_remaining_time_in_millis, reserve_ms)

    def has(self, cost_ms: int) -> bool:
        """Say whether work of this length (milliseconds, an upper estimate) may still start."""
        return self._remaining_ms() - self._reserve_ms >= cost_ms
