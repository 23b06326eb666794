"""What the process counts. Pure: `main` publishes it, everybody else only adds.

Names are those of the metric catalogue; a name ends in its unit.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

RECEIVED: Final = "FPolicyEventsReceived_count"
DELIVERED: Final = "FPolicyEventsDelivered_count"
QUARANTINED: Final = "FPolicyEventsQuarantined_count"
FILTERED: Final = "FPolicyEventsFiltered_count"
REPLAYED: Final = "FPolicyEventsReplayed_count"
UNDELIVERED: Final = "FPolicyEventsUndelivered_count"
UNACKED: Final = "FPolicyEventsUnacked_count"
UNRESOLVED_NAMES: Final = "FPolicyNamesUnresolved_count"
MALFORMED: Final = "FPolicyFramesMalformed_count"
OPENED: Final = "FPolicyConnectionsOpened_count"
CLOSED: Final = "FPolicyConnectionsClosed_count"
OPEN: Final = "FPolicyConnectionsOpen_count"
BACK_PRESSURE: Final = "FPolicyBackPressure_count"
READS_PAUSED: Final = "FPolicyReadsPaused_count"
RETRIES: Final = "FPolicyQueueRetries_count"
VOLUME_MAP_FAILURES: Final = "FPolicyVolumeMapFailures_count"
CERTIFICATE_FAILURES: Final = "FPolicyCertificateFailures_count"
LATENCY: Final = "FPolicyDeliveryLatency_ms"
REPLAY_TIME: Final = "ReplayCompletionTime_sec"

COUNTERS: Final = (
    RECEIVED, DELIVERED, REPLAYED, UNDELIVERED, UNRESOLVED_NAMES, OPENED, BACK_PRESSURE, READS_PAUSED,
    RETRIES, VOLUME_MAP_FAILURES, CERTIFICATE_FAILURES,
)  # fmt: skip
COUNTERS_BY_REASON: Final = (QUARANTINED, FILTERED, MALFORMED, CLOSED)

# Ten EMF lines of 100 values each; enough for a 99th percentile.
MAX_SAMPLES: Final = 1000


class Samples:
    """A thinned-out record of values: at most `MAX_SAMPLES`, spread evenly over all that were added."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._stride = 1
        self._seen = 0

    def add(self, value: float) -> None:
        """Record a value, or pass over it when there are already many."""
        if self._seen % self._stride == 0:
            self._values.append(value)
            if len(self._values) > MAX_SAMPLES:
                del self._values[1::2]
                self._stride *= 2
        self._seen += 1

    def take(self) -> list[float]:
        """Give the values and start anew."""
        values, self._values, self._stride, self._seen = self._values, [], 1, 0
        return values


class ReplayClock:
    """How long the replay of one session takes (seconds of a monotonic clock).

    While replayed events arrive it is the time since the session began; 10 s without one is the end
    (architecture of the SLOs: ReplayCompletionTime_sec). A replay that ended is reported once.
    """

    QUIET_SECONDS: Final = 10.0

    def __init__(self, began_at: float) -> None:
        self._began_at = began_at
        self._last_at: float | None = None

    def note(self, now: float) -> None:
        """A replayed event arrived."""
        self._last_at = now

    def take(self, now: float) -> float:
        """Give the value for this report: seconds, or 0 when nothing is replayed."""
        if self._last_at is None:
            return 0.0
        if now - self._last_at < self.QUIET_SECONDS:
            return now - self._began_at
        finished = self._last_at - self._began_at
        self._last_at = None
        return finished


class Statistics:
    """All counters since the start, gauges as functions of the caller, and latency samples."""

    def __init__(self) -> None:
        self.totals: Counter[tuple[str, str]] = Counter()
        self.latency_ms = Samples()
        self.peak_unacked = 0
        self._published: Counter[tuple[str, str]] = Counter()

    def count(self, name: str, value: int = 1, reason: str = "") -> None:
        """Add to a counter; `reason` comes from a bounded set."""
        self.totals[name, reason] += value

    def total(self, name: str) -> int:
        """Give a counter's total over all reasons."""
        return sum(value for (known, _), value in self.totals.items() if known == name)

    def take_changes(self) -> dict[tuple[str, str], int]:
        """Give what was added since the last call. Counters without reason are always there."""
        changes = {(name, ""): 0 for name in COUNTERS}
        for key, value in self.totals.items():
            if value != self._published[key]:
                changes[key] = value - self._published[key]
        self._published = Counter(self.totals)
        return changes
