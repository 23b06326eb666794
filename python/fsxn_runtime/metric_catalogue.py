"""The metric catalogue: every metric that a part emits, as `metric_catalogue.json` says it.

Terraform reads the same file for its alarms, so a metric has one name, one unit and one set of dimensions.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `unit` is CloudWatch's word; each dimension set is published as a metric of its own."""

    name: str
    unit: str
    dimension_sets: tuple[tuple[str, ...], ...]
    statistic: str
    producer: str
    description: str
    dimension_names: frozenset[str]


@dataclass(frozen=True, slots=True)
class SloTarget:
    """One objective: `statistic` of `metric` over `period_seconds` stays `comparison` than `threshold`."""

    name: str
    metric: str
    statistic: str
    comparison: str
    threshold: float
    period_seconds: int
    periods: int


def load() -> tuple[Mapping[str, Metric], Mapping[str, SloTarget]]:
    """Read the catalogue that is shipped beside this file: metrics by name, objectives by name."""
    # pkgutil reads from a zip too and, unlike importlib.resources, costs nothing to import.
    data = json.loads(pkgutil.get_data("fsxn_runtime", "metric_catalogue.json") or b"")
    metrics = {
        name: Metric(
            name=name,
            unit=entry["unit"],
            dimension_sets=tuple(tuple(names) for names in entry["dimensions"]),
            statistic=entry["statistic"],
            producer=entry["producer"],
            description=entry["description"],
            dimension_names=frozenset(name for names in entry["dimensions"] for name in names),
        )
        for name, entry in data["metrics"].items()
    }
    targets = {name: SloTarget(name=name, **entry) for name, entry in data["slos"].items()}
    return MappingProxyType(metrics), MappingProxyType(targets)


METRICS, SLO_TARGETS = load()
