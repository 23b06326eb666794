"""A forecast as a drawing: usage, capacity, what comes and its interval. Pure.

Colours and strokes are classes (`used`, `capacity`, `ahead`, `band`, `now`, `grid`, `label`): the page or
the picture around it has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fsxn_runtime.report.svg import element, horizontal_lines, picture, text, ticks
from fsxn_runtime.report.svg import scale as scale_from_zero

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn. Times are days since 1970; `ahead` has (time, value, low, high) and may be empty."""

    title: str
    unit: str
    used: Sequence[Point]
    capacity: Sequence[Point]
    ahead: Sequence[tuple[float, float, float, float]]

    @property
    def first(self) -> float:
        """Give the time at the left edge."""
        return self.used[0][0]

    @property
    def last(self) -> float:
        """Give the time at the right edge."""
        end = self.ahead[-1][0] if self.ahead else self.used[-1][0]
        return max(end, self.first + 1 / 24)

    @property
    def top(self) -> float:
        """Give the value at the upper edge: a little above everything."""
        values = [value for _, value in (*self.used, *self.capacity)]
        return 1.05 * max([*values, *(row[1] for row in self.ahead), 1e-9])


@dataclass(frozen=True, slots=True)
class Frame:
    """Where it is drawn, in user units: the picture's size, and what is left free around the curves."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int


def parts(chart: Chart, frame: Frame) -> Iterator[str]:
    """Give the elements of the drawing, the ones behind first."""
    grid = ticks(chart.top)
    floor, right = frame.height - frame.bottom, frame.width - frame.right
    x = scale(chart.first, chart.last, frame.left, right)
    y = scale_from_zero(grid[-1], floor, frame.top)

    def path(points: Sequence[Point], class_: str, end: str = "") -> str:
        line = "L".join(f"{x(day):.1f} {y(min(max(value, 0.0), grid[-1])):.1f}" for day, value in points)
        return element("path", class_=class_, d=f"M{line}{end}")

    yield from horizontal_lines(grid, frame.left, right, y)
    yield text(chart.unit, frame.left - 6, frame.top - 10, "end")
    yield text(date(chart.first), frame.left, floor + 18)
    yield text(date(chart.last), right, floor + 18, "end")
    if chart.ahead:
        now = x(chart.used[-1][0])
        yield element("line", class_="now", x1=now, x2=now, y1=frame.top, y2=floor)
        yield text("now", now, frame.top - 10, "middle")
        upper = [(day, high) for day, _, _, high in chart.ahead]
        lower = [(day, low) for day, _, low, _ in reversed(chart.ahead)]
        yield path([*upper, *lower], "band", "Z")
        yield path([(day, value) for day, value, _, _ in chart.ahead], "ahead")
    if chart.capacity:
        ends = [*chart.capacity, (chart.last, chart.capacity[-1][1])]
        yield path([(chart.first, chart.capacity[0][1]), *_steps(ends)], "capacity")
    yield path(chart.used, "used")


def drawn(chart: Chart, frame: Frame) -> str:
    """Draw as a part of a page."""
    return picture(frame.width, frame.height, chart.title, parts(chart, frame))


def _steps(points: Sequence[Point]) -> Iterator[Point]:
    """Go level to each time, and only there to its value: a capacity changes at once."""
    before = points[0][1]
    for day, value in points:
        yield day, before
        yield day, value
        before = value


def capacity_at(chart: Chart, day: float) -> float:
    """Give the capacity at a time; before the first that is known, that one."""
    known = [value for time, value in chart.capacity if time <= day]
    return known[-1] if known else chart.capacity[0][1]


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Map the stretch from low to high onto the one from start to end."""
    return lambda value: start + (value - low) / (high - low) * (end - start)


def date(day: float) -> str:
    """Write a time as YYYY-MM-DD."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d")
