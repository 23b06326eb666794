"""What the traffic of a period costs by list prices: counted from metrics, estimated by `cost`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fsxn_runtime.cost import Configuration, estimate, price_list, read_profile
from fsxn_runtime.edge.cloudwatch import dimensions_of, metric_query, read_series
from fsxn_runtime.report.period.collecting import Period

EVENTS: Final = "FPolicyEventsReceived_count"
STARTED: Final = "WorkloadStarted_count"
_COUNTED: Final = (
    STARTED,
    "WorkloadDuplicates_count",
    "WorkloadSuperseded_count",
    "WorkloadRetried_count",
    "WorkloadResettled_count",
)
_HOUR: Final = 3600
# Events come in at some speed where they come at all; it only says how full batches are.
_SLOWEST: Final = 0.001


def read_spending(
    cloudwatch: Any, namespace: str, period: Period, length: int, region: str, deployed: Configuration
) -> dict[str, Any]:
    """Estimate the period's cost, of counts read in periods of `length` seconds.

    Raises the errors of `edge.aws_errors`, and RejectedError for a Region without prices.
    """
    prices = price_list(region)
    workloads = [each["UcId"] for each in dimensions_of(cloudwatch, namespace, STARTED, ("UcId",))]
    queries = [metric_query("events", namespace, EVENTS, "Sum", length, {})]
    queries += [
        metric_query(f"w{place}c{number}", namespace, name, "Sum", length, {"UcId": uc_id})
        for place, uc_id in enumerate(workloads)
        for number, name in enumerate(_COUNTED)
    ]
    series = read_series(cloudwatch, queries, period.start - period.start % length, period.end)
    counts = {
        uc_id: {name: _sum(series[f"w{place}c{number}"]) for number, name in enumerate(_COUNTED)}
        for place, uc_id in enumerate(workloads)
    }
    traffic = profile(series["events"], counts, period, length)
    if traffic is None:
        return {"region": region, "as_of": prices.as_of, "traffic": None, "usd": "0", "lines": []}
    found = estimate(read_profile(traffic), deployed, prices)
    return {**found.to_dict(), "traffic": traffic, "lines": [line.to_dict() for line in found.lines]}


def profile(
    events: Sequence[tuple[int, float]],
    counts: Mapping[str, Mapping[str, float]],
    period: Period,
    length: int,
) -> dict[str, Any] | None:
    """Give the traffic profile that `cost` reads; None for a period without work. Pure.

    A workload's events are those that started, repeated or were too late for a file version.
    """
    total = _sum(events)
    busy = max((value for _, value in events), default=0.0) / length
    workloads = {uc_id: found for uc_id, each in counts.items() if (found := _workload(each, total))}
    if not workloads:
        return None
    return {
        "hours": period.seconds / _HOUR,
        "events": total,
        "busy_events_per_second": max(busy, _SLOWEST),
        "workloads": workloads,
    }


def _workload(counts: Mapping[str, float], total: float) -> dict[str, float] | None:
    started, repeated, superseded, retried, resettled = (counts[name] for name in _COUNTED)
    versions = started + superseded
    if not versions:
        return None
    events = versions + repeated
    return {
        "event_share": min(1.0, events / total) if total else 1.0,
        "events_per_version": events / versions,
        "final_share": started / versions,
        "retries_per_version": retried / versions,
        "resettles_per_version": resettled / versions,
    }


def _sum(series: Sequence[tuple[int, float]]) -> float:
    return sum(value for _, value in series)
