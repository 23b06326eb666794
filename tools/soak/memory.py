"""Whether a process grows: its resident memory over time, judged. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# What a Python process takes in its first half minute (caches, threads, buffers at their first full size).
WARM_UP_SECONDS: Final = 30.0
# Enough for a trend to stand out from the garbage collector and from how full the queue was.
JUDGED_SECONDS: Final = 90.0
# Medians of two thirds may differ by so much: buffers are full at one time and empty at another.
ALLOWED_MB: Final = 8.0
ALLOWED_SHARE: Final = 0.10


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident memory (10^6 bytes) of one life of the process at some second of the run."""

    at_seconds: float
    life: int
    resident_mb: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of the longest life: median memory in the first and in the last third after warming up.

    `is_judged` is False when no life was long enough to say anything.
    """

    is_judged: bool
    early_mb: float
    late_mb: float
    peak_mb: float

    @property
    def grows(self) -> bool:
        """Whether the process holds more and more."""
        return self.is_judged and self.late_mb > self.early_mb * (1 + ALLOWED_SHARE) + ALLOWED_MB


def judge(samples: Sequence[Sample]) -> Verdict:
    """Look at the longest life. Raises ValueError without samples."""
    lives: dict[int, list[Sample]] = {}
    for sample in samples:
        lives.setdefault(sample.life, []).append(sample)
    peak = max(sample.resident_mb for sample in samples)
    longest = max(lives.values(), key=lambda life: life[-1].at_seconds - life[0].at_seconds)
    begin = longest[0].at_seconds + WARM_UP_SECONDS
    span = longest[-1].at_seconds - begin
    if span < JUDGED_SECONDS:
        return Verdict(False, 0.0, 0.0, peak)
    early = [s.resident_mb for s in longest if begin <= s.at_seconds < begin + span / 3]
    late = [s.resident_mb for s in longest if s.at_seconds >= begin + 2 * span / 3]
    return Verdict(True, statistics.median(early), statistics.median(late), peak)
