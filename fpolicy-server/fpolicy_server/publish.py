"""Publishes the statistics: EMF lines for CloudWatch, and Prometheus text for whoever asks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from fsxn_runtime.edge.metrics import Emf

from fpolicy_server import statistics
from fpolicy_server.measures import BOUNDS_MS, Latency, Source
from fpolicy_server.statistics import Statistics

_WORD_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])")
# By the last word of a gauge's name.
_UNITS: Final = {"sec": "Seconds", "bytes": "Bytes"}


SourceGauges = Mapping[str, Mapping[Source, float]]  # by name, then by SVM and policy


def publish_emf(
    emf: Emf, counters: Statistics, gauges: Mapping[str, float], source_gauges: SourceGauges
) -> None:
    """Write what was counted since the last call, the gauges, and the latency samples."""
    for (name, reason), value in counters.take_changes().items():
        if name in statistics.COUNTERS_BY_REASON:
            emf.count(name, value, Reason=reason)
        else:
            emf.count(name, value)
    for (name, (svm, policy)), value in counters.take_changes_by_source().items():
        emf.count(statistics.BY_SOURCE[name], value, Svm=svm, Policy=policy)
    for name, gauge in gauges.items():
        emf.put(name, gauge, _unit(name))
    for name, by_source in source_gauges.items():
        for (svm, policy), gauge in by_source.items():
            if gauge or name != statistics.SOURCE_REPLAY:  # a replay is rare
                emf.put(name, gauge, _unit(name), Svm=svm, Policy=policy)
    for name, samples in counters.samples.items():
        for sample in samples.take():
            emf.put(name, round(sample, 3), "Milliseconds")
    for (name, (svm, policy)), latency in counters.latency.items():
        for sample in latency.samples.take():
            public = statistics.LATENCIES[name]
            emf.put(public, round(sample, 3), "Milliseconds", Svm=svm, Policy=policy)
    emf.flush()


def _unit(name: str) -> str:
    return _UNITS.get(name.rpartition("_")[2], "Count")


def prometheus_text(counters: Statistics, gauges: Mapping[str, float], source_gauges: SourceGauges) -> str:
    """Write totals since the start and the gauges in Prometheus' text format, version 0.0.4."""
    lines: list[str] = []
    for name in (*statistics.COUNTERS, *statistics.RARE, *statistics.COUNTERS_BY_REASON):
        public = _prometheus_name(name).removesuffix("_count") + "_total"
        lines.append(f"# TYPE {public} counter")
        if name not in statistics.COUNTERS_BY_REASON:
            lines.append(f"{public} {counters.totals[name, '']}")
        lines.extend(
            f'{public}{{reason="{reason}"}} {value}'
            for (known, reason), value in sorted(counters.totals.items())
            if known == name and reason
        )
    for counted, name in statistics.BY_SOURCE.items():
        public = _prometheus_name(name).removesuffix("_count") + "_total"
        lines.append(f"# TYPE {public} counter")
        lines.extend(
            f"{public}{_labels(source)} {value}"
            for (known, source), value in sorted(counters.by_source.items())
            if known == counted
        )
    for name, gauge in gauges.items():
        public = _prometheus_name(name)
        lines += [f"# TYPE {public} gauge", f"{public} {gauge:g}"]
    for name, by_source in source_gauges.items():
        public = _prometheus_name(name)
        lines.append(f"# TYPE {public} gauge")
        lines.extend(f"{public}{_labels(source)} {gauge:g}" for source, gauge in by_source.items())
    for name, public in statistics.LATENCIES.items():
        of_name = {source: latency for (known, source), latency in counters.latency.items() if known == name}
        lines.append(f"# TYPE {_prometheus_name(name)} histogram")
        lines += _histogram(_prometheus_name(name), "", list(of_name.values()))
        lines.append(f"# TYPE {_prometheus_name(public)} histogram")
        for source, latency in of_name.items():
            lines += _histogram(_prometheus_name(public), _labels(source), [latency])
    return "\n".join(lines) + "\n"


def _histogram(public: str, labels: str, latencies: Sequence[Latency]) -> list[str]:
    """Write one histogram: that of one source, or the sum of all."""
    inner = f"{labels[1:-1]}," if labels else ""
    lines, total = [], 0
    for place, bound in enumerate((*map(str, BOUNDS_MS), "+Inf")):
        total += sum(latency.counts[place] for latency in latencies)
        lines.append(f'{public}_bucket{{{inner}le="{bound}"}} {total}')
    sum_ms = sum(latency.sum_ms for latency in latencies)
    return [*lines, f"{public}_sum{labels} {sum_ms:.3f}", f"{public}_count{labels} {total}"]


def _labels(source: Source) -> str:
    svm, policy = source  # plain characters only (measures.Sources)
    return f'{{svm="{svm}",policy="{policy}"}}'


def _prometheus_name(name: str) -> str:
    """FPolicyEventsReceived_count -> fpolicy_events_received_count."""
    return _WORD_BOUNDARY.sub("_", name.replace("FPolicy", "Fpolicy")).lower()
