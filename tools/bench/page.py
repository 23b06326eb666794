"""One page with a bar for each figure and a mark for its reference. It opens from disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from html import escape
from itertools import groupby

from fsxn_runtime.report.svg import element, horizontal_lines, picture, scale, text, ticks

from tools.bench.figures import Curve, Figure

WIDTH, LABEL, ROW = 760, 270, 22
LEFT, RIGHT, TOP, BOTTOM = 60, 740, 20, 200
STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --bar: #2f6f9f; --mark: #b4501e;
  --grid: #d5dbe2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e9ef; --paper: #161b22; --bar: #5ba3d6; --mark: #f0915a; --grid: #38414c; }
}
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 800px; padding: 0 1rem; }
svg { width: 100%; height: auto; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
.bar { fill: var(--bar); } .mark { stroke: var(--mark); stroke-width: 3; } .grid { stroke: var(--grid); }
.curve { fill: none; stroke: var(--bar); stroke-width: 2; } h2 { font-size: 1.05rem; margin-bottom: 0.2rem; }
"""


def render(figures: Iterable[Figure], at: datetime) -> str:
    """The page of a run of the benchmark."""
    parts = [_bars(group, list(members)) for group, members in groupby(figures, key=lambda each: each.group)]
    said = "Bars are what was measured, the line across is the simpler thing beside it in the same run."
    return _page(f"Benchmarks of {at:%Y-%m-%d %H:%M} UTC", said, parts)


def render_curves(curves: Iterable[Curve], at: datetime) -> str:
    """The page of how cost grows."""
    parts = [_curve(each) for each in curves]
    said = "A level line is linear growth: each point is the cost of one thing, where there are so many."
    return _page(f"How cost grows, {at:%Y-%m-%d %H:%M} UTC", said, parts)


def _page(title: str, said: str, parts: Sequence[str]) -> str:
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n<h1>{escape(title)}</h1>\n<p>{escape(said)}</p>\n"
        + "\n".join(parts)
        + "\n</html>\n"
    )


def _bars(group: str, members: Sequence[Figure]) -> str:
    most = max(max(each.value, each.reference_value) for each in members) or 1.0
    x_of = scale(most, LABEL, WIDTH - 80)
    drawn = [part for place, each in enumerate(members) for part in _bar(each, place * ROW + 4, x_of)]
    references = ", ".join(sorted({each.reference for each in members}))
    return f"<h2>{escape(group)}</h2>\n<p>Line: {escape(references)}.</p>\n" + picture(
        WIDTH, len(members) * ROW + 8, group, drawn
    )


def _bar(each: Figure, y: float, x_of: scale) -> Iterator[str]:
    end, mark = x_of(each.value), x_of(each.reference_value)
    yield text(each.name, LABEL - 8, y + 13, "end")
    yield element("rect", x=LABEL, y=y, width=max(end - LABEL, 1.0), height=ROW - 6, class_="bar")
    yield element("line", x1=mark, x2=mark, y1=y - 2, y2=y + ROW - 4, class_="mark")
    yield text(_number(each.value), max(end, mark) + 6, y + 13)


def _curve(curve: Curve) -> str:
    """Places are one step each, because counts grow by factors."""
    values = [value for _, value in curve.points]
    levels = ticks(max(values))
    y_of = scale(levels[-1], BOTTOM, TOP)
    step = (RIGHT - LEFT) / max(len(values) - 1, 1)
    places = [(LEFT + number * step, y_of(value)) for number, value in enumerate(values)]
    drawn = [
        *horizontal_lines(levels, LEFT, RIGHT, y_of),
        element("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places), class_="curve"),
        *(element("circle", cx=x, cy=y, r=3, class_="bar") for x, y in places),
        *(
            text(f"{count:,}", x, BOTTOM + 18, "start" if x == LEFT else "end" if x == RIGHT else "middle")
            for (x, _), (count, _) in zip(places, curve.points, strict=True)
        ),
    ]
    label = f"{curve.name}: {curve.unit}, by {curve.of}"
    return f"<h2>{escape(label)}</h2>\n" + picture(WIDTH, BOTTOM + 30, label, drawn)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
