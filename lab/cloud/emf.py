"""Read CloudWatch's embedded metric format. Pure.

Source: CloudWatch user guide, "Specification: Embedded metric format" and the limits of PutMetricData.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

METRICS_LIMIT = 100  # metrics in one directive
VALUES_LIMIT = 100  # values of one metric
DIMENSIONS_LIMIT = 30  # names in one dimension set
_SIZES = ("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes")
_BITS = ("Bits", "Kilobits", "Megabits", "Gigabits", "Terabits")
UNITS = frozenset(
    [
        *("Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"),
        *_SIZES,
        *_BITS,
        *(f"{unit}/Second" for unit in (*_SIZES, *_BITS)),
    ]
)


class EmfError(Exception):
    """The line claims to be EMF and CloudWatch would take no metric from it."""


@dataclass(frozen=True, slots=True)
class MetricKey:
    """What identifies a metric in CloudWatch. `dimensions` are sorted (name, value) pairs."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Datum:
    """Values of one metric at one time."""

    key: MetricKey
    unit: str
    time_ms: int
    values: tuple[float, ...]


def parse(line: str) -> list[Datum]:
    """Take the metrics out of one log line; none when it is not EMF. Raises EmfError."""
    if '"_aws"' not in line:
        return []
    try:
        root = json.loads(line)
    except ValueError as error:
        raise EmfError("is not JSON (cut in the middle?)") from error
    if not isinstance(root, dict) or "CloudWatchMetrics" not in root.get("_aws", {}):
        return []
    time_ms = root["_aws"].get("Timestamp")
    _require(isinstance(time_ms, int), f"Timestamp is {time_ms!r}; it must be milliseconds as a number")
    found: list[Datum] = []
    for directive in root["_aws"]["CloudWatchMetrics"]:
        found += _read_directive(root, directive, time_ms)
    return found


def _read_directive(root: Mapping[str, Any], directive: Mapping[str, Any], time_ms: int) -> list[Datum]:
    namespace = directive.get("Namespace")
    _require(isinstance(namespace, str) and 0 < len(namespace) < 256, f"Namespace is {namespace!r}")
    assert isinstance(namespace, str)
    metrics = directive.get("Metrics", [])
    _require(len(metrics) <= METRICS_LIMIT, f"{len(metrics)} metrics in a directive; 100 are allowed")
    found = []
    for names in directive.get("Dimensions", [[]]):
        dimensions = _read_dimensions(root, names)
        for metric in metrics:
            name, unit = metric["Name"], metric.get("Unit", "None")
            _require(unit in UNITS, f"metric {name} has the unit {unit!r}")
            key = MetricKey(namespace, name, dimensions)
            found.append(Datum(key, unit, time_ms, _read_values(root, name)))
    return found


def _read_dimensions(root: Mapping[str, Any], names: list[str]) -> tuple[tuple[str, str], ...]:
    _require(len(names) <= DIMENSIONS_LIMIT, f"{len(names)} dimensions in a set; 30 are allowed")
    for name in names:
        value = root.get(name)
        _require(isinstance(value, str) and value != "", f"dimension {name} is {value!r}; it must be text")
    return tuple(sorted((name, root[name]) for name in names))


def _read_values(root: Mapping[str, Any], name: str) -> tuple[float, ...]:
    value = root.get(name)
    values: list[Any] = value if isinstance(value, list) else [value]
    _require(0 < len(values) <= VALUES_LIMIT, f"metric {name} has {len(values)} values; 1 to 100 are allowed")
    for number in values:
        good = isinstance(number, int | float) and not isinstance(number, bool)
        _require(good, f"metric {name} is {number!r}; it must be a number")
    return tuple(float(number) for number in values)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise EmfError(message)


def merge(data: Iterable[Datum]) -> list[Datum]:
    """Join the values of equal metrics within one second, so that a storm becomes a few requests."""
    merged: dict[tuple[MetricKey, str, int], list[float]] = {}
    for datum in data:
        second = datum.time_ms // 1000 * 1000
        merged.setdefault((datum.key, datum.unit, second), []).extend(datum.values)
    return [Datum(key, unit, time_ms, tuple(values)) for (key, unit, time_ms), values in merged.items()]
