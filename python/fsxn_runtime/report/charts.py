"""The report's charts, drawn from a verification's series. Pure: values in, SVG out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fsxn_runtime.report.svg import (
    clock_ticks,
    element,
    horizontal_lines,
    picture,
    scale,
    short,
    text,
    ticks,
)

WIDE = 960  # user units; half of it is one of two charts side by side, and a phone's width
NARROW = 470
LEFT = 44
BOTTOM = 34
ROUND_MS = frozenset(
    step * 10**power for power in range(5) for step in (1, 2, 5)
)  # what an axis is marked with
SERIES_COLOURS = 6  # as many as an eye tells apart; the style sheet has them
FEWEST_BINS = 10  # a decade: fewer make one fat bar of it


def timeline(series: Mapping[str, Any]) -> str:
    """Operations made and events arrived per time bin, with the time that the server was away."""
    height, top = 260, 22
    floor, right = height - BOTTOM, WIDE - 8
    bins = len(series["made"])
    bin_seconds = series["bin_seconds"]
    arrived = [live + again for live, again in zip(series["live"], series["replayed"], strict=True)]
    grid = ticks(max([*series["made"], *arrived, 1]))
    x_of = scale(bins, LEFT, right)
    y_of = scale(grid[-1], floor, top)

    def parts() -> Iterator[str]:
        for start, end in outages(series["marks"]):
            x1 = x_of(max(0.0, start / bin_seconds))
            x2 = x_of(min(float(bins), end / bin_seconds))
            yield element("rect", x=x1, y=top, width=max(1.0, x2 - x1), height=floor - top, class_="outage")
            yield text("server away", x1 + 4, top - 6, class_="label strong")
        yield from horizontal_lines(grid, LEFT, right, y_of)
        for kind, below in (("live", None), ("replayed", series["live"])):
            for place, count in enumerate(series[kind]):
                if count:
                    base = below[place] if below else 0
                    yield _bar(x_of, place, y_of(base + count), y_of(base), kind)
        yield _steps(series["made"], x_of, y_of)
        for value in ticks(bins * bin_seconds, 8):
            if value <= bins * bin_seconds:
                yield text(f"{short(value)} s", x_of(value / bin_seconds), floor + 18, "middle")

    label = "Operations made, live events and replayed events over the time of the run"
    return picture(WIDE, height, label, parts())


def outages(marks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, float]]:
    """Times from server_down to the next server_up."""
    down: float | None = None
    for mark in marks:
        if mark["event"] == "server_down":
            down = mark["seconds"]
        elif mark["event"] == "server_up" and down is not None:
            yield down, mark["seconds"]
            down = None


def latency(series: Mapping[str, Any]) -> str:
    """How many live events needed how long from the operation to the bus."""
    height, top = 230, 12
    floor, right = height - BOTTOM, NARROW - 8
    counts, bounds = _trimmed(series["live_to_bus"], series["bounds_ms"])
    grid = ticks(max([*counts, 1]))
    x_of = scale(len(counts), LEFT, right)
    y_of = scale(grid[-1], floor, top)

    def parts() -> Iterator[str]:
        yield from horizontal_lines(grid, LEFT, right, y_of)
        for place, count in enumerate(counts):
            if count:
                yield _bar(x_of, place, y_of(count), floor, "live", gap=1.5)
        for place, bound in enumerate(bounds[: len(counts) - 1]):
            if bound in ROUND_MS:
                yield text(_duration(bound), x_of(place + 1), floor + 18, "middle")

    return picture(NARROW, height, "Live events by milliseconds from the operation to the bus", parts())


def replay_order(points: Sequence[Sequence[int]]) -> str:
    """Place of arrival (to the right) against place in order of operation time (up); the line is order."""
    size, top = 330, 12
    floor, right = size - BOTTOM, NARROW - 18  # room for half of the last label
    most = max((max(point) for point in points), default=0) + 1
    grid = ticks(most)
    x_of = scale(grid[-1], LEFT, right)
    y_of = scale(grid[-1], floor, top)

    def parts() -> Iterator[str]:
        yield from horizontal_lines(grid, LEFT, right, y_of)
        for value in grid[1:]:
            yield text(short(value), x_of(value), floor + 18, "middle")
        yield element("line", x1=x_of(0), y1=y_of(0), x2=x_of(most), y2=y_of(most), class_="order")
        for position, place in points:
            yield element("circle", cx=x_of(position), cy=y_of(place), r=1.8, class_="replayed")

    label = "Replayed events: place of arrival against place in order of operation time"
    return picture(NARROW, size, label, parts())


def shares(parts_of_whole: Sequence[tuple[str, int]]) -> str:
    """One bar for all events on the bus, cut by what became of each."""
    height = 34
    total = sum(count for _, count in parts_of_whole) or 1
    x_of = scale(total, 0, WIDE)

    def parts() -> Iterator[str]:
        before = 0
        for name, count in parts_of_whole:
            if count:
                x1, x2 = x_of(before), x_of(before + count)
                width = max(1.0, x2 - x1 - 2)
                yield element("rect", x=x1, y=0, width=width, height=height, rx=3, class_=f"share {name}")
            before += count

    words = ", ".join(f"{count} {name}" for name, count in parts_of_whole)
    return picture(WIDE, height, f"What became of each event: {words}", parts())


def series_class(place: int) -> str:
    """Give the class that colours a panel's series; they repeat after SERIES_COLOURS."""
    return f"series{place % SERIES_COLOURS}"


def panel(drawn: Mapping[str, Any], start: int) -> str:
    """One widget of a dashboard: its series from `start` (seconds since 1970) on, its targets as lines."""
    height, top = 190, 14
    floor, right = height - BOTTOM, NARROW - 8
    values = [value for each in drawn["series"] for _, value in each["points"]]
    lines = drawn["lines"]
    grid = ticks(max([*values, *(line["value"] for line in lines), 0.0]))
    x_of = scale(max(1.0, float(drawn["seconds"])), LEFT, right)
    y_of = scale(grid[-1], floor, top)

    def parts() -> Iterator[str]:
        yield from horizontal_lines(grid, LEFT, right, y_of)
        for line in lines:
            y = y_of(line["value"])
            yield element("line", x1=LEFT, x2=right, y1=y, y2=y, class_="target")
            yield text(line["label"], right, y - 4 if y > top + 8 else y + 13, "end", "label strong")
        for place, each in enumerate(drawn["series"]):
            yield from _points(each["points"], drawn["period_seconds"], x_of, y_of, series_class(place))
        if not values:
            yield text("no data in this time", (LEFT + right) / 2, (top + floor) / 2, "middle")
        for at, words in clock_ticks(start, start + int(drawn["seconds"])):
            yield text(words, x_of(at - start), floor + 18, "middle")

    return picture(NARROW, height, drawn["title"], parts())


def _points(
    points: Sequence[Sequence[float]], period: float, x_of: scale, y_of: scale, class_: str
) -> Iterator[str]:
    """A line through neighbouring periods, and a dot at each: one alone would not be seen otherwise."""
    path, before = "", None
    for at, value in points:
        # A period begins before the run where the run began within it.
        x, y = x_of(max(0.0, at)), y_of(value)
        joined = before is not None and at - before <= 1.5 * period
        path += f"{'L' if joined else 'M'}{x:.1f} {y:.1f}"
        before = at
        yield element("circle", cx=x, cy=y, r=2.2, class_=f"{class_} dot")
    if path:
        yield element("path", d=path, class_=f"{class_} curve")


def steps(rows: Sequence[tuple[str, float]]) -> str:
    """How long each step of the run took, one under the other."""
    row_height, label_width = 24, 420  # 60 letters
    height = row_height * len(rows) + 6
    longest = max((seconds for _, seconds in rows), default=1.0) or 1.0
    x_of = scale(longest, label_width, WIDE - 56)

    def parts() -> Iterator[str]:
        for place, (name, seconds) in enumerate(rows):
            y = place * row_height + 4
            width = max(1.0, x_of(seconds) - label_width)
            yield text(name, label_width - 8, y + 13, "end")
            yield element("rect", x=label_width, y=y, width=width, height=row_height - 8, rx=2, class_="step")
            yield text(f"{seconds:.1f} s", label_width + width + 6, y + 13)

    return picture(WIDE, height, "Seconds per step", parts())


def _bar(x_of: scale, place: int, top: float, floor: float, kind: str, gap: float = 0.5) -> str:
    x = x_of(place)
    width = max(1.0, x_of(place + 1) - x - 2 * gap)
    return element("rect", x=x + gap, y=top, width=width, height=max(0.5, floor - top), class_=kind)


def _steps(counts: Sequence[int], x_of: scale, y_of: scale) -> str:
    path = f"M{x_of(0):.1f} {y_of(0):.1f}"
    for place, count in enumerate(counts):
        path += f"V{y_of(count):.1f}H{x_of(place + 1):.1f}"
    return element("path", d=f"{path}V{y_of(0):.1f}", class_="made")


def _trimmed(counts: Sequence[int], bounds: Sequence[float]) -> tuple[list[int], list[float]]:
    """Leave out empty bins at both ends, but keep a decade."""
    used = [place for place, count in enumerate(counts) if count] or [0]
    first = max(0, min(used[0], len(counts) - FEWEST_BINS))
    last = min(len(counts) - 1, max(used[-1], first + FEWEST_BINS - 1))
    return list(counts[first : last + 1]), list(bounds[first : last + 1])


def _duration(ms: float) -> str:
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"
