"""When something is full, what stands in the way of saying so, and who is told when."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable

import pytest
from fsxn_runtime.forecast import Kind, Outcome, Resource, Usage, forecast, projection
from fsxn_runtime.forecast.core import (
    HELD_BACK,
    HORIZON_DAYS,
    capacity_changes,
    choose,
    must_tell,
    next_level,
)
from fsxn_runtime.forecast.methods import MAX_BINS, METHODS, Fit, bin_days, binned
from fsxn_runtime.forecast.model import CapacityChange, Forecast, Level
from hypothesis import given
from hypothesis import strategies as st

SSD = Resource(Kind.SSD, "ssd", "fs-1")
NOW = 20_000.0  # days since 1970


def usage(
    value: Callable[[float], float],
    days: float = 30.0,
    capacity: float = 1000.0,
    step: float = 1 / 24,
    end: float = NOW,
) -> Usage:
    """Usage by days before `end` (negative up to 0)."""
    count = round(days / step)
    used = tuple((end - i * step, value(-i * step)) for i in range(count, -1, -1))
    return Usage(SSD, used, ((end, capacity),))


def growing(per_day: float, now: float = 500.0) -> Callable[[float], float]:
    return lambda day: now + per_day * day


def of(found: Usage, minimum_window_days: float = 2) -> Forecast:
    return forecast(found, NOW, minimum_window_days)


def test_a_line_is_full_where_it_meets_the_capacity() -> None:
    found = of(usage(growing(10.0)))
    assert found.outcome is Outcome.FORECAST
    assert found.days_until_full == pytest.approx(50.0, abs=1e-6)
    assert found.forecast_date == "2024-11-23"  # day 20000 is 2024-10-04
    assert found.growth_per_day == pytest.approx(10.0)
    assert found.current_usage_pct == pytest.approx(50.0)
    assert found.method == "line"
    assert found.r_squared == pytest.approx(1.0)
    assert found.earliest_days == pytest.approx(50.0, abs=0.01)
    assert found.latest_days == pytest.approx(50.0, abs=0.01)


def test_two_points_are_enough_for_a_line_and_no_interval() -> None:
    found = of(Usage(SSD, ((NOW - 10, 100.0), (NOW, 200.0)), ((NOW, 1000.0),)))
    assert found.days_until_full == pytest.approx(80.0)
    assert (found.earliest_days, found.latest_days, dict(found.errors or {})) == (None, None, {})


@pytest.mark.parametrize(
    ("given_usage", "outcome"),
    [
        (Usage(SSD, (), ((NOW, 1000.0),)), Outcome.TOO_FEW_POINTS),
        (Usage(SSD, ((NOW, 1.0),), ((NOW, 1000.0),)), Outcome.TOO_FEW_POINTS),
        (usage(growing(0.0)), Outcome.NOT_GROWING),
        (usage(growing(-3.0)), Outcome.NOT_GROWING),
        (usage(growing(3.0), days=1.5), Outcome.WINDOW_TOO_SHORT),
        (usage(growing(3.0), end=NOW - 1.05), Outcome.STALE),
        (usage(growing(3.0), capacity=0.0), Outcome.NO_CAPACITY),
        (Usage(SSD, usage(growing(3.0)).used, ()), Outcome.NO_CAPACITY),
    ],
)
def test_no_forecast_is_minus_one_and_says_why(given_usage: Usage, outcome: Outcome) -> None:
    found = of(given_usage)
    assert (found.outcome, found.days_until_full, found.forecast_date) == (outcome, -1.0, "")
    assert not found.available


@pytest.mark.parametrize("per_day", [5.0, 0.0, -5.0])
def test_what_is_full_has_0_days_whatever_its_trend(per_day: float) -> None:
    found = of(usage(growing(per_day, now=1000.0)))
    assert (found.outcome, found.days_until_full, found.forecast_date) == (Outcome.FULL, 0.0, "2024-10-04")
    assert found.available


@pytest.mark.parametrize("per_day", [0.0, 0.01, -0.01])
def test_what_is_stuck_just_below_full_is_nearly_full_and_not_silent(per_day: float) -> None:
    """Else it would be "not growing", or full in years, and no alarm, while nothing can be written."""
    found = of(usage(growing(per_day, now=995.0)))
    assert (found.outcome, found.days_until_full, found.forecast_date) == (
        Outcome.NEARLY_FULL,
        0.0,
        "2024-10-04",
    )
    assert found.available
    assert found.current_usage_pct == pytest.approx(99.5)
    assert found.method


def test_what_grows_into_the_last_percent_has_its_day() -> None:
    found = of(usage(growing(1.0, now=990.0)))
    assert (found.outcome, found.days_until_full) == (Outcome.FORECAST, pytest.approx(10.0))


def test_a_new_volume_that_is_nearly_full_is_so_without_a_line() -> None:
    found = of(usage(growing(0.0, now=990.0), days=1))
    assert (found.outcome, found.method) == (Outcome.NEARLY_FULL, "")


@pytest.mark.parametrize(("now", "outcome"), [(979.9, Outcome.NOT_GROWING), (980.0, Outcome.NEARLY_FULL)])
def test_nearly_full_begins_at_98_percent(now: float, outcome: Outcome) -> None:
    assert of(usage(growing(0.0, now=now))).outcome is outcome


def test_old_points_do_not_say_that_it_is_nearly_full_now() -> None:
    assert of(usage(growing(0.0, now=995.0), days=1, end=NOW - 2)).outcome is Outcome.STALE


def test_what_is_not_full_yet_never_has_0_days() -> None:
    """The fitted line lies above the capacity already, the last point below it."""
    found = of(usage(lambda day: 950.0 + 5 * day + (60.0 if -10 < day < -0.02 else 0.0)))
    assert found.outcome is Outcome.FORECAST
    assert found.days_until_full > 0


@pytest.mark.parametrize("per_day", [1e-3, 1e-12, 1e-200])
def test_a_far_future_is_the_horizon_without_a_date(per_day: float) -> None:
    found = of(Usage(SSD, ((NOW - 5, 0.0), (NOW, 5 * per_day)), ((NOW, 1e12),)))
    assert found.days_until_full in (HORIZON_DAYS, -1.0)
    assert found.forecast_date == ""
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_capacity_that_grew_changes_no_slope_and_is_reported() -> None:
    grown = usage(growing(10.0))
    capacity = tuple((day, 800.0 if day < NOW - 10 else 1000.0) for day, _ in grown.used)
    found = of(Usage(SSD, grown.used, capacity))
    assert found.days_until_full == pytest.approx(50.0, abs=1e-6)
    (change,) = found.capacity_changes
    assert (change.before, change.after, change.at[:10]) == (800.0, 1000.0, "2024-09-24")


def test_a_wobble_of_the_capacity_is_no_change() -> None:
    assert capacity_changes([(0.0, 1000.0), (1.0, 1005.0), (2.0, 1000.0)]) == ()
    assert capacity_changes([(0.0, 1000.0), (0.5, 900.0)]) == (
        CapacityChange("1970-01-01T12:00:00.000000Z", 1000.0, 900.0),
    )


def test_a_clean_up_does_not_hide_the_growth_after_it() -> None:
    found = of(usage(lambda day: 600 + 8 * day + (300 if day < -12 else 0)))
    assert found.method == "recent"
    assert found.growth_per_day == pytest.approx(8.0, rel=0.01)
    assert found.days_until_full == pytest.approx(50.0, rel=0.02)


def test_a_burst_that_went_is_no_growth() -> None:
    found = of(usage(lambda day: 600 + 2 * day + (200 if -9 < day < -6 else 0)))
    assert found.growth_per_day == pytest.approx(2.0, rel=0.05)


def test_a_week_is_found_and_the_first_peak_over_the_capacity_counts() -> None:
    """Usage rises over the week and falls at its end; the trend alone would be full two weeks later."""

    def value(day: float) -> float:
        return 900 + 2 * day + 10 * (math.floor(NOW + day) % 7)

    found = of(usage(value, capacity=990.0))
    assert found.method == "weekly"
    full = next(n for n in range(1, 100) if value(n) >= 990 or value(n + 0.999) >= 990)
    assert full <= found.days_until_full <= full + 1


def test_two_points_within_minutes_are_a_line_when_no_window_is_asked_for() -> None:
    minutes = Usage(SSD, ((NOW - 0.02, 100.0), (NOW - 0.01, 101.0)), ((NOW, 1000.0),))
    assert of(minutes, 0).growth_per_day == pytest.approx(100.0)


def test_gaps_are_seen() -> None:
    whole = usage(growing(10.0))
    holed = tuple(point for point in whole.used if not NOW - 12 < point[0] < NOW - 9)
    found = of(Usage(SSD, holed, whole.capacity))
    assert found.data.longest_gap_hours == pytest.approx(72, abs=1.1)
    assert found.data.coverage_pct == pytest.approx(90, abs=1)
    assert found.days_until_full == pytest.approx(50.0, abs=0.01)


def test_everything_is_json_with_the_documented_names() -> None:
    space = of(usage(growing(10.0))).to_dict()
    assert {
        "days_until_full",
        "current_usage_pct",
        "total_capacity_gb",
        "growth_rate_gb_per_day",
        "forecast_date",
    } <= space.keys()
    json.dumps(space, allow_nan=False)
    files = Resource(Kind.FILES, "fsvol-1/files", "vol1")
    found = of(Usage(files, usage(growing(10.0)).used, ((NOW, 1000.0),))).to_dict()
    assert "total_capacity_gb" not in found
    assert found["unit"] == "files"


@given(
    st.lists(
        st.tuples(st.floats(NOW - 60, NOW), st.floats(0, 1e12)),
        max_size=60,
        unique_by=lambda point: point[0],
    ),
    st.just(0.0) | st.floats(1e-6, 1e12),
    st.floats(0, 3),
)
def test_any_points_give_a_finite_answer_or_a_reason(
    points: list[tuple[float, float]], capacity: float, minimum: float
) -> None:
    found = of(Usage(SSD, tuple(sorted(points)), ((NOW, capacity),)), minimum)
    assert found.days_until_full == -1 or 0 <= found.days_until_full <= HORIZON_DAYS
    assert found.available == (found.days_until_full >= 0)
    json.dumps(found.to_dict(), allow_nan=False)
    if found.outcome is Outcome.FORECAST and found.earliest_days is not None:
        assert found.earliest_days <= found.days_until_full + 1e-6
        assert found.latest_days is None or found.latest_days >= found.days_until_full - 1 / 24 - 1e-6


@given(
    st.floats(1e-3, 1e6),
    st.floats(0, 1e9),
    st.lists(st.floats(0, 30), min_size=3, max_size=50, unique=True),
    st.floats(1e-6, 1e6),
)
def test_a_line_is_met_whatever_the_spacing_of_its_points(
    slope: float, base: float, back: list[float], room: float
) -> None:
    used = tuple(sorted((NOW - days, base + slope * (30 - days)) for days in (0.0, 30.0, *back)))
    used = tuple(
        point for point, after in itertools.pairwise([*used, (math.inf, 0.0)]) if after[0] > point[0]
    )
    capacity = base + 30 * slope + room * slope
    found = of(Usage(SSD, used, ((NOW, capacity),)))
    if found.outcome is Outcome.FULL:  # the room is less than the number's last digit
        return
    if found.outcome is Outcome.NEARLY_FULL:
        assert used[-1][1] >= 0.98 * capacity
        assert room > 29  # sooner, it has its day
        return
    assert found.days_until_full == pytest.approx(min(max(room, 1 / 24), HORIZON_DAYS), rel=1e-3, abs=0.1)


@given(
    st.floats(1e-3, 100),
    st.floats(-1e4, 1e4),
    st.lists(st.floats(-500, 500), min_size=7, max_size=7),
    st.floats(-1e4, 1e5),
)
def test_the_first_crossing_is_one_and_is_the_first(
    slope: float, intercept: float, season: list[float], value: float
) -> None:
    fit = Fit(slope, intercept, tuple(season))
    found = fit.first_at_or_above(value, 0.0)
    assert found is not None
    tolerance = 1e-6 * (1 + abs(value) + abs(intercept))
    assert fit.at(found + 1e-9) >= value - tolerance
    days = itertools.takewhile(lambda day: day < found - 1e-6, (n / 7 for n in range(200)))
    assert all(fit.at(day) < value + tolerance for day in days)


def test_projection_widens_with_time() -> None:
    noisy = usage(lambda day: 500 + 10 * day + 20 * math.sin(day * 1.7))
    rows = projection(noisy, [NOW + ahead for ahead in (1, 10, 60)])
    widths = [high - low for _, _, low, high in rows]
    assert widths == sorted(widths)
    assert widths[-1] > widths[0] > 0
    assert all(low < value < high for _, value, low, high in rows)


def test_projection_of_an_untested_method_has_no_width() -> None:
    two = Usage(SSD, ((NOW - 1, 1.0), (NOW, 2.0)), ())
    assert projection(two, [NOW + 1]) == [
        (NOW + 1, pytest.approx(3.0), pytest.approx(3.0), pytest.approx(3.0))
    ]


def test_the_line_is_kept_unless_another_is_clearly_better() -> None:
    assert choose({}) == "line"
    assert choose({"robust": 1.0}) == "line"
    assert choose({"line": 10.0, "robust": 9.1}) == "line"
    assert choose({"line": 10.0, "robust": 8.9, "weekly": 8.8}) == "weekly"


def test_held_back_days_leave_more_than_half_of_the_window() -> None:
    assert max(HELD_BACK) < 0.5


@pytest.mark.parametrize("window", [0.1, 1, 2, 5, 14, 30, 63, 120, 455])
def test_a_window_has_a_bounded_number_of_bins(window: float) -> None:
    width = bin_days(window)
    points = [(i / 24, 1.0) for i in range(round(window * 24) + 1)]
    assert len(binned(points, width)) <= MAX_BINS + 1
    assert width > 1 or (7 / width) == round(7 / width)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_a_line(name: str) -> None:
    points = binned([(day, 100 + 3 * day) for day, _ in usage(growing(1)).used], 0.25)
    fit = METHODS[name](points, 0.25)
    assert fit.slope == pytest.approx(3)
    assert fit.at(NOW + 5) == pytest.approx(100 + 3 * (NOW + 5), rel=1e-6)


def test_a_week_needs_two_weeks_and_daily_bins() -> None:
    short = binned([(day, day) for day, _ in usage(growing(1), days=10).used], 0.25)
    with pytest.raises(ValueError, match="week"):
        METHODS["weekly"](short, 0.25)
    with pytest.raises(ValueError, match="week"):
        METHODS["weekly"]([(i * 2.0, 1.0) for i in range(30)], 2.0)
    with pytest.raises(ValueError, match="whole weeks"):
        METHODS["weekly"]([(0.5, 1.0), (15.5, 1.0)], 1.0)


def with_days(days: float, outcome: Outcome = Outcome.FORECAST) -> Forecast:
    template = of(usage(growing(10.0)))
    return Forecast(template.resource, outcome, days, "", 50.0, 500.0, 1000.0, 10.0, template.data)


@pytest.mark.parametrize(
    ("before", "days", "outcome", "after", "told"),
    [
        (Level.CLEAR, 31, Outcome.FORECAST, Level.CLEAR, False),
        (Level.CLEAR, 30, Outcome.FORECAST, Level.WARNED, True),
        (Level.WARNED, 12, Outcome.FORECAST, Level.WARNED, False),
        (Level.WARNED, 32.9, Outcome.FORECAST, Level.WARNED, False),
        (Level.WARNED, 33.1, Outcome.FORECAST, Level.CLEAR, False),
        (Level.WARNED, -1, Outcome.NOT_GROWING, Level.CLEAR, False),
        (Level.WARNED, 0, Outcome.FULL, Level.FULL, True),
        (Level.CLEAR, 0, Outcome.FULL, Level.FULL, True),
        (Level.FULL, 0, Outcome.FULL, Level.FULL, False),
        (Level.FULL, 3, Outcome.FORECAST, Level.WARNED, False),
        (Level.FULL, 200, Outcome.FORECAST, Level.CLEAR, False),
        (Level.CLEAR, 0, Outcome.NEARLY_FULL, Level.WARNED, True),
        (Level.WARNED, 0, Outcome.NEARLY_FULL, Level.WARNED, False),
        (Level.FULL, 0, Outcome.NEARLY_FULL, Level.FULL, False),
        (Level.WARNED, -1, Outcome.STALE, Level.WARNED, False),
        (Level.FULL, -1, Outcome.TOO_FEW_POINTS, Level.FULL, False),
    ],
)
def test_a_crossing_is_told_once(
    before: Level, days: float, outcome: Outcome, after: Level, told: bool
) -> None:
    assert next_level(before, with_days(days, outcome), 30) is after
    assert must_tell(before, after) is told


@given(st.lists(st.floats(0.1, 100), max_size=40))
def test_between_two_notices_of_a_warning_it_was_clear(days: list[float]) -> None:
    level = Level.CLEAR
    told_at: list[int] = []
    for place, number in enumerate(days):
        after = next_level(level, with_days(number), 30)
        if must_tell(level, after):
            told_at.append(place)
        level = after
    for first, second in itertools.pairwise(told_at):
        assert any(number > 33 for number in days[first:second])
