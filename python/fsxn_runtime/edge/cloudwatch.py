"""Reading metrics from CloudWatch, page by page: their series, and which there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import MisconfiguredError, TransientError

# Metrics that one call of GetMetricData may ask for (CloudWatch API reference).
QUERIES: Final = 500


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
            StartTime=moment(start),
            EndTime=moment(end),
            ScanBy="TimestampAscending",
        )
        with aws_call("cloudwatch:GetMetricData"):
            for result in (result for page in pages for result in page["MetricDataResults"]):
                _check(result)
                times = (int(time.timestamp()) for time in result["Timestamps"])
                found[result["Id"]] += zip(times, result["Values"], strict=True)
    return {query_id: sorted(points) for query_id, points in found.items()}


def metric_query(
    query_id: str, namespace: str, name: str, stat: str, period: int, dimensions: Mapping[str, str]
) -> dict[str, Any]:
    """Give the query of one metric's statistic, in periods of so many seconds."""
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {"Id": query_id, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}


def dimensions_of(cloudwatch: Any, namespace: str, name: str, keys: Iterable[str]) -> list[dict[str, str]]:
    """Give the dimensions of every metric of a name that has exactly these keys.

    CloudWatch lists what had values within the last two weeks. Raises the errors of `edge.aws_errors`.
    """
    wanted = set(keys)
    found = []
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace, MetricName=name)
    with aws_call("cloudwatch:ListMetrics"):
        for page in pages:
            for metric in page["Metrics"]:
                values = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
                if values.keys() == wanted:
                    found.append(values)
    return sorted(found, key=lambda values: sorted(values.items()))


def _check(result: Mapping[str, Any]) -> None:
    status = result.get("StatusCode", "Complete")
    message = f"cloudwatch:GetMetricData answered {status} for {result['Id']}"
    if status == "Forbidden":
        raise MisconfiguredError(message, code="aws_denied")
    if status == "InternalError":
        raise TransientError(message, code="aws_busy")


def moment(seconds: int) -> datetime:
    """Turn seconds since 1970 into a time."""
    return datetime.fromtimestamp(seconds, UTC)
