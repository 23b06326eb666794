"""What the forecast is worth: 70 committed series, each with the 14 days that follow what was seen.

`pytest -s tests/python/forecast/test_benchmark.py` prints the table of docs/topics/forecast.md, and
`FORECAST_SEEDS=100:130` measures other series.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import cache
from statistics import fmean, median

import pytest
from fsxn_runtime.forecast import Kind, Resource, Usage, forecast, linear_regression, projection

from tests.data.forecast.series import HOURS_PER_DAY, KINDS, SEEDS, Series, make

SSD = Resource(Kind.SSD, "ssd", "ssd")


@dataclass(frozen=True, slots=True)
class Measured:
    """One series: mean absolute error of the plain line and of the forecast, share within the interval."""

    method: str
    plain: float
    chosen: float
    covered: float


def measure(series: Series) -> Measured:
    seen = tuple((hour / HOURS_PER_DAY, value) for hour, value in series.window)
    future = [(hour / HOURS_PER_DAY, value) for hour, value in series.future]
    usage = Usage(SSD, seen, tuple((hour / HOURS_PER_DAY, value) for hour, value in series.capacity))
    slope, intercept = linear_regression(seen)
    rows = projection(usage, [day for day, _ in future])
    values = [value for _, value in future]
    return Measured(
        method=forecast(usage, seen[-1][0], 2).method,
        plain=fmean(abs(value - slope * day - intercept) for day, value in future),
        chosen=fmean(abs(value - row[1]) for value, row in zip(values, rows, strict=True)),
        covered=fmean(row[2] <= value <= row[3] for value, row in zip(values, rows, strict=True)),
    )


@cache
def measured() -> dict[str, list[Measured]]:
    first, _, last = os.environ.get("FORECAST_SEEDS", f"{SEEDS.start}:{SEEDS.stop}").partition(":")
    seeds = range(int(first), int(last))
    return {kind: [measure(make(kind, seed)) for seed in seeds] for kind in KINDS}


def everything() -> list[Measured]:
    return [one for kind in measured().values() for one in kind]


def row(name: str, found: list[Measured]) -> str:
    methods = ", ".join(
        f"{method} {count}" for method, count in Counter(m.method for m in found).most_common()
    )
    return (
        f"| {name} | {median(m.plain for m in found):.2f} | {median(m.chosen for m in found):.2f} "
        f"| {100 * fmean(m.covered for m in found):.0f} % | {methods} |"
    )


def test_the_forecast_beats_the_plain_line_in_median_error_over_all_series() -> None:
    for name, found in [*measured().items(), ("all", everything())]:
        print(row(name, found))
    assert len(everything()) >= 50
    assert median(m.chosen for m in everything()) < 0.5 * median(m.plain for m in everything())


def test_on_pure_lines_the_forecast_is_at_most_5_percent_worse_than_the_line() -> None:
    lines = measured()["line"]
    assert median(m.chosen for m in lines) <= 1.05 * median(m.plain for m in lines)


def test_nine_of_ten_later_points_lie_within_the_interval() -> None:
    assert fmean(m.covered for m in everything()) == pytest.approx(0.90, abs=0.05)


@pytest.mark.parametrize("kind", ["bursts", "clean-ups", "levels", "seasons"])
def test_what_a_line_cannot_follow_is_followed(kind: str) -> None:
    found = measured()[kind]
    assert median(m.chosen for m in found) < median(m.plain for m in found) * 2 / 3
