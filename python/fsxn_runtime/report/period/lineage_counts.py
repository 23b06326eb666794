"""Lineage of a period, counted: records by workload and status, how long the work took, records by hour.

Counted by the hour of writing, as the export does: that is what an index has, and what never changes later.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Final

from fsxn_runtime.report.period.collecting import Period, stamp
from fsxn_runtime.report.statistics import spread

READERS: Final = 8  # an hour's query is waiting; eight keep two cores busy
_HOUR: Final = 3600
_HOUR_LENGTH: Final = len("2026-01-31T23")

Row = Mapping[str, Any]


def hours_of(period: Period) -> list[str]:
    """Give every hour that the period touches, as the table writes it. Pure."""
    first = period.start - period.start % _HOUR
    return [stamp(time)[:_HOUR_LENGTH] for time in range(first, period.end, _HOUR)]


def count_lineage(of_hour: Callable[[str], Iterable[Row]], period: Period) -> dict[str, Any]:
    """Count the records of every hour that the period touches.

    `of_hour` gives an hour's rows and may raise the errors of `edge.aws_errors`. Rows are counted as they
    come and not kept.
    """
    hours = hours_of(period)
    with ThreadPoolExecutor(READERS) as pool:
        counted = list(pool.map(lambda hour: _Counts.of(of_hour(hour)), hours))
    total = _Counts()
    for each in counted:
        total.add(each)
    return {
        "hours": [
            {"hour": hour, "statuses": dict(c.statuses)} for hour, c in zip(hours, counted, strict=True)
        ],
        "workloads": list(total.workloads()),
    }


class _Counts:
    """Counts of some rows."""

    def __init__(self) -> None:
        self._statuses: Counter[tuple[str, str]] = Counter()
        self._durations: dict[str, list[float]] = defaultdict(list)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> _Counts:
        """Count rows."""
        counts = cls()
        for row in rows:
            uc_id, status = str(row["uc_id"]), str(row["status"])
            counts._statuses[uc_id, status] += 1
            if status == "success":
                counts._durations[uc_id].append(float(row.get("duration_ms", 0)))
        return counts

    def add(self, other: _Counts) -> None:
        """Add what another counted."""
        self._statuses += other._statuses
        for uc_id, durations in other._durations.items():
            self._durations[uc_id] += durations

    @property
    def statuses(self) -> Counter[str]:
        """Give the records by status, of all workloads."""
        found: Counter[str] = Counter()
        for (_, status), count in self._statuses.items():
            found[status] += count
        return found

    def workloads(self) -> Iterator[dict[str, Any]]:
        """Give each workload's records by status, and the milliseconds that a success took."""
        for uc_id in sorted({uc_id for uc_id, _ in self._statuses}):
            took = spread(self._durations.get(uc_id, ()))
            yield {
                "uc_id": uc_id,
                "statuses": {
                    status: count for (mine, status), count in sorted(self._statuses.items()) if mine == uc_id
                },
                "duration_ms": asdict(took) if took else None,
            }
