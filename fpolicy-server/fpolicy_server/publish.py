"""Publishes the statistics: EMF lines for CloudWatch, and Prometheus text for whoever asks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from fsxn_runtime.edge.metrics import Emf

from fpolicy_server import statistics
from fpolicy_server.measures import BOUNDS_MS, Latency, Source
from fpolicy_server.statistics import Statistics

_WORD_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])")
# By the last word of a gauge's name.
_UNITS: Final = {"sec": "Seconds", "bytes": "Bytes"}


def publish_emf(emf: Emf, counters: Statistics, gauges: Mapping[str, float]) -> None:
    """Write what was counted since the last call, the gauges, and the latency samples."""
    for (name, reason), value in counters.take_changes().items():
        if name in statistics.COUNTERS_BY_REASON:
            emf.count(name, value, Reason=reason)
        else:
            emf.count(name, value)
    for (name, (svm, policy)), value in counters.take_changes_by_source().items():
        emf.count(statistics.BY_SOURCE[name], value, Svm=svm, Policy=policy)
    for name, gauge in gauges.items():
        emf.put(name, gauge, _UNITS.get(name.rpartition("_")[2], "Count"))
    for name, latency in counters.latency.items():
        for sample in latency.samples.take():
            emf.put(name, round(sample, 3), "Milliseconds")
    emf.flush()


def prometheus_text(
    counters: Statistics, gauges: Mapping[str, float], replays: Mapping[Source, float]
) -> str:
    """Write totals since the start and the gauges in Prometheus' text format, version 0.0.4.

    `replays` are the seconds of running replays by SVM and policy.
    """
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
    lines.append("# TYPE fpolicy_replay_running_sec gauge")
    lines.extend(
        f"fpolicy_replay_running_sec{_labels(source)} {seconds:g}" for source, seconds in replays.items()
    )
    for name, latency in counters.latency.items():
        lines += _histogram(_prometheus_name(name), latency)
    return "\n".join(lines) + "\n"


def _histogram(public: str, latency: Latency) -> list[str]:
    lines, total = [f"# TYPE {public} histogram"], 0
    for bound, count in zip((*map(str, BOUNDS_MS), "+Inf"), latency.counts, strict=True):
        total += count
        lines.append(f'{public}_bucket{{le="{bound}"}} {total}')
    return [*lines, f"{public}_sum {latency.sum_ms:.3f}", f"{public}_count {total}"]


def _labels(source: Source) -> str:
    svm, policy = source  # plain characters only (measures.Sources)
    return f'{{svm="{svm}",policy="{policy}"}}'


def _prometheus_name(name: str) -> str:
    """FPolicyEventsReceived_count -> fpolicy_events_received_count."""
    return _WORD_BOUNDARY.sub("_", name.replace("FPolicy", "Fpolicy")).lower()
