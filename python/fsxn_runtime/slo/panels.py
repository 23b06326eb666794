"""Draw a deployed dashboard elsewhere: what its widgets ask for, with the values that CloudWatch has. Pure.

The dashboard's own body says what is drawn, so a picture and the dashboard cannot differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fsxn_runtime.errors import MisconfiguredError

Values = Mapping[str, Sequence[tuple[int, float]]]


def queries(body: str, name: str, least_seconds: int = 0) -> list[dict[str, Any]]:
    """Give the queries of GetMetricData for every series of a dashboard's body, in order of the widgets.

    `least_seconds`: the shortest period asked for. Raises MisconfiguredError when the body is not one of
    module slo's.
    """
    return [
        {"Id": query_id, "MetricStat": _stat(series, least_seconds), "Label": label(series)}
        for query_id, series in _series(body, name)
    ]


def panels(
    body: str, name: str, values: Values, start: int, end: int, least_seconds: int = 0
) -> list[dict[str, Any]]:
    """Give title, series ([seconds since `start`, value]) and target lines of each metric widget."""
    found = []
    by_id = dict(_series(body, name))
    for place, properties in enumerate(_widgets(body, name)):
        ids = [query_id for query_id in by_id if query_id.startswith(f"w{place}s")]
        found.append(
            {
                "title": properties["title"],
                "seconds": end - start,
                "period_seconds": max(_period(by_id[query_id], least_seconds) for query_id in ids),
                "series": [
                    {
                        "label": label(by_id[query_id]),
                        "points": [[time - start, value] for time, value in values.get(query_id, ())],
                    }
                    for query_id in ids
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


def _series(body: str, name: str) -> Iterator[tuple[str, list[Any]]]:
    for place, properties in enumerate(_widgets(body, name)):
        for number, series in enumerate(properties["metrics"]):
            yield f"w{place}s{number}", series


def _widgets(body: str, name: str) -> list[dict[str, Any]]:
    try:
        return [widget["properties"] for widget in json.loads(body)["widgets"] if widget["type"] == "metric"]
    except (ValueError, KeyError, TypeError) as exc:
        raise MisconfiguredError(
            f"dashboard {name} is not one of module slo: {exc!r}", code="wrong_dashboard"
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
