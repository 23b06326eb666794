"""Adapters: points from CloudWatch, the effective catalogue from Systems Manager."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import MisconfiguredError, TransientError
from fsxn_runtime.slo.alarm_rules import is_percentile
from fsxn_runtime.slo.model import Point, SloTarget

# Metrics that one call of GetMetricData may ask for (CloudWatch API reference).
QUERIES: Final = 500


def parameter_text(ssm: Any, name: str) -> str:
    """Read the parameter. Raises MisconfiguredError when there is none, and errors of `edge.aws_errors`."""
    with aws_call("ssm:GetParameter"):
        try:
            return str(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound as exc:
            raise MisconfiguredError(
                f"SLO_PARAMETER is {name!r}; there is no such parameter", code="no_catalogue"
            ) from exc


def dashboard_body(cloudwatch: Any, name: str) -> str:
    """Read a dashboard's body. Raises MisconfiguredError when there is none."""
    with aws_call("cloudwatch:GetDashboard"):
        try:
            return str(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
        except (cloudwatch.exceptions.ResourceNotFound, cloudwatch.exceptions.DashboardNotFoundError) as exc:
            raise MisconfiguredError(f"there is no dashboard {name}", code="no_dashboard") from exc


class Points:
    """Reads the objectives' metrics of one namespace. Every method raises the errors of `edge.aws_errors`."""

    def __init__(self, cloudwatch: Any, namespace: str) -> None:
        self._cloudwatch = cloudwatch
        self._namespace = namespace

    def newest(self, target: SloTarget, end: int, periods: int) -> list[Point]:
        """Read the periods before `end`, asked for as the alarm asks: a percentile as an extended statistic.

        CloudWatch gives them in any order.
        """
        form = "ExtendedStatistics" if is_percentile(target.statistic) else "Statistics"
        with aws_call("cloudwatch:GetMetricStatistics"):
            answer = self._cloudwatch.get_metric_statistics(
                Namespace=self._namespace,
                MetricName=target.metric,
                StartTime=_moment(end - periods * target.period_seconds),
                EndTime=_moment(end),
                Period=target.period_seconds,
                **{form: [target.statistic]},
            )
        return list(_newest_points(answer["Datapoints"], target.statistic))

    def history(self, target: SloTarget, start: int, end: int, period_seconds: int) -> list[Point]:
        """Read a long time, with the number of samples where they are what is counted."""
        ids = {"value": target.statistic}
        if target.objective_pct is None:
            ids["samples"] = "SampleCount"
        metric = {"Namespace": self._namespace, "MetricName": target.metric, "Dimensions": []}
        queries = [
            {"Id": name, "MetricStat": {"Metric": metric, "Period": period_seconds, "Stat": stat}}
            for name, stat in ids.items()
        ]
        found = read_series(self._cloudwatch, queries, start, end)
        samples = dict(found.get("samples", []))
        return [Point(time, value, samples.get(time, 1.0)) for time, value in found["value"]]


def read_series(
    cloudwatch: Any, queries: list[dict[str, Any]], start: int, end: int
) -> dict[str, list[tuple[int, float]]]:
    """Read queries page by page: (time, value) by the query's id, oldest first.

    Raises the errors of `edge.aws_errors`; an answer that is neither complete nor partial is an error too.
    """
    found: dict[str, list[tuple[int, float]]] = {query["Id"]: [] for query in queries}
    for first in range(0, len(queries), QUERIES):
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries[first : first + QUERIES],
            StartTime=_moment(start),
            EndTime=_moment(end),
            ScanBy="TimestampAscending",
        )
        with aws_call("cloudwatch:GetMetricData"):
            for result in (result for page in pages for result in page["MetricDataResults"]):
                _check(result)
                times = (int(time.timestamp()) for time in result["Timestamps"])
                found[result["Id"]] += zip(times, result["Values"], strict=True)
    return {query_id: sorted(points) for query_id, points in found.items()}


def _newest_points(datapoints: list[Mapping[str, Any]], statistic: str) -> Iterator[Point]:
    for datapoint in datapoints:
        values = datapoint.get("ExtendedStatistics", {}) if is_percentile(statistic) else datapoint
        if statistic in values:  # CloudWatch leaves a percentile out where it has none, as of statistic sets
            yield Point(int(datapoint["Timestamp"].timestamp()), float(values[statistic]))


def _check(result: Mapping[str, Any]) -> None:
    status = result.get("StatusCode", "Complete")
    message = f"cloudwatch:GetMetricData answered {status} for {result['Id']}"
    if status == "Forbidden":
        raise MisconfiguredError(message, code="aws_denied")
    if status == "InternalError":
        raise TransientError(message, code="aws_busy")


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
