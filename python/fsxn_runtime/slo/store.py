"""Adapters: points from CloudWatch, the effective catalogue from Systems Manager."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.cloudwatch import moment, read_series
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.slo.alarm_rules import is_percentile
from fsxn_runtime.slo.model import Point, SloTarget


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
                StartTime=moment(end - periods * target.period_seconds),
                EndTime=moment(end),
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


def _newest_points(datapoints: list[Mapping[str, Any]], statistic: str) -> Iterator[Point]:
    for datapoint in datapoints:
        values = datapoint.get("ExtendedStatistics", {}) if is_percentile(statistic) else datapoint
        if statistic in values:  # CloudWatch leaves a percentile out where it has none, as of statistic sets
            yield Point(int(datapoint["Timestamp"].timestamp()), float(values[statistic]))
