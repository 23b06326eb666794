"""The series that the report draws: a run over time, and the order of the replay. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from fsxn_runtime.report.model import Arrival, Ledger
from fsxn_runtime.report.statistics import histogram

TIME_BINS = 120  # one bin is about six pixels of the chart
SCATTER_POINTS = 1200  # more only makes the file large
# Milliseconds, ten to a decade (the R10 series of preferred numbers): an eye reads them as even steps.
LATENCY_BOUNDS_MS = tuple(
    round(step * decade, 2)
    for decade in (1, 10, 100, 1_000, 10_000)
    for step in (1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8)
)


def series(ledger: Ledger, firsts: Sequence[Arrival]) -> dict[str, object]:
    """Give `timeline`, `replay_order` and `latency` as plain values. `firsts` is in order of arrival."""
    return {
        "timeline": _timeline(ledger, firsts),
        "replay_order": _replay_order(firsts),
        "latency": {
            "bounds_ms": list(LATENCY_BOUNDS_MS),
            "live_to_bus": histogram(
                [(a.arrived_us - a.time_us) / 1000 for a in firsts if not a.replayed], LATENCY_BOUNDS_MS
            ),
        },
    }


def _timeline(ledger: Ledger, firsts: Sequence[Arrival]) -> dict[str, object]:
    """Counts per time bin, and the run's marks, in seconds since the first operation."""
    made = [operation.time_us for operation in ledger.operations]
    live = [arrival.arrived_us for arrival in firsts if not arrival.replayed]
    replayed = [arrival.arrived_us for arrival in firsts if arrival.replayed]
    everything = [*made, *live, *replayed]
    start_us = min(everything, default=0)
    bin_us = max(1, (max(everything, default=0) - start_us) // TIME_BINS + 1)

    def counts(times: Sequence[int]) -> list[int]:
        result = [0] * TIME_BINS
        for time_us in times:
            result[(time_us - start_us) // bin_us] += 1
        return result

    return {
        "bin_seconds": bin_us / 1e6,
        "made": counts(made),
        "live": counts(live),
        "replayed": counts(replayed),
        "marks": [{"event": m.event, "seconds": (m.at_us - start_us) / 1e6} for m in ledger.marks],
    }


def _replay_order(firsts: Sequence[Arrival]) -> list[list[int]]:
    """[place of arrival, place in order of operation time] of replayed events, thinned out evenly."""
    times = [arrival.time_us for arrival in firsts if arrival.replayed]
    rank = {
        position: place for place, position in enumerate(sorted(range(len(times)), key=lambda i: times[i]))
    }
    step = max(1, -(-len(times) // SCATTER_POINTS))
    return [[position, rank[position]] for position in range(0, len(times), step)]
