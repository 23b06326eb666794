"""How long to wait before trying again. Pure: the random part is an argument."""

from __future__ import annotations

from typing import Final

FIRST_SECONDS: Final = 0.1
# A queue that is back should be noticed within seconds, and a dead one costs a handful of calls meanwhile.
LONGEST_SECONDS: Final = 5.0


def backoff_seconds(attempts: int, random: float) -> float:
    """Wait after so many failures (from 1); `random` in [0, 1) spreads the wait over half its length."""
    # 2 ** 10 is far beyond the longest; the bound keeps a number of years of failures from growing large.
    span = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(attempts - 1, 10))
    return span * (0.5 + 0.5 * random)
