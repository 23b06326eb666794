"""A deployed dashboard is drawn from its own body: every series asked for, every value in its panel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.slo import draw_dashboard, generate_dashboard_widgets
from fsxn_runtime.slo.catalogue import defaults
from fsxn_runtime.slo.core import drawn_seconds
from fsxn_runtime.slo.panels import panels, queries

from tests.python.slo.test_widgets import SOURCES

START, END = 1_800_000_000, 1_800_000_600
ALARMS = {"type": "alarm", "properties": {"alarms": []}}


def body(dashboard: str) -> str:
    widgets = generate_dashboard_widgets(
        region="us-east-1", dashboard=dashboard, catalogue=defaults(), sources=SOURCES
    )
    return json.dumps({"widgets": [*widgets, ALARMS]})


@pytest.mark.parametrize("dashboard", ["slo", "operations"])
def test_every_series_is_asked_for_once_and_its_values_come_back_to_it(dashboard: str) -> None:
    asked = queries(body(dashboard), "d")
    values = {query["Id"]: [(START + place, float(place))] for place, query in enumerate(asked)}
    drawn = panels(body(dashboard), "d", values, START, END)
    series = [each for panel in drawn for each in panel["series"]]
    assert len(values) == len(asked) == len(series)
    assert [each["points"] for each in series] == [[[place, float(place)]] for place in range(len(asked))]
    assert [each["label"] for each in series] == [query["Label"] for query in asked]


def test_a_query_asks_for_namespace_metric_dimensions_period_and_statistic() -> None:
    asked = {query["Label"]: query["MetricStat"] for query in queries(body("slo"), "d")}
    assert asked["EventIngestionLatency_ms p99"] == {
        "Metric": {
            "Namespace": "FSxN-S3AP-Patterns",
            "MetricName": "EventIngestionLatency_ms",
            "Dimensions": [],
        },
        "Period": 300,
        "Stat": "p99",
    }
    assert asked["S3APList_Success S3APList ap-1 Minimum"]["Metric"]["Dimensions"] == [
        {"Name": "Check", "Value": "S3APList"},
        {"Name": "Target", "Value": "ap-1"},
    ]


def test_targets_are_lines_of_their_panel() -> None:
    drawn = panels(body("slo"), "d", {}, START, END)
    assert [panel["lines"] for panel in drawn if panel["lines"]] == [
        [{"label": "target < 5000", "value": 5000.0}],
        [{"label": "target > 99.5", "value": 99.5}],
        [{"label": "target < 30", "value": 30.0}],
        [{"label": "target < 300", "value": 300.0}],
    ]


@pytest.mark.parametrize("text", ["", "{}", '{"widgets": [{}]}', "[]"])
def test_a_body_of_another_form_is_one_clear_error(text: str) -> None:
    with pytest.raises(
        MisconfiguredError, match="dashboard mine is not one of modules slo and cost-dashboard"
    ):
        queries(text, "mine")


class CloudWatch:
    """Has one dashboard, and one value of one metric."""

    class exceptions:  # noqa: N801 (boto3's name)
        class ResourceNotFound(Exception):  # noqa: N818 (boto3's name)
            pass

        class DashboardNotFoundError(Exception):
            pass

    def get_dashboard(self, DashboardName: str) -> dict[str, Any]:  # noqa: N803 (boto3's name)
        if DashboardName != "mine-slo":
            raise self.exceptions.ResourceNotFound
        return {"DashboardBody": body("slo")}

    def get_paginator(self, _name: str) -> CloudWatch:
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        for query in asked["MetricDataQueries"]:
            mine = query.get("Label", "").startswith("FPolicyReconnectTime_sec")
            times = [datetime.fromtimestamp(START + 60, UTC)] if mine else []
            yield {
                "MetricDataResults": [{"Id": query["Id"], "Timestamps": times, "Values": [7.0][: len(times)]}]
            }


def test_a_dashboard_is_drawn_with_the_values_that_cloudwatch_has() -> None:
    found = draw_dashboard(CloudWatch(), "mine-slo", start=START, end=END, now=END)
    assert json.loads(json.dumps(found)) == found
    points = [each["points"] for panel in found["panels"] for each in panel["series"] if each["points"]]
    assert (found["name"], points) == ("mine-slo", [[[60, 7.0]]])


def test_a_dashboard_that_is_not_there_is_named() -> None:
    with pytest.raises(MisconfiguredError, match="there is no dashboard other"):
        draw_dashboard(CloudWatch(), "other", start=START, end=END, now=END)


def test_a_long_time_is_asked_for_in_longer_periods_and_says_so() -> None:
    asked = queries(body("slo"), "d", 3600)
    assert {query["MetricStat"]["Period"] for query in asked} == {3600}
    assert {panel["period_seconds"] for panel in panels(body("slo"), "d", {}, START, END, 3600)} == {3600}


@pytest.mark.parametrize(
    ("days", "age_days", "seconds"),
    [(1 / 24, 0, 60), (1, 0, 900), (7, 0, 3600), (30, 0, 21_600), (1 / 24, 16, 300), (1 / 24, 64, 3600)],
)
def test_a_time_is_drawn_in_periods_that_cloudwatch_has_and_an_eye_can_see(
    days: float, age_days: int, seconds: int
) -> None:
    end = START - age_days * 86_400
    assert drawn_seconds(end - round(days * 86_400), end, START) == seconds


def product(expression: str) -> str:
    """A dashboard as module cost-dashboard makes it: hidden usage, shown as usage times price."""
    hidden = {"id": "m0", "period": 300, "stat": "Sum", "visible": False}
    metrics = [
        ["AWS/States", "ExecutionsStarted", "StateMachineArn", "arn", hidden],
        [{"expression": expression, "id": "e0", "label": "state transitions", "period": 300}],
    ]
    return json.dumps({"widgets": [{"type": "metric", "properties": {"title": "USD", "metrics": metrics}}]})


def test_usage_times_price_is_drawn_in_place_of_the_usage() -> None:
    body = product("m0 * 0.000075")
    assert [query["Id"] for query in queries(body, "cost")] == ["w0s0"]
    (panel,) = panels(body, "cost", {"w0s0": [(1000, 2.0), (1300, 4.0)]}, 900, 1900)
    assert panel["period_seconds"] == 300
    assert panel["series"] == [{"label": "state transitions", "points": [[100, 0.00015], [400, 0.0003]]}]


@pytest.mark.parametrize("expression", ["m0 + 1", "m1 * 2", "m0 * -1", "SUM(METRICS())"])
def test_another_expression_is_refused(expression: str) -> None:
    with pytest.raises(MisconfiguredError, match=r"only ID \* NUMBER is drawn"):
        panels(product(expression), "cost", {}, 0, 1)
