"""A forecast as a PNG, with the standard library alone. Pure.

Source: PNG specification (ISO/IEC 15948): signature, IHDR, PLTE, tEXt, IDAT, IEND; one palette byte a pixel.
Letters are few, so the title is in the file's text (tEXt) and not in the picture.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from fsxn_runtime.cli.forecast_chart import FRAME
from fsxn_runtime.report import Chart, capacity_at, date, scale

WIDTH, HEIGHT = FRAME.width, FRAME.height
LEFT, RIGHT, TOP, BOTTOM = FRAME.left, FRAME.right, FRAME.top, FRAME.bottom
_WHITE, _GREY, _BLUE, _ORANGE, _PALE, _RED = range(6)
_PALETTE: Final = bytes.fromhex("ffffff7777771f77b4d9730df8e3cfc0392b")
_DOT: Final = 2  # pixels a dot of a letter has on each side
_ADVANCE: Final = 4 * _DOT  # three columns and a gap
# Five rows of three dots each, as octal digits from the top.
_GLYPHS: Final = {
    "0": "75557",
    "1": "26227",
    "2": "71747",
    "3": "71717",
    "4": "55711",
    "5": "74717",
    "6": "74757",
    "7": "71122",
    "8": "75757",
    "9": "75717",
    "-": "00700",
    "+": "02720",
    ".": "00002",
    "e": "03763",
    "f": "32722",
    "i": "20222",
    "l": "22223",
    "s": "03636",
    "B": "65656",
    "G": "34553",
}


class _Canvas:
    """Rows of palette numbers; what lies outside is not drawn."""

    def __init__(self) -> None:
        self.rows = [bytearray(WIDTH) for _ in range(HEIGHT)]

    def dot(self, x: float, y: float, colour: int, size: int = 1) -> None:
        """Fill a square whose upper left corner is there."""
        for row in range(round(y), round(y) + size):
            for column in range(round(x), round(x) + size):
                if 0 <= row < HEIGHT and 0 <= column < WIDTH:
                    self.rows[row][column] = colour

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: int, size: int = 2) -> None:
        """Draw a straight line, a dot for each pixel of its longer side."""
        steps = max(1, round(max(abs(end[0] - start[0]), abs(end[1] - start[1]))))
        for step in range(steps + 1):
            share = step / steps
            x, y = (a + (b - a) * share for a, b in zip(start, end, strict=True))
            self.dot(x, y, colour, size)

    def text(self, words: str, x: float, y: float) -> None:
        """Write to the left of x, in the letters that there are."""
        x -= _ADVANCE * len(words)
        for letter in words:
            for row, bits in enumerate(_GLYPHS.get(letter, "00000")):
                for column in range(3):
                    if int(bits) >> (2 - column) & 1:
                        self.dot(x + column * _DOT, y + row * _DOT, _GREY, _DOT)
            x += _ADVANCE


def png(chart: Chart) -> bytes:
    """Draw as one PNG file."""
    canvas = _Canvas()
    x = scale(chart.first, chart.last, LEFT, WIDTH - RIGHT)
    y = scale(0.0, chart.top, HEIGHT - BOTTOM, TOP)

    def at(day: float, value: float) -> tuple[float, float]:
        return x(day), y(min(max(value, 0.0), chart.top))

    for earlier, later in zip(chart.ahead, chart.ahead[1:], strict=False):
        for column in range(round(x(earlier[0])), round(x(later[0])) + 1):
            canvas.line(
                (column, at(earlier[0], earlier[3])[1]), (column, at(earlier[0], earlier[2])[1]), _PALE, 1
            )
    for place, (earlier, later) in enumerate(zip(chart.ahead, chart.ahead[1:], strict=False)):
        if place % 2 == 0:  # dashes
            canvas.line(at(*earlier[:2]), at(*later[:2]), _ORANGE)
    if chart.capacity:
        for column in range(LEFT, WIDTH - RIGHT):
            day = chart.first + (chart.last - chart.first) * (column - LEFT) / (WIDTH - RIGHT - LEFT)
            canvas.dot(column, at(day, capacity_at(chart, day))[1], _RED, 2)
    for before, after in zip(chart.used, chart.used[1:] or chart.used, strict=False):
        canvas.line(at(*before), at(*after), _BLUE)
    canvas.line((LEFT, TOP), (LEFT, HEIGHT - BOTTOM), _GREY, 1)
    canvas.line((LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM), _GREY, 1)
    for fourth in range(5):
        canvas.text(f"{chart.top * fourth / 4:.4g}", LEFT - 8, y(chart.top * fourth / 4) - 5)
    canvas.text(chart.unit, LEFT - 8, TOP - 24)
    for day, right in ((chart.first, LEFT + 80), (chart.last, WIDTH - RIGHT)):
        canvas.text(date(day), right, HEIGHT - BOTTOM + 12)
    return b"".join(_file(canvas, chart.title))


def _file(canvas: _Canvas, title: str) -> Iterator[bytes]:
    yield b"\x89PNG\r\n\x1a\n"
    yield _chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0))
    yield _chunk(b"PLTE", _PALETTE)
    yield _chunk(b"tEXt", b"Title\0" + title.encode("latin-1", "replace"))
    yield _chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(row) for row in canvas.rows)))
    yield _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
