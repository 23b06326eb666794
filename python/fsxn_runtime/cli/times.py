"""Times as they are given on a command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from fsxn_runtime.errors import RejectedError

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def parse_time(given: str, now: datetime) -> str:
    """Read a time of the command line as RFC 3339 UTC; without an offset it is UTC.

    Raises RejectedError for other forms.
    """
    ago = re.fullmatch(r"([0-9]{1,5})([mhd])", given)
    try:
        if ago:
            moment = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        else:
            moment = datetime.fromisoformat(given)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RejectedError(
            f"{given!r} is no time; give 2026-01-31, 2026-01-31T12:00:00Z, or 30m, 6h, 7d ago"
        ) from None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
