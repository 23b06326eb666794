"""A forecast as a picture: what is drawn where, and that any forecast can be drawn."""

from __future__ import annotations

from xml.etree import ElementTree

from fsxn_runtime.cli.forecast_chart import Chart, svg, terminal
from hypothesis import given
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
