"""Small parts of SVG pictures: scales, ticks, and elements with escaped values. Pure.

Colours are classes; the page's style sheet gives them for light, dark and paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from html import escape

FONT_HEIGHT = 12


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


def short(value: float) -> str:
    """A number for an axis: 1500 as 1.5k, whole numbers without a point."""
    if value >= 1000:
        return f"{value / 1000:.3g}k"
    return f"{value:.3g}"


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
