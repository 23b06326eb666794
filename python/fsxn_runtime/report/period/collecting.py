"""Collect a period: every part on its own, so that one that cannot be read leaves the others as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from fsxn_runtime.errors import FsxnError

# The parts, in the order in which they are collected and shown.
PARTS: Final = (
    "objectives",
    "incidents",
    "replays",
    "lineage",
    "forecast",
    "guardrails",
    "cost",
    "dashboards",
)
THERE: Final = "there"
LEFT_OUT: Final = "left_out"  # nobody said where to look
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, in whole seconds since 1970; the end is not in it."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        """Give its length."""
        return self.end - self.start


def collect(
    title: str, period: Period, now: int, parts: Mapping[str, Callable[[], Any] | str]
) -> dict[str, Any]:
    """Call each part and give what all found, as plain JSON values.

    A text in place of a function says why the part is left out. What a function raises of `errors` is the
    reason why its part is missing; anything else is a defect, and goes up.
    """
    return {
        "schema_version": "1.0",
        "kind": "period",
        "title": title,
        "from": stamp(period.start),
        "to": stamp(period.end),
        "made_at": stamp(now),
        "parts": {name: _part(parts[name]) for name in PARTS if name in parts},
    }


def failed(collected: Mapping[str, Any]) -> dict[str, str]:
    """Give why, for each part that could not be collected."""
    return {name: part["why"] for name, part in collected["parts"].items() if part["state"] == FAILED}


def stamp(seconds: int) -> str:
    """Write a time as RFC 3339 UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _part(part: Callable[[], Any] | str) -> dict[str, Any]:
    if isinstance(part, str):
        return {"state": LEFT_OUT, "why": part}
    try:
        return {"state": THERE, "found": part()}
    except FsxnError as exc:
        return {"state": FAILED, "why": " ".join(str(exc).split())}  # one line, also of botocore's
