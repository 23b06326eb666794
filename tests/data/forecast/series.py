"""Storage usage that is made up: 70 series of seven kinds, each with the days that follow.

Written before any forecasting model, and not to be changed to please one. A series is fixed by its kind and
seed. Times are hours from a Monday's midnight, values GiB. SOURCES.md says what each kind stands for.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

HOURS_PER_DAY = 24
WINDOW_DAYS = 30  # what a forecast sees (LOOKBACK_DAYS of the product)
FUTURE_DAYS = 14  # what it is measured against
SEEDS = range(10)  # of the committed series; whoever tunes a model takes others

Point = tuple[float, float]
Shape = Callable[[random.Random, list[float]], list[float]]


@dataclass(frozen=True, slots=True)
class Series:
    """One series: what is seen, what comes after it, and the capacity (hour, GiB) whenever it was read."""

    kind: str
    seed: int
    window: list[Point]
    future: list[Point]
    capacity: list[Point]


def make(kind: str, seed: int) -> Series:
    """Make one series; the same for the same kind and seed, on every Python."""
    rng = random.Random(f"{kind}-{seed}")
    start = rng.randrange(7) * HOURS_PER_DAY  # any day of the week
    hours = [float(start + hour) for hour in range((WINDOW_DAYS + FUTURE_DAYS) * HOURS_PER_DAY)]
    values = KINDS[kind](rng, hours)
    points = [(hour, max(0.0, value)) for hour, value in zip(hours, values, strict=True)]
    end = start + WINDOW_DAYS * HOURS_PER_DAY
    window = [point for point in points if point[0] < end]
    if kind == "gaps":
        window = _with_gaps(rng, window)
    return Series(
        kind, seed, window, [point for point in points if point[0] >= end], _capacity(rng, kind, window)
    )


def all_series(seeds: range = SEEDS) -> list[Series]:
    """Make every kind with every seed."""
    return [make(kind, seed) for kind in KINDS for seed in seeds]


def line(rng: random.Random, hours: list[float]) -> list[float]:
    """Make a pure line with white measuring noise."""
    base, per_day = _base(rng), rng.uniform(1.0, 12.0)
    sigma = rng.uniform(0.5, 6.0)
    return [base + per_day * _days(hours, i) + rng.gauss(0, sigma) for i in range(len(hours))]


def growth(rng: random.Random, hours: list[float]) -> list[float]:
    """Make growth that is no line: its rate wanders, usage is busier by day."""
    value, rate = _base(rng), rng.uniform(2.0, 12.0)
    wander, busy = rng.uniform(0.02, 0.08), rng.uniform(0.5, 4.0)
    values = []
    for hour in hours:
        rate = max(0.2, rate * (1 + rng.gauss(0, wander) / 5))
        value += rate / HOURS_PER_DAY + rng.gauss(0, 0.4)
        values.append(value + busy * (8 <= hour % HOURS_PER_DAY < 18) + rng.gauss(0, 0.5))
    return values


def bursts(rng: random.Random, hours: list[float]) -> list[float]:
    """Make a line on which data come for some hours or days and go again."""
    values = line(rng, hours)
    for _ in range(rng.choice((1, 2, 2, 3))):
        first = rng.randrange(len(hours))
        size = rng.uniform(40.0, 250.0)
        for i in range(first, min(len(hours), first + rng.randrange(6, 60))):
            values[i] += size
    return values


def clean_ups(rng: random.Random, hours: list[float]) -> list[float]:
    """Make a line on which much is deleted at once and stays away."""
    values = line(rng, hours)
    last = len(hours) if rng.random() < 0.15 else WINDOW_DAYS * HOURS_PER_DAY  # seldom in the future
    for _ in range(rng.choice((1, 1, 2))):
        first = rng.randrange(2 * HOURS_PER_DAY, last)
        size = rng.uniform(30.0, 180.0)
        for i in range(first, len(hours)):
            values[i] -= size
    return values


def seasons(rng: random.Random, hours: list[float]) -> list[float]:
    """Make a week that repeats: work fills up to Friday, the weekend clears a part of it."""
    values = line(rng, hours)
    by_day = [rng.uniform(0.0, 1.0) * (day < 5) for day in range(7)]
    size = rng.uniform(20.0, 120.0)
    heights, height = [], 0.0
    for day in by_day:
        height = height + day if day else 0.0
        heights.append(height)
    top = max(heights)
    return [
        value + size * heights[int(hour // HOURS_PER_DAY) % 7] / top
        for hour, value in zip(hours, values, strict=True)
    ]


def gaps(rng: random.Random, hours: list[float]) -> list[float]:
    """Make noise that has a memory; `make` then takes points away."""
    base, per_day = _base(rng), rng.uniform(1.0, 12.0)
    sigma, memory = rng.uniform(0.3, 2.0), rng.uniform(0.8, 0.98)
    noise, values = 0.0, []
    for i in range(len(hours)):
        noise = memory * noise + rng.gauss(0, sigma)
        values.append(base + per_day * _days(hours, i) + noise)
    return values


def levels(rng: random.Random, hours: list[float]) -> list[float]:
    """Make a line onto which data sets are moved to stay; `make` grows the capacity along with it."""
    values = line(rng, hours)
    for _ in range(rng.choice((1, 1, 2))):
        first = rng.randrange(2 * HOURS_PER_DAY, WINDOW_DAYS * HOURS_PER_DAY)
        size = rng.uniform(60.0, 300.0)
        for i in range(first, len(hours)):
            values[i] += size
    return values


KINDS: Mapping[str, Shape] = {
    "line": line,
    "growth": growth,
    "bursts": bursts,
    "clean-ups": clean_ups,
    "seasons": seasons,
    "gaps": gaps,
    "levels": levels,
}


def _base(rng: random.Random) -> float:
    return rng.uniform(300.0, 900.0)


def _days(hours: list[float], index: int) -> float:
    return (hours[index] - hours[0]) / HOURS_PER_DAY


def _with_gaps(rng: random.Random, window: list[Point]) -> list[Point]:
    """Take one to three stretches of up to four days away, and single points all over."""
    hidden: set[int] = {i for i in range(len(window)) if rng.random() < 0.1}
    for _ in range(rng.choice((1, 2, 3))):
        first = rng.randrange(len(window) - 5 * HOURS_PER_DAY)
        hidden |= set(range(first, first + rng.randrange(12, 4 * HOURS_PER_DAY)))
    return [point for i, point in enumerate(window) if i not in hidden]


def _capacity(rng: random.Random, kind: str, window: list[Point]) -> list[Point]:
    """Capacity at every point seen: 1536 GiB, and for `levels` one growth by 10 to 50 percent."""
    size = 1536.0
    grown = size * rng.uniform(1.1, 1.5)
    when = window[rng.randrange(len(window))][0] if kind == "levels" else float("inf")
    return [(hour, grown if hour >= when else size) for hour, _ in window]
