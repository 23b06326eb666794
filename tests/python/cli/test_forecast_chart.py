"""A forecast as a picture: what is drawn where, and that any forecast can be drawn."""

from __future__ import annotations

import struct
import zlib
from xml.etree import ElementTree

from fsxn_runtime.cli.forecast_chart import FRAME, svg, terminal
from fsxn_runtime.cli.forecast_png import png
from fsxn_runtime.report import Chart
from hypothesis import given, settings
from hypothesis import strategies as st

SVG = "{http://www.w3.org/2000/svg}"
CHART = Chart(
    title="ssd <of> fs-1 & more",
    unit="GiB",
    used=[(20_000.0 + day, 100.0 + 10 * day) for day in range(31)],
    capacity=[(20_000.0, 400.0), (20_010.0, 800.0)],
    ahead=[(20_030.0 + day, 400.0 + 10 * day, 380.0 + 9 * day, 420.0 + 11 * day) for day in range(31)],
)


def rows(chart: Chart) -> list[str]:
    return [line[11:] for line in terminal(chart) if line[10:11] == "|"]


def test_the_terminal_shows_usage_then_the_forecast_below_the_capacity() -> None:
    lines = list(terminal(CHART))
    assert lines[0] == CHART.title
    assert max(len(line) for line in lines) <= 84
    picture = rows(CHART)
    used = max(row.rfind("o") for row in picture)
    ahead = min(row.find(".") for row in picture if "." in row)
    assert used <= ahead
    first_capacity = next(number for number, row in enumerate(picture) if row.endswith("="))
    assert first_capacity < next(number for number, row in enumerate(picture) if "o" in row)
    assert "2024-10-04" in lines[-2]
    assert "2024-12-03" in lines[-2]


def test_a_capacity_that_grew_is_a_step() -> None:
    levels = [number for number, row in enumerate(rows(CHART)) if "=" in row]
    assert len(levels) == 2


def test_the_svg_is_one_document_with_its_text_escaped() -> None:
    root = ElementTree.fromstring(svg(CHART))
    assert root.findtext(f"{SVG}title") == CHART.title
    assert [path.get("class") for path in root.iter(f"{SVG}path")] == ["band", "ahead", "capacity", "used"]


def chunks(data: bytes) -> dict[bytes, bytes]:
    """Read a PNG's chunks, with their checksums."""
    found, place = {}, 8
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", data, place + 8 + length) == (zlib.crc32(kind + content),)
        found[kind] = content
        place += length + 12
    return found


def test_the_png_has_every_part_in_its_colour() -> None:
    data = png(CHART)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    parts = chunks(data)
    assert list(parts) == [b"IHDR", b"PLTE", b"tEXt", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", parts[b"IHDR"]) == (FRAME.width, FRAME.height, 8, 3, 0, 0, 0)
    assert parts[b"tEXt"] == b"Title\0" + CHART.title.encode()
    pixels = zlib.decompress(parts[b"IDAT"])
    assert len(pixels) == FRAME.height * (FRAME.width + 1)
    assert set(pixels) == set(range(len(parts[b"PLTE"]) // 3))


def test_without_a_forecast_usage_alone_is_drawn() -> None:
    chart = Chart("t", "files", CHART.used, [], [])
    assert not any(sign in row for row in rows(chart) for sign in ".:=")
    root = ElementTree.fromstring(svg(chart))
    assert [path.get("class") for path in root.iter(f"{SVG}path")] == ["used"]


values = st.floats(0, 1e15)
points = st.lists(st.tuples(st.floats(0, 20_000), values), min_size=1, max_size=30).map(sorted)


@given(
    points, points | st.just([]), st.lists(st.tuples(st.floats(1, 90), values, values, values), max_size=20)
)
def test_any_forecast_can_be_drawn(
    used: list[tuple[float, float]],
    capacity: list[tuple[float, float]],
    ahead: list[tuple[float, float, float, float]],
) -> None:
    last = used[-1][0]
    rows_ahead = sorted(
        (last + day, value, value - below, value + above) for day, value, below, above in ahead
    )
    chart = Chart("any", "GiB", used, capacity, rows_ahead)
    assert max(len(line) for line in terminal(chart)) <= 84
    ElementTree.fromstring(svg(chart))


@settings(max_examples=5)  # each draws half a million pixels
@given(points, points | st.just([]))
def test_any_usage_can_be_a_png(used: list[tuple[float, float]], capacity: list[tuple[float, float]]) -> None:
    assert chunks(png(Chart("any \u20ac", "files", used, capacity, [])))
