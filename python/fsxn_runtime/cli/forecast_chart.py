"""A forecast as a picture: characters for the terminal, SVG for a file. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

Point = tuple[float, float]

_COLUMNS, _ROWS = 72, 18  # fits a terminal of 80 by 24 with the axis
WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 40
# On light and dark paper alike; the shapes differ as well as the colours.
_STYLE = (
    "text{font:13px sans-serif;fill:#555}.used{fill:none;stroke:#1f77b4;stroke-width:2}"
    ".ahead{fill:none;stroke:#d9730d;stroke-width:2;stroke-dasharray:6 4}.band{fill:#d9730d;opacity:.18}"
    ".capacity{fill:none;stroke:#c0392b;stroke-width:1.5}.now{stroke:#888;stroke-dasharray:2 3}"
)


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


def terminal(chart: Chart) -> Iterator[str]:
    """Draw with characters: o usage, . forecast, : its interval, = capacity."""
    grid = [[" "] * _COLUMNS for _ in range(_ROWS)]
    column = scale(chart.first, chart.last, 0, _COLUMNS - 1)
    row = scale(0.0, chart.top, _ROWS - 1, 0)

    def put(day: float, value: float, sign: str) -> None:
        if 0 <= value <= chart.top:
            grid[round(row(value))][round(column(day))] = sign

    for day, value, low, high in chart.ahead:
        for step in range(_ROWS):
            level = chart.top * step / (_ROWS - 1)
            if low <= level <= high:
                put(day, level, ":")
        put(day, value, ".")
    for place in range(_COLUMNS):
        day = chart.first + (chart.last - chart.first) * place / (_COLUMNS - 1)
        if chart.capacity:
            put(day, capacity_at(chart, day), "=")
    for day, value in chart.used:
        put(day, value, "o")

    yield chart.title
    for place, cells in enumerate(grid):
        level = chart.top * (_ROWS - 1 - place) / (_ROWS - 1)
        yield f"{level:>9.4g} |{''.join(cells).rstrip()}"
    yield f"{chart.unit:>9} +{'-' * _COLUMNS}"
    yield f"{'':>11}{date(chart.first)}{date(chart.last):>{_COLUMNS - 10}}"
    yield "o used  . forecast  : 90 % interval  = capacity"


def svg(chart: Chart) -> str:
    """Draw as one SVG document that needs nothing else."""
    x = scale(chart.first, chart.last, LEFT, WIDTH - RIGHT)
    y = scale(0.0, chart.top, HEIGHT - BOTTOM, TOP)

    def path(points: Sequence[Point], class_: str, end: str = "") -> str:
        line = "L".join(f"{x(day):.1f} {y(min(max(value, 0.0), chart.top)):.1f}" for day, value in points)
        return f'<path class="{class_}" d="M{line}{end}"/>'

    parts = [f'<text x="{LEFT}" y="24">{escape(chart.title)}</text>']
    for fourth in range(5):
        level = chart.top * fourth / 4
        parts.append(f'<text x="{LEFT - 8}" y="{y(level) + 4:.1f}" text-anchor="end">{level:.4g}</text>')
    parts += [
        f'<text x="{x(day):.1f}" y="{HEIGHT - 14}" text-anchor="middle">{date(day)}</text>'
        for day in (chart.first, chart.used[-1][0], chart.last)
    ]
    parts.append(f'<text x="{LEFT - 8}" y="24" text-anchor="end">{escape(chart.unit)}</text>')
    if chart.ahead:
        upper = [(day, high) for day, _, _, high in chart.ahead]
        lower = [(day, low) for day, _, low, _ in reversed(chart.ahead)]
        parts.append(path([*upper, *lower], "band", "Z"))
        parts.append(path([(day, value) for day, value, _, _ in chart.ahead], "ahead"))
    if chart.capacity:
        ends = [*chart.capacity, (chart.last, chart.capacity[-1][1])]
        parts.append(path([(chart.first, chart.capacity[0][1]), *_steps(ends)], "capacity"))
    parts.append(path(chart.used, "used"))
    now = x(chart.used[-1][0])
    parts.append(f'<line class="now" x1="{now:.1f}" x2="{now:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{escape(chart.title)}</title><style>{_STYLE}</style>{''.join(parts)}</svg>\n"
    )


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
