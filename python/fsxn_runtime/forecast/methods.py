"""Ways to continue a series, and what each is good at. Pure.

Each takes evenly binned points (`binned`) and gives a `Fit`, or raises ValueError when it cannot. Lengths of
time are shares of the window, so that a short window is treated as a long one in small.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from fsxn_runtime.forecast.lines import linear_regression, median_slope
from fsxn_runtime.forecast.model import Point

# 7140 pairs for a median slope: some 2 ms. More bins make no estimate better (usage changes over hours).
MAX_BINS = 120
_BIN_HOURS = (1, 2, 3, 4, 6, 8, 12, 24)  # each divides a day, so a week is a whole number of bins
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Fit:
    """A line, and for a weekly season what each day of the week adds (by days since 1970, modulo 7)."""

    slope: float
    intercept: float
    season: tuple[float, ...] = ()

    def at(self, day: float) -> float:
        """Predict the value at a time."""
        return self.intercept + self.slope * day + self._seasonal(math.floor(day))

    def first_at_or_above(self, value: float, start: float) -> float | None:
        """Give the first time from `start` on at which the prediction reaches the value; None: never.

        A line that falls or stands still reaches nothing, whatever its season does.
        """
        if self.slope <= 0:
            return None
        highest = max(self.season, default=0.0)
        earliest = max(start, (value - highest - self.intercept) / self.slope)
        if not math.isfinite(earliest) or not self.season:
            return earliest if math.isfinite(earliest) else None
        first = math.floor(earliest)
        # Within a week the highest day comes round, so one of these is met.
        return next(
            max(earliest, reached, float(day))
            for day in range(first, first + _WEEK)
            if (reached := (value - self._seasonal(day) - self.intercept) / self.slope) < day + 1
        )

    def moved(self, by: float, per_day: float, start: float) -> Fit:
        """Give the same, `by` higher at `start` and `per_day` steeper from there."""
        return replace(self, slope=self.slope + per_day, intercept=self.intercept + by - per_day * start)

    def _seasonal(self, day: int) -> float:
        return self.season[day % _WEEK] if self.season else 0.0


def bin_days(window_days: float) -> float:
    """Choose a bin's width in days, so that a window has at most MAX_BINS."""
    for hours in _BIN_HOURS:
        if window_days * 24 <= MAX_BINS * hours:
            return hours / 24
    return float(math.ceil(window_days / MAX_BINS))


def binned(points: Sequence[Point], width: float) -> list[Point]:
    """Give each bin that has points as one: the median of its times and of its values."""
    bins: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        bins[math.floor(point[0] / width)].append(point)
    return [
        (median(day for day, _ in found), median(value for _, value in found))
        for _, found in sorted(bins.items())
    ]


def line(points: Sequence[Point], _width: float) -> Fit:
    """Least squares: best where growth is steady and noise is small."""
    return Fit(*linear_regression(points))


def robust(points: Sequence[Point], _width: float) -> Fit:
    """Median of all slopes: not moved by a burst that came and went."""
    slope = median_slope(points, _span(points) / 60, math.inf)
    return Fit(slope, median(value - slope * day for day, value in points))


def recent(points: Sequence[Point], _width: float) -> Fit:
    """Median of slopes over a quarter of the window, from the level of its last days.

    Not moved by a clean-up or a data set moved in: few such pairs lie across the step, and the level is the
    one after it. Follows a rate that changes slowly.
    """
    span = _span(points)
    slope = median_slope(points, span / 30, span / 4)
    last = points[-1][0]
    return Fit(slope, median(value - slope * day for day, value in points if day > last - span / 15))


def weekly(points: Sequence[Point], width: float) -> Fit:
    """Median of slopes over whole weeks, and a height for each day of the week: for usage that has a week."""
    if _span(points) < 2 * _WEEK - width or width > 1:
        raise ValueError(f"{_span(points):g} days in bins of {width:g} show no week twice")
    by_bin = {math.floor(day / width): value for day, value in points}
    week = round(_WEEK / width)
    slopes = [
        (by_bin[number + weeks * week] - value) / (weeks * _WEEK)
        for number, value in by_bin.items()
        for weeks in range(1, math.floor(_span(points) / _WEEK) + 1)
        if number + weeks * week in by_bin
    ]
    if not slopes:
        raise ValueError("no two points are whole weeks apart")
    slope = median(slopes)
    intercept = median(value - slope * day for day, value in points)
    days: dict[int, list[float]] = defaultdict(list)
    for day, value in points:
        days[math.floor(day) % _WEEK].append(value - slope * day - intercept)
    return Fit(slope, intercept, tuple(median(days[day]) if day in days else 0.0 for day in range(_WEEK)))


Method = Callable[[Sequence[Point], float], Fit]
# The plain line is first: it is taken unless another is clearly better.
METHODS: Mapping[str, Method] = {"line": line, "robust": robust, "recent": recent, "weekly": weekly}


def _span(points: Sequence[Point]) -> float:
    return points[-1][0] - points[0][0]
