"""What alarms and dashboards look at, against what a run really published. Nothing here reads a catalogue.

Alarms are Terraform's, because the local AWS keeps nothing of their expressions; dashboards are read back;
what was published is what CloudWatch lists, whoever put it there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from lab.terraform import Terraform
from lab.world import World

Metric = tuple[str, str, frozenset[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Gaps:
    """Looked at and not published: without a reason; and reasons that no gap needs."""

    unexplained: list[str]
    needless: list[str]


def alarms(world: World) -> list[dict[str, Any]]:
    """Give every metric alarm as Terraform deployed it."""
    deployed = [
        each["values"] for each in resources(world.terraform) if each["type"] == "aws_cloudwatch_metric_alarm"
    ]
    return sorted(deployed, key=lambda alarm: str(alarm["alarm_name"]))


def watched(alarm: Mapping[str, Any]) -> set[Metric]:
    """Give the metrics that an alarm watches: its own, or those of its expression."""
    queries = [metric for query in alarm["metric_query"] or [] for metric in query["metric"] or []]
    return {
        (each["namespace"], each["metric_name"], frozenset((each["dimensions"] or {}).items()))
        for each in queries or [alarm]
    }


def widgets(world: World, dashboard: str) -> dict[str, set[Metric]]:
    """Give the metrics that each widget of a deployed dashboard draws, by title."""
    body = world.client("cloudwatch").get_dashboard(DashboardName=dashboard)["DashboardBody"]
    found = [widget["properties"] for widget in json.loads(body)["widgets"] if widget["type"] == "metric"]
    return {
        each["title"]: {_drawn(series) for series in each["metrics"] if isinstance(series[0], str)}
        for each in found  # a series that is an object is an expression over the others
    }


def dashboards(world: World) -> list[str]:
    """Give the names of all dashboards that are deployed."""
    pages = world.client("cloudwatch").get_paginator("list_dashboards").paginate()
    return sorted(entry["DashboardName"] for page in pages for entry in page["DashboardEntries"])


def published(world: World) -> set[Metric]:
    """Give what CloudWatch has."""
    pages = world.client("cloudwatch").get_paginator("list_metrics").paginate()
    return {
        (
            metric["Namespace"],
            metric["MetricName"],
            frozenset((each["Name"], each["Value"]) for each in metric["Dimensions"]),
        )
        for page in pages
        for metric in page["Metrics"]
    }


def looked_at(world: World) -> set[Metric]:
    """Give what any alarm or any widget of any dashboard looks at."""
    found = {metric for alarm in alarms(world) for metric in watched(alarm)}
    for dashboard in dashboards(world):
        for metrics in widgets(world, dashboard).values():
            found |= metrics
    return found


def gaps(wanted: Iterable[Metric], known: set[Metric], reasons: Mapping[str, str]) -> Gaps:
    """Compare what is looked at with what there is. A reason's key is a pattern of `written` (fnmatch).

    Exact in both ways: a gap without a reason is named, and so is a reason for which there is no gap.
    """
    missing = {written(metric) for metric in set(wanted) - known}
    explained = {pattern: {each for each in missing if fnmatchcase(each, pattern)} for pattern in reasons}
    return Gaps(
        unexplained=sorted(missing.difference(*explained.values())),
        needless=sorted(pattern for pattern, found in explained.items() if not found),
    )


def written(metric: Metric) -> str:
    """Write a metric in one line: namespace, name, dimensions in order."""
    namespace, name, dimensions = metric
    return " ".join([namespace, name, *(f"{key}={value}" for key, value in sorted(dimensions))])


def _drawn(series: list[Any]) -> Metric:
    """[namespace, name, dimension, value, ..., options] as a metric."""
    namespace, name, *rest, _ = series
    return namespace, name, frozenset(zip(rest[::2], rest[1::2], strict=True))


def resources(terraform: Terraform) -> Iterator[dict[str, Any]]:
    """Give what Terraform's state has, of all modules."""
    state = json.loads(terraform.run("show", "-json", "-no-color", str(terraform.state_file), quiet=True))
    modules = [state["values"]["root_module"]]
    while modules:
        module = modules.pop()
        yield from module.get("resources", [])
        modules += module.get("child_modules", [])
