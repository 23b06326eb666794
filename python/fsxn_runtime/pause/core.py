"""How long a backlog may wait. Pure."""

from __future__ import annotations

from fsxn_runtime.pause.model import Backlog


def hours_left(backlog: Backlog) -> float | None:
    """Give the hours until SQS drops the oldest event; None when its age is not known."""
    if backlog.oldest_seconds is None:
        return None
    return max(0, backlog.retention_seconds - backlog.oldest_seconds) / 3600
