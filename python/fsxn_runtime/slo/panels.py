"""Draw a deployed dashboard elsewhere: what its widgets ask for, with the values that CloudWatch has. Pure.

The dashboard's own body says what is drawn, so a picture and the dashboard cannot differ. A series may be an
expression `ID * NUMBER` over another one of its widget (module cost-dashboard: usage times price), which is
worked out here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fsxn_runtime.errors import MisconfiguredError

_PRODUCT: Final = re.compile(r"(\w+) \* (\d+(?:\.\d+)?)")

Points = Sequence[tuple[int, float]]
Values = Mapping[str, Points]


def queries(body: str, name: str, least_seconds: int = 0) -> list[dict[str, Any]]:
    """Give the queries of GetMetricData for every metric of a dashboard's body, in order of the widgets.

    `least_seconds`: the shortest period asked for. Raises MisconfiguredError when the body is not one of
    modules slo and cost-dashboard.
    """
    return [
        {"Id": query_id, "MetricStat": _stat(series, least_seconds), "Label": label(series)}
        for place, properties in enumerate(_widgets(body, name))
        for query_id, series in _metrics(place, properties)
    ]


def panels(
    body: str, name: str, values: Values, start: int, end: int, least_seconds: int = 0
) -> list[dict[str, Any]]:
    """Give title, series ([seconds since `start`, value]) and target lines of each metric widget."""
    found = []
    for place, properties in enumerate(_widgets(body, name)):
        metrics = _metrics(place, properties)
        found.append(
            {
                "title": properties["title"],
                "seconds": end - start,
                "period_seconds": max(_period(series, least_seconds) for _, series in metrics),
                "series": [
                    {"label": shown, "points": [[time - start, value] for time, value in points]}
                    for shown, points in [
                        *_shown(metrics, values),
                        *_worked_out(properties, metrics, values, name),
                    ]
                ],
                "lines": [
                    {"label": line["label"], "value": line["value"]}
                    for line in properties.get("annotations", {}).get("horizontal", [])
                ],
            }
        )
    return found


def label(series: Sequence[Any]) -> str:
    """Name a series: metric, values of its dimensions, statistic."""
    _, metric, *rest, options = series
    return " ".join([metric, *dict.fromkeys(rest[1::2]), options["stat"]])


def _metrics(place: int, properties: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    """Give a widget's metrics with the id of each one's query."""
    return [
        (f"w{place}s{number}", series)
        for number, series in enumerate(properties["metrics"])
        if not isinstance(series[0], Mapping)
    ]


def _shown(metrics: Sequence[tuple[str, list[Any]]], values: Values) -> Iterator[tuple[str, Points]]:
    """Give label and points of each metric that is drawn itself."""
    for query_id, series in metrics:
        if series[-1].get("visible", True):
            yield label(series), values.get(query_id, ())


def _worked_out(
    properties: Mapping[str, Any], metrics: Sequence[tuple[str, list[Any]]], values: Values, name: str
) -> Iterator[tuple[str, Points]]:
    """Give label and points of each expression."""
    queries_by_id = {series[-1].get("id"): query_id for query_id, series in metrics}
    for series in properties["metrics"]:
        if not isinstance(series[0], Mapping):
            continue
        product = _PRODUCT.fullmatch(series[0]["expression"])
        if product is None or product[1] not in queries_by_id:
            raise MisconfiguredError(
                f"dashboard {name} has the expression {series[0]['expression']!r}; only ID * NUMBER is drawn",
                code="wrong_dashboard",
            )
        points = values.get(queries_by_id[product[1]], ())
        yield series[0]["label"], [(time, value * float(product[2])) for time, value in points]


def _widgets(body: str, name: str) -> list[dict[str, Any]]:
    try:
        return [widget["properties"] for widget in json.loads(body)["widgets"] if widget["type"] == "metric"]
    except (ValueError, KeyError, TypeError) as exc:
        raise MisconfiguredError(
            f"dashboard {name} is not one of modules slo and cost-dashboard: {exc!r}", code="wrong_dashboard"
        ) from exc


def _period(series: Sequence[Any], least_seconds: int) -> int:
    return max(int(series[-1]["period"]), least_seconds)


def _stat(series: Sequence[Any], least_seconds: int) -> dict[str, Any]:
    namespace, metric, *rest, options = series
    dimensions = [{"Name": key, "Value": of} for key, of in zip(rest[::2], rest[1::2], strict=True)]
    return {
        "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions},
        "Period": _period(series, least_seconds),
        "Stat": options["stat"],
    }
