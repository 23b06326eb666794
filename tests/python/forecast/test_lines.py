"""Lines through points, against numpy's and scipy's, and for any spacing of points."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.forecast import linear_regression
from fsxn_runtime.forecast.lines import median_slope, r_squared
from hypothesis import example, given
from hypothesis import strategies as st

from tests.data.forecast.series import HOURS_PER_DAY, make

DATA = Path(__file__).parents[2] / "data/forecast/lines.json"

# Seconds since 1970 to milliseconds of centuries; bytes of the largest file system, and far less.
times = st.floats(min_value=-1e13, max_value=1e13, allow_subnormal=False)
values = st.floats(min_value=-1e18, max_value=1e18, allow_subnormal=False)
series = st.lists(st.tuples(times, values), min_size=2, max_size=40, unique_by=lambda point: point[0])


@cache
def golden() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DATA.read_text())
    return loaded


def days(kind: str, seed: int) -> list[tuple[float, float]]:
    return [(hour / HOURS_PER_DAY, value) for hour, value in make(kind, seed).window]


@pytest.mark.parametrize("row", golden()["series"], ids=lambda row: f"{row['kind']}-{row['seed']}")
def test_the_line_and_its_r_squared_are_numpys(row: dict[str, Any]) -> None:
    points = days(row["kind"], row["seed"])
    assert len(points) == row["points"]
    slope, intercept = linear_regression(points)
    assert (slope, intercept) == (
        pytest.approx(row["slope"], rel=1e-9),
        pytest.approx(row["intercept"], rel=1e-9),
    )
    predicted = (intercept + slope * day for day, _ in points)
    assert r_squared([value for _, value in points], predicted) == pytest.approx(row["r_squared"], rel=1e-9)


@pytest.mark.parametrize("row", golden()["series"], ids=lambda row: f"{row['kind']}-{row['seed']}")
def test_the_median_slope_is_scipys(row: dict[str, Any]) -> None:
    points = days(row["kind"], row["seed"])[::24]
    assert median_slope(points, 0, math.inf) == pytest.approx(row["daily_theil_sen_slope"], rel=1e-12)


@pytest.mark.parametrize("row", golden()["points"], ids=lambda row: row["name"])
def test_awkward_spacings_give_numpys_line(row: dict[str, Any]) -> None:
    slope, intercept = linear_regression([tuple(point) for point in row["points"]])
    assert slope == pytest.approx(row["slope"], rel=1e-9, abs=1e-12)
    assert intercept == pytest.approx(row["intercept"], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ([], "two"),
        ([(1.0, 2.0)], "two"),
        ([(1.0, 2.0), (1.0, 3.0)], "two"),
        ([(1.0, math.nan), (2.0, 3.0)], "finite"),
        ([(math.inf, 1.0), (2.0, 3.0)], "finite"),
    ],
)
def test_what_has_no_line_is_refused(points: list[tuple[float, float]], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        linear_regression(points)


@given(series)
@example([(0.0, 0.0), (1.0, 1e18)])
@example([(1e13, 1.0), (1e13 - 1, 2.0), (-1e13, 1e18)])
def test_no_other_line_through_the_middle_is_nearer(points: list[tuple[float, float]]) -> None:
    """Tilting the line about the middle of the points never lessens the sum of squares."""
    slope, _ = linear_regression(points)
    middle = (math.fsum(p[0] for p in points) / len(points), math.fsum(p[1] for p in points) / len(points))
    height = max(p[1] for p in points) - min(p[1] for p in points) or 1.0
    width = max(p[0] for p in points) - min(p[0] for p in points)

    def squares(tilt: float) -> float:
        return math.fsum(
            ((value - middle[1]) / height - (slope + tilt) * ((time - middle[0]) / height)) ** 2
            for time, value in points
        )

    for tilt in (0.01, -0.01):
        assert squares(0) <= squares(tilt * height / width) * (1 + 1e-9) + 1e-12


@given(series, st.integers(min_value=-20, max_value=20))
def test_another_unit_of_time_gives_the_same_line(points: list[tuple[float, float]], power: int) -> None:
    """A power of two changes no digit of a time."""
    slope, intercept = linear_regression(points)
    stretched = linear_regression([(time * 2.0**power, value) for time, value in points])
    assert (stretched[0] * 2.0**power, stretched[1]) == (
        pytest.approx(slope, rel=1e-12),
        pytest.approx(intercept, rel=1e-12),
    )


@given(series)
def test_the_median_slope_lies_between_the_slopes(points: list[tuple[float, float]]) -> None:
    ordered = sorted(points)
    slopes = [
        (b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(ordered) for b in ordered[i + 1 :] if b[0] > a[0]
    ]
    found = median_slope(ordered, 0.0, math.inf)
    assert min(slopes) <= found <= max(slopes)


@given(st.floats(-1e6, 1e6), st.floats(0.01, 1e4), st.integers(0, 29), st.floats(1, 1e9))
def test_one_burst_does_not_move_the_median_slope(base: float, slope: float, where: int, size: float) -> None:
    points = [(float(day), base + slope * day + size * (day == where)) for day in range(30)]
    assert median_slope(points, 0, math.inf) == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_no_pair_that_far_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="apart"):
        median_slope([(0.0, 1.0), (1.0, 2.0)], 5, 10)


def test_constant_values_are_explained_by_themselves_only() -> None:
    assert r_squared([2.0, 2.0], [2.0, 2.0]) == 1.0
    assert r_squared([2.0, 2.0], [2.0, 3.0]) == 0.0
