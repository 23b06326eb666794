"""Pure decisions of the forecast: which method, when full, how sure, and whether anybody must be told.

Usage is forecast, not its share of the capacity: a capacity that grew within the window changes no slope.
Figures of every choice here: docs/topics/forecast.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from fsxn_runtime.events import format_timestamp
from fsxn_runtime.forecast.lines import r_squared
from fsxn_runtime.forecast.methods import METHODS, Fit, bin_days, binned
from fsxn_runtime.forecast.model import (
    HORIZON_DAYS,
    US_PER_DAY,
    CapacityChange,
    Data,
    Forecast,
    Level,
    Outcome,
    Point,
    Usage,
    moment,
)

POINT_DAYS = 1 / 24  # metrics are read by the hour
# Without a point for a day nothing is said: the metric's name, the permission or the file system is gone.
STALE_DAYS = 1.0
# From here on ONTAP itself calls a volume full: the default of space.full_threshold_percent (ONTAP
# documentation, volume modify; not measured here). Writes may fail before the last byte, and what is stuck
# there grows no more, so that its line says "not growing" or names a day in years.
NEARLY_FULL = 0.98
_TOO_LITTLE = frozenset(
    {Outcome.TOO_FEW_POINTS, Outcome.WINDOW_TOO_SHORT}
)  # to draw a line, not to see a level
# How much of the window's end is held back, one after the other: 14, 10, 7, 4 and 2 of 30 days.
HELD_BACK = (14 / 30, 10 / 30, 7 / 30, 4 / 30, 2 / 30)
_LEAST_BINS = 8  # fewer to learn from say nothing about a method
# Another method must be this much better than the line: chance alone makes one of three a little better.
_CLEARLY_BETTER = 0.9
_PROBABILITY = 0.9
# An error is taken to double within this part of the window. With a quarter, growth whose rate wanders was
# within the interval on 84 % of the tuning series' days; a twelfth is the first that gave 90 %
# (docs/topics/forecast.md).
_DOUBLED = 12
# Less is rounding of the aggregate's usable size; FSx grows an SSD tier by at least 10 % (UpdateFileSystem).
_CAPACITY_STEP = 0.01
_REARM = 1.1  # a forecast that swings around the threshold is told once


@dataclass(frozen=True, slots=True)
class _Test:
    """What a method did on held-back points: (days ahead, absolute error) of each."""

    misses: tuple[tuple[float, float], ...]

    @property
    def score(self) -> float:
        return median(error for _, error in self.misses)


@dataclass(frozen=True, slots=True)
class _Band:
    """Half the width of the prediction interval: `base` at least, else `now` and `per_day` more each day."""

    base: float
    now: float
    per_day: float

    def half(self, ahead: float) -> float:
        """Give half the width so many days after the last point."""
        return max(self.base, self.now + self.per_day * ahead)


@dataclass(frozen=True, slots=True)
class _Model:
    """The chosen method, continued, with what each method missed. `end` is the time of the last point."""

    method: str
    fit: Fit
    band: _Band | None
    errors: Mapping[str, float]
    end: float


def forecast(usage: Usage, now: float, minimum_window_days: float) -> Forecast:
    """Say when one resource is full. `now` and times of points are days since 1970."""
    data = _describe(usage.used, now)
    capacity = usage.capacity[-1][1] if usage.capacity else 0.0
    used = usage.used[-1][1] if usage.used else 0.0
    nearly = used >= NEARLY_FULL * capacity
    outcome = _obstacle(data, used, capacity, minimum_window_days)
    if outcome in _TOO_LITTLE and nearly and capacity > 0 and data.age_hours <= STALE_DAYS * 24:
        outcome = Outcome.NEARLY_FULL
    if outcome is not None:
        return _plain(usage, outcome, data, used, capacity)

    model = _model(usage.used)
    full = model.fit.first_at_or_above(capacity, now)
    days = _days(full, now)
    if nearly and (days is None or days > data.window_days):  # nothing in the window says when, only that
        outcome, until, date = Outcome.NEARLY_FULL, 0.0, _date(0.0, now)
    elif days is None:
        outcome, until, date = Outcome.NOT_GROWING, -1.0, ""
    else:  # not 0: the last point says that it is not full
        outcome, until, date = Outcome.FORECAST, max(days, POINT_DAYS), _date(days, now)
    return Forecast(
        resource=usage.resource,
        outcome=outcome,
        days_until_full=until,
        forecast_date=date,
        current_usage_pct=100 * used / capacity,
        used=used,
        capacity=capacity,
        growth_per_day=model.fit.slope,
        data=data,
        method=model.method,
        r_squared=r_squared([v for _, v in usage.used], (model.fit.at(day) for day, _ in usage.used)),
        earliest_days=_days(_earliest(model, capacity, now), now),
        latest_days=_days(_latest(model, capacity, now), now),
        errors=model.errors,
        capacity_changes=capacity_changes(usage.capacity),
    )


def projection(usage: Usage, days: Sequence[float]) -> list[tuple[float, float, float, float]]:
    """Predict the usage at times after the last point: (time, value, lower and upper end of the interval).

    Without a tested method both ends are the value itself. Raises ValueError below two points of different
    times.
    """
    model = _model(usage.used)
    rows = []
    for day in days:
        value = model.fit.at(day)
        half = 0.0 if model.band is None else model.band.half(day - usage.used[-1][0])
        rows.append((day, value, value - half, value + half))
    return rows


def look_ahead(usage: Usage, found: Forecast, days: int) -> list[tuple[float, float, float, float]]:
    """Predict twice a day, from the last point on; nothing when there is no trend to draw."""
    if not found.method:
        return []
    last = usage.used[-1][0]
    return projection(usage, [last + half / 2 for half in range(2 * days + 1)])


def choose(scores: Mapping[str, float]) -> str:
    """Name the method with the least error on held-back points; the line unless another is clearly better."""
    if "line" not in scores:
        return "line"
    best = min(scores, key=lambda name: scores[name])
    return best if scores[best] < _CLEARLY_BETTER * scores["line"] else "line"


def capacity_changes(capacity: Sequence[Point]) -> tuple[CapacityChange, ...]:
    """List where the capacity became another."""
    return tuple(
        CapacityChange(format_timestamp(round(day * US_PER_DAY)), before, after)
        for (_, before), (day, after) in pairwise(capacity)
        if abs(after - before) > _CAPACITY_STEP * max(before, after)
    )


def next_level(before: Level, found: Forecast, threshold_days: float) -> Level:
    """Say what is known to people once this forecast has been dealt with.

    Told is what rises: see `must_tell`. Missing data change nothing, and nearly above the threshold is not
    above it.
    """
    if found.outcome is Outcome.FULL:
        return Level.FULL
    if found.outcome is Outcome.NEARLY_FULL:  # between full and this nothing is told anew
        return Level.FULL if before is Level.FULL else Level.WARNED
    if found.outcome is Outcome.FORECAST and found.days_until_full <= threshold_days:
        return Level.WARNED
    if found.outcome is Outcome.FORECAST and found.days_until_full <= threshold_days * _REARM:
        return Level.WARNED if before is not Level.CLEAR else Level.CLEAR
    if found.outcome in (Outcome.FORECAST, Outcome.NOT_GROWING):
        return Level.CLEAR
    return before


def must_tell(before: Level, after: Level) -> bool:
    """Say whether the change is one for the worse: once per crossing, and at once when already full."""
    order = list(Level)
    return order.index(after) > order.index(before)


def _obstacle(data: Data, used: float, capacity: float, minimum_window_days: float) -> Outcome | None:
    """Say what stands in the way of a forecast; FULL needs none."""
    if data.point_count and capacity > 0 and data.age_hours <= STALE_DAYS * 24 and used >= capacity:
        return Outcome.FULL
    if data.point_count < 2:
        return Outcome.TOO_FEW_POINTS
    if capacity <= 0:
        return Outcome.NO_CAPACITY
    if data.age_hours > STALE_DAYS * 24:
        return Outcome.STALE
    if data.window_days < minimum_window_days:
        return Outcome.WINDOW_TOO_SHORT
    return None


def _describe(points: Sequence[Point], now: float) -> Data:
    if not points:
        return Data()
    window = points[-1][0] - points[0][0]
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(points)]
    return Data(
        point_count=len(points),
        window_days=window,
        coverage_pct=min(100.0, 100 * len(points) / (window / POINT_DAYS + 1)),
        longest_gap_hours=24 * max(gaps, default=0.0),
        age_hours=24 * max(0.0, now - points[-1][0]),
    )


def _model(used: Sequence[Point]) -> _Model:
    window = used[-1][0] - used[0][0]
    width = bin_days(window)
    points = binned(used, width)
    if len(points) < 2:  # all within one bin; the plain points are a line at least
        points = list(used)
    tests = _tests(points, width)
    errors = {name: test.score for name, test in tests.items()}
    method = choose(errors)
    fit = METHODS[method](points, width)
    return _Model(method, fit, _band(used, fit, tests.get(method), window), errors, used[-1][0])


def _tests(points: Sequence[Point], width: float) -> dict[str, _Test]:
    """Hold back the last days, let each method predict them; methods that cannot are left out."""
    last, span = points[-1][0], points[-1][0] - points[0][0]
    found: dict[str, _Test] = {}
    for name, method in METHODS.items():
        misses: list[tuple[float, float]] = []
        for share in HELD_BACK:
            end = last - share * span
            known = [point for point in points if point[0] <= end]
            if len(known) < _LEAST_BINS:
                continue
            try:
                fit = method(known, width)
            except ValueError:
                continue
            misses += [(day - end, abs(value - fit.at(day))) for day, value in points if day > end]
        if misses:
            found[name] = _Test(tuple(misses))
    return found


def _band(points: Sequence[Point], fit: Fit, test: _Test | None, window_days: float) -> _Band | None:
    """Take the interval's width from what the method missed; None when it could not be tested.

    Errors grow with the days ahead: each is divided by 1 + days / twelfth of the window before the quantile
    is taken. It is never less than what the points scatter around the fit now.
    """
    if test is None:
        return None
    doubled = window_days / _DOUBLED
    now = _quantile([error / (1 + ahead / doubled) for ahead, error in test.misses])
    return _Band(_quantile([abs(value - fit.at(day)) for day, value in points]), now, now / doubled)


def _quantile(values: Sequence[float]) -> float:
    return sorted(values)[math.ceil(_PROBABILITY * len(values)) - 1]


def _earliest(model: _Model, capacity: float, now: float) -> float | None:
    found = [edge.first_at_or_above(capacity, now) for edge in _edges(model, 1)]
    return min((time for time in found if time is not None), default=None)


def _latest(model: _Model, capacity: float, now: float) -> float | None:
    found = [edge.first_at_or_above(capacity, now) for edge in _edges(model, -1)]
    times = [time for time in found if time is not None]
    return max(times) if times and len(times) == len(found) else None


def _edges(model: _Model, sign: int) -> tuple[Fit, ...]:
    """Give the lines of which the interval's end is always the outer one; none for a method untested."""
    if model.band is None:
        return ()
    band, fit = model.band, model.fit
    return (
        fit.moved(sign * band.base, 0.0, model.end),
        fit.moved(sign * band.now, sign * band.per_day, model.end),
    )


def _days(full: float | None, now: float) -> float | None:
    return None if full is None else min(full - now, HORIZON_DAYS)


def _date(days: float | None, now: float) -> str:
    return "" if days is None or days >= HORIZON_DAYS else moment(now + days).date().isoformat()


def _plain(usage: Usage, outcome: Outcome, data: Data, used: float, capacity: float) -> Forecast:
    """Say what there is to say without a forecast."""
    full = outcome in (Outcome.FULL, Outcome.NEARLY_FULL)
    return Forecast(
        resource=usage.resource,
        outcome=outcome,
        days_until_full=0.0 if full else -1.0,
        forecast_date=moment(usage.used[-1][0]).date().isoformat() if full else "",
        current_usage_pct=100 * used / capacity if capacity > 0 else 0.0,
        used=used,
        capacity=capacity,
        growth_per_day=0.0,
        data=data,
        capacity_changes=capacity_changes(usage.capacity),
    )
