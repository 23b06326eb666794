"""What is measured beside counting: latencies, repeats, sources, replays. Pure; memory is bounded."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

# Ten EMF lines of 100 values each; enough for a 99th percentile.
MAX_SAMPLES: Final = 1000
# Of one SVM and policy: one EMF line.
MAX_SOURCE_SAMPLES: Final = 100
# Upper bounds of a latency histogram in ms: around the linger time (50), the SLO (5,000) and a queue outage.
BOUNDS_MS: Final = (5, 10, 25, 50, 75, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000)
# Ids that are remembered: at least this many, at most twice as many (some 4 MB of memory).
REMEMBERED_IDS: Final = 16_384
# Pairs of SVM and policy with a label of their own. A task serves a handful; names come from the peers.
MAX_SOURCES: Final = 32
MAX_LABEL_CHARACTERS: Final = 64

Source = tuple[str, str]  # SVM, policy
OTHER: Final[Source] = ("other", "other")


class Samples:
    """A thinned-out record of values: at most `maximum`, spread evenly over all that were added."""

    def __init__(self, maximum: int = MAX_SAMPLES) -> None:
        self._maximum = maximum
        self._values: list[float] = []
        self._stride = 1
        self._seen = 0

    def add(self, value: float) -> None:
        """Record a value, or pass over it when there are already many."""
        if self._seen % self._stride == 0:
            self._values.append(value)
            if len(self._values) > self._maximum:
                del self._values[1::2]
                self._stride *= 2
        self._seen += 1

    def take(self) -> list[float]:
        """Give the values and start anew."""
        values, self._values, self._stride, self._seen = self._values, [], 1, 0
        return values


class Latency:
    """Milliseconds of one source: samples since the last report, and a histogram since the start.

    `of_all` are the samples of all sources together, in which a busy one weighs more.
    """

    def __init__(self, of_all: Samples) -> None:
        self._of_all = of_all
        self.samples = Samples(MAX_SOURCE_SAMPLES)
        self.counts = [0] * (len(BOUNDS_MS) + 1)  # each up to its bound, the last without one
        self.sum_ms = 0.0

    def add(self, milliseconds: float) -> None:
        """Record one; a negative one, by clocks that differ, counts as 0."""
        value = max(0.0, milliseconds)
        self._of_all.add(value)
        self.samples.add(value)
        self.counts[bisect_left(BOUNDS_MS, value)] += 1
        self.sum_ms += value


class RecentIds:
    """Says of an event id whether this process saw it lately: a replay, or one operation of two policies.

    Two generations of ids; when the newer one is full, the older one is forgotten.
    """

    def __init__(self, capacity: int = REMEMBERED_IDS) -> None:
        self._capacity = capacity
        self._newer: set[str] = set()
        self._older: set[str] = set()

    def is_repeat(self, event_id: str) -> bool:
        """Whether the id is remembered; from now on it is."""
        if event_id in self._newer:
            return True
        self._newer.add(event_id)
        is_known = event_id in self._older
        if len(self._newer) >= self._capacity:
            self._older, self._newer = self._newer, set()
        return is_known


class Sources:
    """Labels for pairs of SVM and policy: the first ones as they are, all further ones as `OTHER`."""

    def __init__(self) -> None:
        self.known: set[Source] = set()

    def label(self, svm: str, policy: str) -> Source:
        """Give the pair's label. Both names are the peer's text, so only plain characters are kept."""
        source = _plain(svm), _plain(policy)
        if source not in self.known:
            if len(self.known) >= MAX_SOURCES:
                return OTHER
            self.known.add(source)
        return source


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

    def running_seconds(self, now: float) -> float:
        """Give the time since the session began while replayed events arrive, else 0; changes nothing."""
        is_running = self._last_at is not None and now - self._last_at < self.QUIET_SECONDS
        return now - self._began_at if is_running else 0.0

    def take(self, now: float) -> float:
        """Give the value for this report: seconds, or 0 when nothing is replayed."""
        if self._last_at is None:
            return 0.0
        running = self.running_seconds(now)
        if running:
            return running
        finished = self._last_at - self._began_at
        self._last_at = None
        return finished


def _plain(text: str) -> str:
    kept = "".join(
        char if char.isascii() and char.isprintable() and char not in '"\\' else "?" for char in text
    )
    return kept[:MAX_LABEL_CHARACTERS] or "?"
