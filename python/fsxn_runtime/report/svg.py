"""Small parts of SVG pictures: scales, ticks, and elements with escaped values. Pure.

Colours are classes; the page's style sheet gives them for light, dark and paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import escape
from typing import Final

_DAY: Final = 86_400
# Steps of an axis of time: minutes, hours, days, weeks.
_CLOCK_STEPS: Final = (
    *(60 * minutes for minutes in (1, 2, 5, 10, 30, 60, 120, 180, 360, 720)),
    *(_DAY * days for days in (1, 2, 7, 14, 28, 91, 182, 365)),
)
# From which value on a number is written with which prefix of the SI.
_SIZES: Final = (
    *((size, size, letter) for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))),
    (0.01, 1.0, ""),
    *((size, size, letter) for size, letter in ((1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))),
)
_LABEL_ROOM: Final = 0.06  # of the width: half of a label, which must not leave the picture


def element(name: str, content: str = "", **attributes: object) -> str:
    """One element. `content` is SVG already; attribute values are escaped; `class_` becomes class."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"'
        for key, value in attributes.items()
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(content: object, x: float, y: float, anchor: str = "start", class_: str = "label") -> str:
    """A line of text; `y` is its base line."""
    return element("text", escape(str(content)), x=x, y=y, text_anchor=anchor, class_=class_)


def picture(width: int, height: int, label: str, parts: Iterable[str]) -> str:
    """A picture that grows with its place; `label` says in words what it shows."""
    return element(
        "svg",
        element("title", escape(label)) + "".join(parts),
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=label,
    )


def ticks(maximum: float, wanted: int = 4) -> list[float]:
    """Round values from 0 up to at least `maximum`: steps of 1, 2 or 5 times a power of ten."""
    if maximum <= 0:
        return [0.0, 1.0]
    raw = maximum / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    return [step * i for i in range(math.ceil(maximum / step - 1e-9) + 1)]


def clock_ticks(start: int, end: int, wanted: int = 5) -> list[tuple[int, str]]:
    """Give round times (UTC) between start and end (seconds since 1970), as hours or as days."""
    step = next((step for step in _CLOCK_STEPS if (end - start) / step <= wanted), _CLOCK_STEPS[-1])
    room = _LABEL_ROOM * (end - start)
    times = range(start + -start % step, end + 1, step)
    return [(time, _clock(time, step)) for time in times if start + room <= time <= end - room]


def _clock(time: int, step: int) -> str:
    moment = datetime.fromtimestamp(time, UTC)
    return f"{moment:%d %b}" if step >= _DAY or time % _DAY == 0 else f"{moment:%H:%M}"


def short(value: float) -> str:
    """A number for an axis: 1500 as 1.5k, 0.0015 as 1.5m, whole numbers without a point."""
    _, size, letter = next((each for each in _SIZES if value >= each[0]), (0.0, 1.0, ""))
    return f"{value / size:.4g}{letter}"


def horizontal_lines(values: Iterable[float], left: float, right: float, y_of: _Scale) -> Iterator[str]:
    """Grid lines with their values at the left end."""
    for value in values:
        y = y_of(value)
        yield element("line", x1=left, x2=right, y1=y, y2=y, class_="grid")
        yield text(short(value), left - 6, y + 4, "end")


class _Scale:
    """Maps 0..maximum to a stretch of the picture."""

    def __init__(self, maximum: float, start: float, end: float) -> None:
        self._factor = (end - start) / maximum
        self._start = start

    def __call__(self, value: float) -> float:
        return self._start + value * self._factor


scale = _Scale


def _number(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
