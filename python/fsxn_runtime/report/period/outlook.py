"""The forecast part of a report: when what is full, with usage, capacity and interval to draw."""

from __future__ import annotations

import math
from typing import Any, Final

from fsxn_runtime.forecast import Forecast, Inventory, Usage, forecast, look_ahead

LOOKBACK_DAYS: Final = 30
AHEAD_DAYS: Final = 30
_SECONDS_PER_DAY: Final = 86_400


def read_outlook(inventory: Inventory, end: int) -> dict[str, Any]:
    """Forecast everything of a file system as of `end` (seconds since 1970), the first to be full on top.

    Raises the errors of `edge.aws_errors`.
    """
    now = end / _SECONDS_PER_DAY
    found = [(forecast(usage, now, 0), usage) for usage in inventory.usages(now, LOOKBACK_DAYS)]
    found.sort(key=lambda pair: pair[0].days_until_full if pair[0].available else math.inf)
    return {
        "lookback_days": LOOKBACK_DAYS,
        "ahead_days": AHEAD_DAYS,
        "resources": [{**one.to_dict(), "series": _series(one, usage)} for one, usage in found],
    }


def _series(found: Forecast, usage: Usage) -> dict[str, Any]:
    """Usage and capacity as [days since 1970, value], what comes as [days, value, low, high]."""
    return {
        "used": [list(point) for point in usage.used],
        "capacity": [list(point) for point in usage.capacity],
        "ahead": [list(row) for row in look_ahead(usage, found, AHEAD_DAYS)],
    }
