"""A forecast as a picture: characters for the terminal, SVG for a file. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from fsxn_runtime.report import Chart, Frame, capacity_at, chart_parts, date, scale

_COLUMNS, _ROWS = 72, 18  # fits a terminal of 80 by 24 with the axis
FRAME: Final = Frame(width=960, height=420, left=70, right=20, top=60, bottom=40)
# On light and dark paper alike; the shapes differ as well as the colours.
_STYLE = (
    ".label{font:13px sans-serif;fill:#777}.used{fill:none;stroke:#1f77b4;stroke-width:2}"
    ".ahead{fill:none;stroke:#d9730d;stroke-width:2;stroke-dasharray:6 4}.band{fill:#d9730d;opacity:.18}"
    ".capacity{fill:none;stroke:#c0392b;stroke-width:1.5}.now{stroke:#888;stroke-dasharray:2 3}"
    ".grid{stroke:#8884}"
)


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
    title = escape(chart.title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {FRAME.width} {FRAME.height}" role="img">'
        f"<title>{title}</title><style>{_STYLE}</style>"
        f'<text class="label" x="{FRAME.left}" y="24">{title}</text>'
        f"{''.join(chart_parts(chart, FRAME))}</svg>\n"
    )
