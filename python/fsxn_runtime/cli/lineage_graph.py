"""A trace as a picture: files, executions and outputs in columns, from inputs on the left to outputs. Pure.

The picture is one SVG file without scripts or anything from elsewhere. Colours follow the viewer's choice of
light or dark. What failed differs in its frame and its words too, not in colour alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Final
from unicodedata import east_asian_width

from fsxn_runtime.lineage import LineageRecord, Trace

_WIDTH, _GAP_X, _GAP_Y, _MARGIN = 270, 70, 16, 24
_LINE, _PAD = 17, 9  # pixels of a line of text, and around a box's text
_HEADING = 30
# Columns of 12-pixel type that fit a box; the whole name is in the box's title.
_FIT = 34
_STYLE = (
    "svg{color-scheme:light dark;background:#fff}text{font:12px ui-monospace,monospace;fill:#222}"
    "text{white-space:pre}"
    ".head{font:13px sans-serif;fill:#666}.thing{fill:#eef4fb;stroke:#4c78a8}"
    ".origin{fill:#fff3d6;stroke:#b7791f;stroke-width:2}.work{fill:#f3f3f3;stroke:#888}"
    ".stopped{fill:#fdeceb;stroke:#c0392b;stroke-width:2;stroke-dasharray:5 3}"
    ".way{fill:none;stroke:#888;stroke-width:1.3}.tip{fill:#888}"
    "@media(prefers-color-scheme:dark){svg{background:#16181d}text{fill:#e6e6e6}.head{fill:#a0a0a0}"
    ".thing{fill:#1d2a3a;stroke:#7aa7d9}.origin{fill:#3a2f14;stroke:#e0b050}"
    ".work{fill:#25282e;stroke:#8a8f98}.stopped{fill:#3b1f1e;stroke:#ff8a80}"
    ".way{stroke:#8a8f98}.tip{fill:#8a8f98}}"
)
# What XML cannot hold, what a viewer obeys instead of showing, and what turns the order of letters around.
_UNSHOWN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff]"
)


@dataclass(slots=True)
class _Box:
    """One file, output or execution; `layer` 0 is where the trace began, inputs lie below it."""

    lines: tuple[str, ...]
    title: str
    kind: str
    layer: int
    y: float = 0.0

    @property
    def height(self) -> int:
        return len(self.lines) * _LINE + 2 * _PAD


def svg(found: Trace) -> str:
    """Draw a trace."""
    boxes, ways = _graph(found)
    _place(boxes, ways)
    first = min(box.layer for box in boxes.values())
    last = max(box.layer for box in boxes.values())
    width = 2 * _MARGIN + (last - first + 1) * (_WIDTH + _GAP_X) - _GAP_X
    height = round(max(box.y + box.height for box in boxes.values()) + _MARGIN + _HEADING * found.is_cut)
    parts = [_style_and_title(found)]
    parts += (_way(boxes[start], boxes[end], first) for start, end in ways)
    parts += (_drawn(box, _left(box, first)) for box in boxes.values())
    parts += _words(found, height)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">\n{body}\n</svg>\n'
    )


def visible(text: str) -> str:
    """Show what cannot be seen as JSON's escapes, so that no name hides or disguises a part of itself."""
    return _UNSHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _graph(found: Trace) -> tuple[dict[str, _Box], list[tuple[str, str]]]:
    """Give boxes by key, and the ways between them in the direction of the work, each once."""
    origin = _key(found.thing)
    boxes = {origin: _Box(_fitted(found.thing), visible(found.thing), "origin", 0)}
    ways: dict[tuple[str, str], None] = {}
    for edge in found.edges:
        record, side = edge.record, -1 if edge.is_upstream else 1
        source, work = _key(record.source_file_key), _work_key(record)
        near, far = 2 * (edge.steps - 1) * side, 2 * edge.steps * side
        before, after = (far, near) if edge.is_upstream else (near, far)
        boxes.setdefault(source, _thing_box(record.source_file_key, before))
        boxes.setdefault(work, _work_box(record, near + side))
        ways[(source, work)] = None
        if edge.output is not None:
            output = _key(edge.output)
            boxes.setdefault(output, _thing_box(edge.output, after))
            ways[(work, output)] = None
    return boxes, list(ways)


def _key(name: str) -> str:
    # A path and the key of the same file differ by the slash before it.
    return f"thing {name.removeprefix('/')}"


def _work_key(record: LineageRecord) -> str:
    parts = (record.uc_id, record.work_key, record.processing_timestamp, record.status, record.event_id)
    return "work " + "\0".join(parts)


def _thing_box(name: str, layer: int) -> _Box:
    return _Box(_fitted(name), visible(name), "thing", layer)


def _work_box(record: LineageRecord, layer: int) -> _Box:
    status = f"{record.status} ({record.reason})" if record.reason else str(record.status)
    lines = (f"{record.uc_id} {record.action}", status, record.processing_timestamp)
    said = (*lines, record.step_functions_execution_arn or "no execution")
    title = "\n".join(map(visible, said))
    kind = "work" if record.status == "success" else "stopped"
    return _Box(tuple(part for line in lines for part in _fitted(line, 1)), title, kind, layer)


def _fitted(text: str, most: int = 2) -> tuple[str, ...]:
    """Break a name into lines; one that needs more loses its middle, as its end says most."""
    shown = visible(text)
    lines = _broken(shown)
    if len(lines) <= most:
        return lines
    kept = most * _FIT - most  # one column of each line may stay empty beside a wide character
    end = _begin(shown[::-1], kept // 2)[::-1]
    return _broken(f"{_begin(shown, kept - kept // 2 - 1)}…{end}")


def _broken(text: str) -> tuple[str, ...]:
    lines = []
    while text:
        line = _begin(text, _FIT)
        lines.append(line)
        text = text[len(line) :]
    return tuple(lines) or ("",)


def _begin(text: str, columns: int) -> str:
    """Give as much of the text's begin as fits; characters of East Asia take two columns."""
    for place, character in enumerate(text):
        columns -= 2 if east_asian_width(character) in "WF" else 1
        if columns < 0:
            return text[:place]
    return text


def _place(boxes: dict[str, _Box], ways: Iterable[tuple[str, str]]) -> None:
    """Give each box its height on the page: beside what it hangs on, never over another."""
    beside: dict[str, list[str]] = defaultdict(list)
    for start, end in ways:
        beside[start].append(end)
        beside[end].append(start)
    for layer in sorted({box.layer for box in boxes.values()}, key=abs):
        free = 0.0
        for key, box in boxes.items():
            if box.layer != layer:
                continue
            inner = [boxes[other] for other in beside[key] if abs(boxes[other].layer) < abs(layer)]
            middle = sum(each.y + each.height / 2 for each in inner) / len(inner) if inner else 0.0
            box.y = max(free, middle - box.height / 2)
            free = box.y + box.height + _GAP_Y
    top = min(box.y for box in boxes.values())
    for box in boxes.values():
        box.y += _MARGIN + _HEADING - top


def _left(box: _Box, first: int) -> int:
    return _MARGIN + (box.layer - first) * (_WIDTH + _GAP_X)


def _style_and_title(found: Trace) -> str:
    title = f"Lineage of {visible(found.thing)}"
    return f"<title>{escape(title)}</title><style>{_STYLE}</style>"


def _words(found: Trace, height: int) -> Iterator[str]:
    yield f'<text class="head" x="{_MARGIN}" y="{_MARGIN}">inputs to the left, outputs to the right</text>'
    if not found.edges:
        yield f'<text class="head" x="{_MARGIN}" y="{_MARGIN + _LINE}">nothing is known of it</text>'
    if found.is_cut:
        words = "and more: give a higher --limit"
        yield f'<text class="head" x="{_MARGIN}" y="{height - _MARGIN}">{words}</text>'


def _drawn(box: _Box, x: int) -> str:
    lines = "".join(
        f'<text x="{x + 10}" y="{box.y + _PAD + 13 + place * _LINE:.1f}">{escape(line)}</text>'
        for place, line in enumerate(box.lines)
    )
    corner = 4 if box.kind in ("thing", "origin") else 14
    return (
        f"<g><title>{escape(box.title)}</title>"
        f'<rect class="{box.kind}" x="{x}" y="{box.y:.1f}" width="{_WIDTH}" height="{box.height}" '
        f'rx="{corner}"/>{lines}</g>'
    )


def _way(start: _Box, end: _Box, first: int) -> str:
    """A curve from the right of one box to the left of another, with its tip."""
    x1, y1 = _left(start, first) + _WIDTH, start.y + start.height / 2
    x2, y2 = _left(end, first) - 6, end.y + end.height / 2
    bend = _GAP_X / 2 if x2 > x1 else _GAP_X
    return (
        f'<path class="way" d="M{x1} {y1:.1f}C{x1 + bend} {y1:.1f} {x2 - bend} {y2:.1f} {x2} {y2:.1f}"/>'
        f'<path class="tip" d="M{x2 + 6} {y2:.1f}l-8 -4v8z"/>'
    )
