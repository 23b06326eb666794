"""What the process counts. Pure: `main` publishes it, everybody else only adds.

Names are those of the metric catalogue; a name ends in its unit.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, TypeVar

from fpolicy_server.measures import Latency, Samples, Source, Sources

Key = TypeVar("Key")

RECEIVED: Final = "FPolicyEventsReceived_count"
DELIVERED: Final = "FPolicyEventsDelivered_count"
QUARANTINED: Final = "FPolicyEventsQuarantined_count"
FILTERED: Final = "FPolicyEventsFiltered_count"
REPLAYED: Final = "FPolicyEventsReplayed_count"
SPOOLED: Final = "FPolicyEventsSpooled_count"
UNDELIVERED: Final = "FPolicyEventsUndelivered_count"
UNACKED: Final = "FPolicyEventsUnacked_count"
UNRESOLVED_NAMES: Final = "FPolicyNamesUnresolved_count"
MALFORMED: Final = "FPolicyFramesMalformed_count"
OPENED: Final = "FPolicyConnectionsOpened_count"
CLOSED: Final = "FPolicyConnectionsClosed_count"
OPEN: Final = "FPolicyConnectionsOpen_count"
BACK_PRESSURE: Final = "FPolicyBackPressure_count"
READS_PAUSED: Final = "FPolicyReadsPaused_count"
DUPLICATES: Final = "FPolicyEventsDuplicateSuspect_count"
UNKNOWN_OPERATIONS: Final = "FPolicyOperationsUnknown_count"
ANSWERS: Final = "FPolicyAnswersSent_count"
CANCELLED: Final = "FPolicyRequestsCancelled_count"
ALERTS: Final = "FPolicyNodeAlerts_count"
OUTAGE_FILES: Final = "FPolicyOutageFiles_count"
RETRIES: Final = "FPolicyQueueRetries_count"
VOLUME_MAP_FAILURES: Final = "FPolicyVolumeMapFailures_count"
CERTIFICATE_FAILURES: Final = "FPolicyCertificateFailures_count"
SPOOL_FAILURES: Final = "FPolicySpoolFailures_count"
CAPTURE_FAILURES: Final = "FPolicyCaptureFailures_count"
SPOOL_BYTES: Final = "FPolicySpoolBytes_bytes"
LATENCY: Final = "FPolicyDeliveryLatency_ms"
OPERATION_LATENCY: Final = "FPolicyOperationLatency_ms"
REPLAY_TIME: Final = "ReplayCompletionTime_sec"

COUNTERS: Final = (
    RECEIVED, DELIVERED, REPLAYED, SPOOLED, UNDELIVERED, UNRESOLVED_NAMES, OPENED, BACK_PRESSURE,
    READS_PAUSED, RETRIES, VOLUME_MAP_FAILURES, CERTIFICATE_FAILURES,
)  # fmt: skip
# Published only when they happen, so that they cost nothing where they do not.
RARE: Final = (DUPLICATES, UNKNOWN_OPERATIONS, CANCELLED, ALERTS, OUTAGE_FILES)
COUNTERS_BY_REASON: Final = (
    QUARANTINED,
    FILTERED,
    MALFORMED,
    CLOSED,
    ANSWERS,
    SPOOL_FAILURES,
    CAPTURE_FAILURES,
)
# Measured for each SVM and policy too, under the name given here.
LATENCIES: Final = {
    LATENCY: "FPolicySourceDeliveryLatency_ms",
    OPERATION_LATENCY: "FPolicySourceOperationLatency_ms",
}
# Gauges for each SVM and policy.
SOURCE_OPEN: Final = "FPolicySourceOpen_count"
SOURCE_UNACKED: Final = "FPolicySourceUnacked_count"
SOURCE_REPLAY: Final = "FPolicySourceReplay_sec"
# Counted for each SVM and policy too, under the name given here.
BY_SOURCE: Final = {
    RECEIVED: "FPolicySourceReceived_count",
    DELIVERED: "FPolicySourceDelivered_count",
    DUPLICATES: "FPolicySourceDuplicateSuspect_count",
    QUARANTINED: "FPolicySourceQuarantined_count",
    SPOOLED: "FPolicySourceSpooled_count",
}


class Statistics:
    """All counters since the start, gauges as functions of the caller, and latencies."""

    def __init__(self) -> None:
        self.totals: Counter[tuple[str, str]] = Counter()
        self.by_source: Counter[tuple[str, Source]] = Counter()
        self.sources = Sources()
        self.samples = {name: Samples() for name in LATENCIES}
        self.latency: dict[tuple[str, Source], Latency] = {}
        self.peak_unacked = 0
        self._published: Counter[tuple[str, str]] = Counter()
        self._published_by_source: Counter[tuple[str, Source]] = Counter()

    def count(self, name: str, value: int = 1, reason: str = "", source: Source | None = None) -> None:
        """Add to a counter; `reason` and `source` come from bounded sets."""
        self.totals[name, reason] += value
        if source is not None:
            self.by_source[name, source] += value

    def count_of_source(self, name: str, source: Source) -> None:
        """Add to a source's counter what the total has from elsewhere."""
        self.by_source[name, source] += 1

    def latency_of(self, name: str, source: Source) -> Latency:
        """Give where the latencies of a source are recorded."""
        found = self.latency.get((name, source))
        if found is None:
            found = self.latency[name, source] = Latency(self.samples[name])
        return found

    def total(self, name: str) -> int:
        """Give a counter's total over all reasons."""
        return sum(value for (known, _), value in self.totals.items() if known == name)

    def take_changes(self) -> dict[tuple[str, str], int]:
        """Give what was added since the last call. `COUNTERS` are always there."""
        changes = {(name, ""): 0 for name in COUNTERS} | _changes(self.totals, self._published)
        self._published = Counter(self.totals)
        return changes

    def take_changes_by_source(self) -> dict[tuple[str, Source], int]:
        """Give what was added for each source since the last call."""
        changes = _changes(self.by_source, self._published_by_source)
        self._published_by_source = Counter(self.by_source)
        return changes


def _changes(totals: Counter[Key], published: Counter[Key]) -> dict[Key, int]:
    return {key: value - published[key] for key, value in totals.items() if value != published[key]}
