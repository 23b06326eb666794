"""The widgets of the dashboards, as CloudWatch reads them, from `dashboards.json`. Pure.

Module slo makes the same widgets from the same file; a test holds both alike. A value `{name}` of a dimension
stands for each of what `sources` has by that name: a series for each, and none where there is nothing.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fsxn_runtime.metric_catalogue import METRICS
from fsxn_runtime.slo.model import Catalogue, SloTarget

WIDTH: Final = 12  # of 24: two side by side
HEIGHT: Final = 6
PERIOD_SECONDS: Final = 60
SIGNS: Final = {"less": "<", "greater": ">"}


def definitions() -> dict[str, list[dict[str, Any]]]:
    """Read the definitions of every dashboard, by its name."""
    found: dict[str, list[dict[str, Any]]] = json.loads(
        pkgutil.get_data("fsxn_runtime.slo", "dashboards.json") or b""
    )
    return found


def widgets_of(
    dashboard: str, catalogue: Catalogue, region: str, sources: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """Give a dashboard's widgets; one without any series is left out."""
    drawn = [
        widget
        for definition in definitions()[dashboard]
        if (widget := _properties(definition, catalogue, sources))["metrics"]
    ]
    return [
        {
            "type": "metric",
            "x": WIDTH * (place % 2),
            "y": HEIGHT * (place // 2),
            "width": WIDTH,
            "height": HEIGHT,
            "properties": {"region": region, "view": "timeSeries", **properties},
        }
        for place, properties in enumerate(drawn)
    ]


def _properties(
    definition: Mapping[str, Any], catalogue: Catalogue, sources: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Title, metrics with their statistics, and for an objective its target as a line."""
    if "slo" in definition:
        target = catalogue.targets[definition["slo"]]
        label = f"target {SIGNS[target.comparison]} {_plain(target.threshold)}"
        metric = [catalogue.namespace, target.metric, _options(target.statistic, target.period_seconds)]
        return {
            "title": _title(definition["title"], target),
            "metrics": [metric],
            "annotations": {"horizontal": [{"label": label, "value": target.threshold}]},
        }
    series = [
        [
            each.get("namespace", catalogue.namespace),
            each["metric"],
            *(part for pair in sorted(dimensions.items()) for part in pair),
            _options(each.get("statistic") or METRICS[each["metric"]].statistic, PERIOD_SECONDS),
        ]
        for each in definition["series"]
        for dimensions in _filled(each.get("dimensions", {}), sources)
    ]
    return {"title": definition["title"], "metrics": series, "yAxis": {"left": {"min": 0}}}


def _title(text: str, target: SloTarget) -> str:
    return f"{text}: {target.metric}, {target.statistic}"


def _plain(number: float) -> str:
    """Write a number as Terraform does: 5000, 99.5, never with an exponent."""
    return f"{number:f}".rstrip("0").rstrip(".")


def _options(statistic: str, period_seconds: int) -> dict[str, Any]:
    return {"period": period_seconds, "stat": statistic}


def _filled(dimensions: Mapping[str, str], sources: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    """Give the dimensions once for each value of the source that they name; once when they name none."""
    names = {value[1:-1] for value in dimensions.values() if value.startswith("{")}
    if not names:
        yield dict(dimensions)
        return
    (name,) = names
    for value in sources.get(name, ()):
        yield {key: value if given.startswith("{") else given for key, given in dimensions.items()}
