"""Widgets are what CloudWatch draws: metrics that exist, targets as lines, no empty places."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fsxn_runtime.metric_catalogue import METRICS
from fsxn_runtime.slo import SLO_TARGETS, generate_dashboard_widgets
from fsxn_runtime.slo.catalogue import defaults
from fsxn_runtime.slo.widgets import definitions

SOURCES = {
    "access_points": ["ap-1", "ap-2"],
    "dead_letter_queues": ["dlq"],
    "environments": ["fsxn-s3ap"],
    "file_systems": ["fs-1"],
    "queues": ["ingestion", "work"],
    "services": ["fsxn-s3ap-fpolicy"],
    "workloads": ["content-inventory"],
}
SERIES = [
    each for widgets in definitions().values() for widget in widgets for each in widget.get("series", [])
]


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series["metric"])
def test_a_series_of_ours_asks_for_a_metric_and_dimensions_that_are_published(series: dict) -> None:
    if "namespace" not in series:
        published = METRICS[series["metric"]].dimension_sets
        assert sorted(series.get("dimensions", {})) in [sorted(names) for names in published]
        assert "statistic" not in series  # the catalogue's
    else:
        assert series["namespace"] in ("AWS/SQS", "ECS/ContainerInsights")
        assert series["statistic"]


def test_every_objective_has_a_widget_with_its_target_as_a_line() -> None:
    tightened = {name: replace(target, threshold=7.5) for name, target in SLO_TARGETS.items()}
    catalogue = replace(defaults(), targets=tightened)
    drawn = generate_dashboard_widgets(region="us-east-1", catalogue=catalogue)
    lines = {
        w["properties"]["metrics"][0][1]: w["properties"]["annotations"]["horizontal"] for w in drawn[:4]
    }
    for target in tightened.values():
        sign = "<" if target.comparison == "less" else ">"
        assert lines[target.metric] == [{"label": f"target {sign} 7.5", "value": 7.5}]


def test_a_widget_of_an_objective_draws_what_is_judged() -> None:
    drawn = generate_dashboard_widgets(region="us-east-1", catalogue=defaults())
    options = {w["properties"]["metrics"][0][1]: w["properties"]["metrics"][0][-1] for w in drawn[:4]}
    assert options == {
        target.metric: {"period": target.period_seconds, "stat": target.statistic}
        for target in SLO_TARGETS.values()
    }


@pytest.mark.parametrize("dashboard", definitions())
def test_a_widget_without_series_leaves_no_empty_place(dashboard: str) -> None:
    for sources in ({}, SOURCES):
        drawn = generate_dashboard_widgets(
            region="eu-west-1", dashboard=dashboard, catalogue=defaults(), sources=sources
        )
        assert all(widget["properties"]["metrics"] for widget in drawn)
        assert [(widget["x"], widget["y"]) for widget in drawn] == [
            (12 * (place % 2), 6 * (place // 2)) for place in range(len(drawn))
        ]
        assert {widget["properties"]["region"] for widget in drawn} == {"eu-west-1"}


def test_a_source_makes_a_series_of_each_of_its_values() -> None:
    drawn = generate_dashboard_widgets(
        region="us-east-1", dashboard="operations", catalogue=defaults(), sources=SOURCES
    )
    ages = drawn[0]["properties"]["metrics"]
    assert [series[:4] for series in ages] == [
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name] for name in SOURCES["queues"]
    ]


def test_every_source_that_is_named_is_known() -> None:
    named = {
        value[1:-1] for each in SERIES for value in each.get("dimensions", {}).values() if value[0] == "{"
    }
    assert named == SOURCES.keys()
