"""The alarm rules give what the CloudWatch user guide's own examples give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.slo.alarm_rules import (
    AlarmRule,
    AlarmState,
    Comparison,
    MissingData,
    evaluate,
    is_percentile,
    least_samples,
)

TABLES = json.loads((Path(__file__).parents[2] / "data/slo/alarm_tables.json").read_text())
VALUES = {"0": 0.0, "X": 2.0, "-": None}
ROWS = [(row, kind) for row in TABLES["rows"] for kind in MissingData if kind in row]


def rule(of_three: int, missing: MissingData = MissingData.MISSING, least: int = 0) -> AlarmRule:
    return AlarmRule(Comparison.GREATER, 1.0, TABLES["evaluation_periods"], of_three, missing, least)


@pytest.mark.parametrize("current", AlarmState)
@pytest.mark.parametrize(("row", "missing"), ROWS, ids=lambda v: v if isinstance(v, str) else v["points"])
def test_every_row_of_the_guides_tables_gives_its_state(
    row: dict[str, Any], missing: MissingData, current: AlarmState
) -> None:
    points = [VALUES[sign] for sign in row["points"].split()]
    found = evaluate(rule(row["of_three"], missing), points, current)
    match row[missing]:
        case "RETAIN":
            assert found == current
        case "NOT ALARM":
            assert found != AlarmState.ALARM
        case state:
            assert found == state


def test_the_guides_alarm_looks_at_five_points_for_three() -> None:
    assert rule(3).evaluation_range == TABLES["evaluation_range"]


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [
        (Comparison.LESS, True, False, False),
        (Comparison.LESS_OR_EQUAL, True, True, False),
        (Comparison.GREATER, False, False, True),
        (Comparison.GREATER_OR_EQUAL, False, True, True),
    ],
)
def test_a_point_at_the_threshold_breaches_only_where_the_comparison_says_so(
    comparison: Comparison, below: bool, at: bool, above: bool
) -> None:
    found = AlarmRule(comparison, 5.0, 1, 1)
    assert [found.breaches(value) for value in (4.9, 5.0, 5.1)] == [below, at, above]


# 10 / (1 - percentile) from the median up, 10 / percentile below it (user guide, low data samples).
@pytest.mark.parametrize(
    ("statistic", "samples"),
    [("p99", 1000), ("p95", 200), ("p90", 100), ("p50", 20), ("p99.9", 10_000), ("p10", 100), ("Average", 0)],
)
def test_a_percentile_needs_the_samples_that_the_guide_says(statistic: str, samples: int) -> None:
    assert least_samples(statistic) == samples


@pytest.mark.parametrize(("samples", "state"), [(999, AlarmState.OK), (1000, AlarmState.ALARM)])
def test_an_alarm_that_ignores_low_samples_changes_its_state_only_with_enough_of_them(
    samples: int, state: AlarmState
) -> None:
    waiting = rule(3, MissingData.NOT_BREACHING, least_samples("p99"))
    assert evaluate(waiting, [2.0, 2.0, 2.0], AlarmState.OK, samples) == state


@pytest.mark.parametrize("text", ["p100", "p0.0", "p99.9"])
def test_p_and_a_number_is_a_percentile(text: str) -> None:
    assert is_percentile(text)


@pytest.mark.parametrize("text", ["Average", "p", "p9x", "99", "tm99", "PR(1:2)", "p1.2.3"])
def test_anything_else_is_none(text: str) -> None:
    assert not is_percentile(text)


def test_of_breaching_points_among_missing_ones_the_oldest_decides() -> None:
    """All more recent ones are breaching or missing: it is the oldest whose age counts."""
    assert evaluate(rule(3), [None, None, 2.0, None, 2.0]) == AlarmState.ALARM
    assert evaluate(rule(3), [None, None, None, 2.0, 2.0]) == AlarmState.INSUFFICIENT_DATA
