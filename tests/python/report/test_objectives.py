"""The page's part about objectives: states, targets as lines, values where they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.report import charts
from fsxn_runtime.report.page import render
from fsxn_runtime.slo import Budget, SloResult, SloState
from fsxn_runtime.slo.catalogue import defaults
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.python.report.runs import faithful_run

TARGETS = defaults().targets


def recorded(state: SloState = SloState.MET, value: float | None = 12.5, **panel: Any) -> dict[str, Any]:
    """What `fsxn slo record` writes of one objective and one panel."""
    target = TARGETS["reconnect-time"]
    result = SloResult(target.name, state, value, 0, target.threshold)
    budget = Budget(target.name, 28, "periods", 99.5, 0.1, 20.0, ())
    drawn = {
        "title": "Since <b>lost</b>",
        "seconds": 600,
        "period_seconds": 60,
        "series": [
            {"label": "FPolicyReconnectTime_sec Maximum", "points": [[0, 0.0], [60, 12.5], [240, 3.0]]}
        ],
        "lines": [{"label": "target < 30", "value": 30.0}],
    }
    return {
        "origin": "parameter /p",
        "objectives": [{**target.to_dict(), **result.to_dict()}],
        "budgets": [budget.to_dict()],
        "dashboards": [{"name": "fsxn-slo", "panels": [{**drawn, **panel}]}],
    }


def page(objectives: dict[str, Any]) -> str:
    run = {"title": "demo", "verification": faithful_run().verify().to_dict(), "objectives": objectives}
    return render(json.loads(json.dumps(run)))


def test_a_met_objective_shows_value_target_and_used_budget() -> None:
    found = page(recorded())
    assert '<td class="good">met</td><td class="number">12.5</td>' in found
    assert '<td class="number">&lt; 30</td><td class="number">20 %</td>' in found
    assert "parameter /p" in found


def test_a_violated_one_is_marked_and_a_silent_one_has_no_value() -> None:
    assert '<td class="bad">violated</td>' in page(recorded(SloState.VIOLATED))
    assert '<td class="">no data</td><td class="number">–</td>' in page(recorded(SloState.NO_DATA, None))


def test_a_page_without_objectives_has_no_such_part() -> None:
    run = {"title": "demo", "verification": faithful_run().verify().to_dict()}
    assert "Objectives" not in render(json.loads(json.dumps(run)))


def test_a_record_that_lacks_a_field_is_refused() -> None:
    broken = recorded()
    del broken["budgets"][0]["consumed_pct"]
    with pytest.raises(RejectedError, match=r"objectives are not complete.*consumed_pct"):
        page(broken)


def test_a_title_is_text_and_never_markup() -> None:
    assert "<b>lost</b>" not in page(recorded())


def heights(drawn: dict[str, Any]) -> tuple[list[float], float]:
    """Heights of the dots, and of the target's line."""
    tree = etree.fromstring(charts.panel(drawn))
    dots = [float(dot.get("cy")) for dot in tree.iter("circle")]
    (line,) = (each for each in tree.iter("line") if each.get("class") == "target")
    return dots, float(line.get("y1"))


@given(value=st.floats(0, 1e6), target=st.floats(1, 1e6))
def test_a_value_lies_on_its_side_of_the_target_line(value: float, target: float) -> None:
    (panel,) = recorded()["dashboards"][0]["panels"]
    panel["series"][0]["points"] = [[0, value]]
    panel["lines"][0]["value"] = target
    (dot,), line = heights(panel)
    if value >= target:
        assert dot <= line + 0.1
    else:
        assert dot >= line - 0.1


def test_a_gap_is_no_line() -> None:
    (panel,) = recorded()["dashboards"][0]["panels"]
    (path,) = etree.fromstring(charts.panel(panel)).iter("path")
    assert [step for step in path.get("d") if step.isalpha()] == ["M", "L", "M"]


def test_a_panel_without_data_says_so() -> None:
    (panel,) = recorded(series=[{"label": "x", "points": []}])["dashboards"][0]["panels"]
    assert "no data in this time" in charts.panel(panel)
