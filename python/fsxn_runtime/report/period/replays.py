"""Replays of the Persistent Store in a period: when, how long, how many events, of which source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from fsxn_runtime.edge.cloudwatch import dimensions_of, metric_query, read_series
from fsxn_runtime.report.period.collecting import Period, stamp

SECONDS_METRIC: Final = "ReplayCompletionTime_sec"
EVENTS_METRIC: Final = "FPolicyEventsReplayed_count"
SOURCE_METRIC: Final = "FPolicySourceReplay_sec"

Series = Sequence[tuple[int, float]]


def read_replays(cloudwatch: Any, namespace: str, period: Period, length: int) -> dict[str, Any]:
    """Give the period's replays, read in periods of `length` seconds. Raises errors of `edge.aws_errors`."""
    queries = [
        metric_query("seconds", namespace, SECONDS_METRIC, "Maximum", length, {}),
        metric_query("events", namespace, EVENTS_METRIC, "Sum", length, {}),
    ]
    sources = dimensions_of(cloudwatch, namespace, SOURCE_METRIC, ("Svm", "Policy"))
    queries += [
        metric_query(f"source{place}", namespace, SOURCE_METRIC, "Maximum", length, source)
        for place, source in enumerate(sources)
    ]
    found = read_series(cloudwatch, queries, period.start - period.start % length, period.end)
    return {
        "period_seconds": length,
        "measured": bool(found["seconds"]),
        "replays": list(replays(found["seconds"], found["events"], length)),
        "sources": [
            {
                "svm": source["Svm"],
                "policy": source["Policy"],
                "replays": len(mine),
                "longest_seconds": max(mine),
            }
            for place, source in enumerate(sources)
            if (mine := [each["seconds"] for each in replays(found[f"source{place}"], (), length)])
        ],
    }


def replays(seconds: Series, events: Series, length: int) -> Iterator[dict[str, Any]]:
    """Put neighbouring periods in which events were replayed together: begin, seconds, events. Pure.

    `seconds` is how long the replaying session was there, so its largest value is how long the replay took.
    A replay that is shorter than the measure's minute may show in its events alone: it has no seconds then.
    """
    took, counted = dict(seconds), dict(events)
    times = sorted({time for time, value in (*seconds, *events) if value > 0})
    for group in _neighbours(times, length):
        yield {
            "begin": stamp(group[0]),
            "seconds": max(took.get(time, 0.0) for time in group),
            "events": sum(counted.get(time, 0.0) for time in group),
        }


def _neighbours(times: Iterable[int], length: int) -> Iterator[list[int]]:
    group: list[int] = []
    for time in times:
        if group and time - group[-1] > length:
            yield group
            group = []
        group.append(time)
    if group:
        yield group
