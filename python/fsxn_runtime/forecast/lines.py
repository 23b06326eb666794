"""Straight lines through points: least squares, and the median of slopes. Pure.

Times and values are plain numbers in any unit; a slope is value units per time unit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median

Point = tuple[float, float]


def linear_regression(points: Sequence[Point]) -> tuple[float, float]:
    """Give slope and intercept of the least-squares line.

    Centred and scaled before anything is squared, with exact sums, so that times such as seconds since 1970
    with bytes of a large file system lose nothing. Raises ValueError below two points of different times,
    and for numbers that are not finite.
    """
    if not all(math.isfinite(number) for point in points for number in point):
        raise ValueError("a point is not finite")
    times, values = [point[0] for point in points], [point[1] for point in points]
    width = max(times) - min(times) if times else 0.0
    if width == 0.0:
        raise ValueError(f"{len(set(times))} points of different times; a line needs two")
    height = (max(values) - min(values)) or 1.0
    mean_time, mean_value = _mean(times), _mean(values)
    x = [(time - mean_time) / width for time in times]
    y = [(value - mean_value) / height for value in values]
    slope = math.fsum(a * b for a, b in zip(x, y, strict=True)) / math.fsum(a * a for a in x)
    slope *= height / width
    return slope, mean_value - slope * mean_time


def median_slope(points: Sequence[Point], shortest: float, longest: float) -> float:
    """Give the median slope of all pairs whose times are that far apart (Theil and Sen's estimate).

    A burst or a clean-up spoils fewer than half of the pairs, and so does not move it far. Raises ValueError
    when no pair is that far apart.
    """
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for place, earlier in enumerate(points)
        for later in points[place + 1 :]
        if shortest <= later[0] - earlier[0] <= longest
    ]
    if not slopes:
        raise ValueError(f"no two points are {shortest:g} to {longest:g} apart")
    return median(slopes)


def r_squared(values: Sequence[float], predicted: Iterable[float]) -> float:
    """Give the share of the values' variance that a prediction explains, 0 to 1."""
    mean_value = _mean(values)
    left = math.fsum((value - guess) ** 2 for value, guess in zip(values, predicted, strict=True))
    whole = math.fsum((value - mean_value) ** 2 for value in values)
    if whole == 0.0:
        return 1.0 if left == 0.0 else 0.0
    return min(1.0, max(0.0, 1.0 - left / whole))


def _mean(numbers: Sequence[float]) -> float:
    return math.fsum(numbers) / len(numbers)
