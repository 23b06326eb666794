"""The time budget keeps its reserve."""

from __future__ import annotations

import time

from fsxn_runtime.edge.clock import TimeBudget, now_us


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 5000


def test_work_starts_only_while_its_cost_and_the_reserve_remain() -> None:
    budget = TimeBudget.of(Context(), reserve_ms=2000)
    assert budget.has(3000)
    assert not budget.has(3001)


def test_the_clock_counts_microseconds() -> None:
    assert abs(now_us() / 1e6 - time.time()) < 5
