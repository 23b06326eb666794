"""The charts of a period: when alarms were on, lineage records over time. Pure: values in, SVG out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from fsxn_runtime.report.svg import (
    clock_ticks,
    element,
    horizontal_lines,
    picture,
    scale,
    text,
    ticks,
)

WIDE: Final = 960  # user units
LEFT: Final = 44
_NAME_WIDTH: Final = 320
_LETTERS: Final = 40  # that surely fit there
_ROW: Final = 24
_BOTTOM: Final = 28

Span = tuple[int, int]  # begin and end, seconds since 1970


def alarm_times(rows: Sequence[tuple[str, Sequence[Span]]], start: int, end: int) -> str:
    """Draw a row for each alarm, with a bar for each time that it was in ALARM."""
    height = _ROW * len(rows) + _BOTTOM
    right = WIDE - 8
    x_of = scale(float(end - start), _NAME_WIDTH, right)

    def parts() -> Iterator[str]:
        floor = height - _BOTTOM
        for time, words in clock_ticks(start, end, 8):
            x = x_of(time - start)
            yield element("line", x1=x, x2=x, y1=0, y2=floor, class_="grid")
            yield text(words, x, floor + 18, "middle")
        for place, (name, spans) in enumerate(rows):
            y = place * _ROW
            yield text(_fitting(name), _NAME_WIDTH - 10, y + 16, "end")
            yield element("line", x1=_NAME_WIDTH, x2=right, y1=y + _ROW, y2=y + _ROW, class_="grid")
            for begin, until in spans:
                x1, x2 = x_of(max(begin, start) - start), x_of(min(until, end) - start)
                # What lasted a moment is seen as well.
                yield element("rect", x=x1, y=y + 5, width=max(3.0, x2 - x1), height=14, rx=2, class_="alarm")

    return picture(WIDE, height, f"When each of {len(rows)} alarms was in ALARM", parts())


def _fitting(name: str) -> str:
    """Cut a long name in its middle: how it begins and ends tells it from others."""
    if len(name) <= _LETTERS:
        return name
    half = _LETTERS // 2
    return f"{name[: half - 1]}…{name[-half:]}"


def stacked(bins: Sequence[tuple[int, Mapping[str, int]]], kinds: Sequence[str], seconds: int) -> str:
    """Draw counts by kind as bars, one for each bin (begin in seconds since 1970) of `seconds` each."""
    height, top = 220, 14
    floor, right = height - 34, WIDE - 8
    start, end = bins[0][0], bins[-1][0] + seconds
    grid = ticks(max(1, *(sum(counts.values()) for _, counts in bins)))
    x_of = scale(float(end - start), LEFT, right)
    y_of = scale(grid[-1], floor, top)

    def parts() -> Iterator[str]:
        yield from horizontal_lines(grid, LEFT, right, y_of)
        for begin, counts in bins:
            x1, x2 = x_of(begin - start), x_of(begin + seconds - start)
            gap = min(2.0, (x2 - x1) / 8)
            below = 0
            for kind in kinds:
                if count := counts.get(kind, 0):
                    upper, lower = y_of(below + count), y_of(below)
                    yield element(
                        "rect",
                        x=x1 + gap,
                        y=upper,
                        width=max(1.0, min(x2 - x1, 60.0) - 2 * gap),
                        height=max(0.5, lower - upper),
                        class_=f"share {kind}",
                    )
                    below += count
        for time, words in clock_ticks(start, end, 8):
            yield text(words, x_of(time - start), floor + 18, "middle")

    total = sum(sum(counts.values()) for _, counts in bins)
    return picture(WIDE, height, f"{total} lineage records over time, by status", parts())
