"""The metric catalogue: every metric that a part emits, as `metric_catalogue.json` says it.

Terraform reads the same file for its alarms, so a metric has one name, one unit and one set of dimensions.
The file's objectives are read by `fsxn_runtime.slo`.
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


def load() -> Mapping[str, Metric]:
    """Read the metrics of the catalogue that is shipped beside this file, by name."""
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
    return MappingProxyType(metrics)


METRICS = load()
