"""One widget of a dashboard as a chart: values where they are, gaps as gaps, targets as lines."""

from __future__ import annotations

from typing import Any

from fsxn_runtime.report import charts
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.python.report.periods import START, panel


def heights(drawn: dict[str, Any]) -> tuple[list[float], float]:
    """Heights of the dots, and of the target's line."""
    tree = etree.fromstring(charts.panel(drawn, START))
    dots = [float(dot.get("cy")) for dot in tree.iter("circle")]
    (line,) = (each for each in tree.iter("line") if each.get("class") == "target")
    return dots, float(line.get("y1"))


@given(value=st.floats(0, 1e6), target=st.floats(1, 1e6))
def test_a_value_lies_on_its_side_of_the_target_line(value: float, target: float) -> None:
    (dot,), line = heights(
        panel(series=[{"label": "x", "points": [[0, value]]}], lines=[{"label": "target", "value": target}])
    )
    if value >= target:
        assert dot <= line + 0.1
    else:
        assert dot >= line - 0.1


def test_a_gap_is_no_line() -> None:
    (path,) = etree.fromstring(charts.panel(panel(), START)).iter("path")
    assert [step for step in path.get("d") if step.isalpha()] == ["M", "L", "M"]


def test_a_panel_without_data_says_so() -> None:
    assert "no data in this time" in charts.panel(panel(series=[{"label": "x", "points": []}]), START)
