"""Publishes the statistics: EMF lines for CloudWatch, and Prometheus text for whoever asks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fsxn_runtime.edge.metrics import Emf

from fpolicy_server import statistics
from fpolicy_server.statistics import Statistics

_WORD_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])")


def publish_emf(emf: Emf, counters: Statistics, gauges: Mapping[str, float]) -> None:
    """Write what was counted since the last call, the gauges, and the latency samples."""
    for (name, reason), value in counters.take_changes().items():
        if name in statistics.COUNTERS_BY_REASON:
            emf.count(name, value, Reason=reason)
        else:
            emf.count(name, value)
    for name, gauge in gauges.items():
        emf.put(name, gauge, "Seconds" if name.endswith("_sec") else "Count")
    for sample in counters.latency_ms.take():
        emf.put(statistics.LATENCY, round(sample, 3), "Milliseconds")
    emf.flush()


def prometheus_text(counters: Statistics, gauges: Mapping[str, float]) -> str:
    """Write totals since the start and the gauges in Prometheus' text format, version 0.0.4."""
    lines: list[str] = []
    for name in (*statistics.COUNTERS, *statistics.COUNTERS_BY_REASON):
        public = _prometheus_name(name).removesuffix("_count") + "_total"
        lines.append(f"# TYPE {public} counter")
        if name in statistics.COUNTERS:
            lines.append(f"{public} {counters.totals[name, '']}")
        lines.extend(
            f'{public}{{reason="{reason}"}} {value}'
            for (known, reason), value in sorted(counters.totals.items())
            if known == name and reason
        )
    for name, gauge in gauges.items():
        public = _prometheus_name(name)
        lines += [f"# TYPE {public} gauge", f"{public} {gauge:g}"]
    return "\n".join(lines) + "\n"


def _prometheus_name(name: str) -> str:
    """FPolicyEventsReceived_count -> fpolicy_events_received_count."""
    return _WORD_BOUNDARY.sub("_", name.replace("FPolicy", "Fpolicy")).lower()
