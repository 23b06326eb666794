"""Perform operations at a rate, in groups: a call for each would measure the calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from fsxn_runtime.storm.model import Act

GROUP = 200  # one call of the simulator; at a low rate groups become smaller
GROUPS_A_SECOND = 20  # how even the rate is: a group every 50 ms


class Driver(Protocol):
    """Something that can perform operations in order."""

    def perform(self, group: Sequence[Act]) -> None: ...


def perform(
    operations: Iterable[Act],
    driver: Driver,
    rate_per_second: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[int, float]:
    """Perform all operations; give their number and the seconds that it took. Rate 0: as fast as possible.

    A driver that is slower than the rate is not hurried afterwards: the rate is a limit, never a debt.
    """
    size = GROUP if rate_per_second == 0 else max(1, min(GROUP, round(rate_per_second / GROUPS_A_SECOND)))
    started = clock()
    due, count = started, 0
    for group in _groups(operations, size):
        now = clock()
        if due > now:
            sleep(due - now)
        driver.perform(group)
        count += len(group)
        if rate_per_second:
            due = max(due, now) + len(group) / rate_per_second
    return count, clock() - started


def _groups(operations: Iterable[Act], size: int) -> Iterator[list[Act]]:
    remaining = iter(operations)
    while group := list(islice(remaining, size)):
        yield group
