"""The few statistics that a verification needs. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

PERCENTILES = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Spread:
    """Nearest-rank percentiles of one set of measurements, in the unit of the measurements."""

    count: int
    p50: float
    p90: float
    p99: float
    maximum: float


def spread(values: Sequence[float]) -> Spread | None:
    """Describe `values`; None when there are none (a figure without data is not 0)."""
    if not values:
        return None
    ordered = sorted(values)
    p50, p90, p99 = (percentile(ordered, percent) for percent in PERCENTILES)
    return Spread(len(ordered), p50, p90, p99, ordered[-1])


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Nearest-rank percentile of an ascending, non-empty sequence: always one of its values."""
    rank = max(1, math.ceil(percent * len(ordered) / 100))
    return ordered[rank - 1]


def displacements(times: Sequence[int]) -> list[int]:
    """How many places each entry stands from where it would stand in order of time.

    `times` are operation times in the order of arrival. 0 everywhere means in order; the largest possible
    value is len(times) - 1. Equal times keep their order of arrival, so they are never out of order.
    """
    order = sorted(range(len(times)), key=lambda position: (times[position], position))
    result = [0] * len(times)
    for rank, position in enumerate(order):
        result[position] = abs(position - rank)
    return result


def histogram(values: Sequence[float], bounds: Sequence[float]) -> list[int]:
    """Count values per bin: bin i holds values up to and including bounds[i]; the last bin holds the rest."""
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[next((i for i, bound in enumerate(bounds) if value <= bound), len(bounds))] += 1
    return counts
