"""Metrics as CloudWatch EMF lines on standard output.

EMF (embedded metric format): one JSON object a line, at most 100 values in an array and 100 metrics in a
directive (the catalogue has fewer), dimension values are strings (CloudWatch's EMF specification). Logs are
delivered at least once, so a sum can be slightly too high.

Names, units and dimension sets come from the metric catalogue; a metric that is not in it is refused, so
that every alarm's metric has one spelling.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

from fsxn_runtime.metric_catalogue import METRICS, Metric

MAX_VALUES: Final = 100  # per array, EMF specification

_Key = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, ...], ...]]


class Emf:
    """Collects values and writes them at `flush`; not for use by several threads at once.

    `dimensions` are added to every metric of this object. Memory is bounded: a metric that has gathered
    100 values is written at once, together with its group.
    """

    def __init__(
        self,
        namespace: str,
        dimensions: Mapping[str, str] | None = None,
        *,
        clock: Callable[[], float] = time.time,
        write: Callable[[str], object] | None = None,
    ) -> None:
        self._namespace = namespace
        self._dimensions = dict(dimensions or {})
        self._clock = clock
        self._write = write
        self._groups: dict[_Key, dict[str, list[float]]] = {}

    def count(self, name: str, value: int = 1, **dimensions: str) -> None:
        """Add to a counter; until the next flush it is one number."""
        values = self._values(_known(name, "Count"), dimensions)
        if values:
            values[0] += value
        else:
            values.append(value)

    def put(self, name: str, value: float, unit: str, **dimensions: str) -> None:
        """Record one value. `unit` is the CloudWatch unit and must be the catalogue's."""
        metric = _known(name, unit)
        values = self._values(metric, dimensions)
        values.append(value)
        if len(values) >= MAX_VALUES:
            self._write_group(self._key(metric, dimensions))

    def flush(self) -> None:
        """Write everything collected, one line per set of dimension values."""
        for key in list(self._groups):
            self._write_group(key)

    def _values(self, metric: Metric, dimensions: Mapping[str, str]) -> list[float]:
        group = self._groups.setdefault(self._key(metric, dimensions), {})
        return group.setdefault(metric.name, [])

    def _key(self, metric: Metric, dimensions: Mapping[str, str]) -> _Key:
        given = {**self._dimensions, **dimensions}
        if given.keys() != metric.dimension_names:
            raise ValueError(
                f"{metric.name} has the dimensions {sorted(given)}; "
                f"the catalogue says {sorted(metric.dimension_names)}"
            )
        return tuple(sorted(given.items())), metric.dimension_sets

    def _write_group(self, key: _Key) -> None:
        dimensions, dimension_sets = key
        metrics = self._groups.pop(key)
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [list(names) for names in dimension_sets],
            "Metrics": [{"Name": name, "Unit": METRICS[name].unit} for name in metrics],
        }
        line = {
            "_aws": {"Timestamp": int(self._clock() * 1000), "CloudWatchMetrics": [directive]},
            **dict(dimensions),
            **{name: values[0] if len(values) == 1 else values for name, values in metrics.items()},
        }
        self._emit(json.dumps(line, separators=(",", ":")) + "\n")

    def _emit(self, line: str) -> None:
        if self._write is not None:
            self._write(line)
            return
        sys.stdout.write(line)
        sys.stdout.flush()


def _known(name: str, unit: str) -> Metric:
    metric = METRICS.get(name)
    if metric is None:
        raise ValueError(f"{name} is not in the metric catalogue")
    if metric.unit != unit:
        raise ValueError(f"{name} was given in {unit}; the catalogue says {metric.unit}")
    return metric
