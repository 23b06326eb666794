"""For how long a node had no server, by the ledger's rows of connections. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def gaps(rows: Iterable[Mapping[str, Any]], nodes: Iterable[int], since_us: int, until_us: int) -> float:
    """Give the longest time in seconds, within the two times, in which some node had no session at all.

    `rows` are all `connection` rows of the ledger, so that what stood before is known. Any policy's session
    counts, a guard's too. A gap that has not ended goes on until `until_us`.
    """
    longest = 0.0
    events = list(rows)
    for node in nodes:
        sessions: set[str] = set()
        alone_us: int | None = since_us
        for row in events:
            if row["node"] != node or row["at_us"] > until_us:
                continue
            at_us = max(since_us, int(row["at_us"]))
            if row["state"] == "connected":
                if alone_us is not None:
                    longest = max(longest, (at_us - alone_us) / 1e6)
                alone_us = None
                sessions.add(row["session_id"])
            else:
                sessions.discard(row["session_id"])
                if not sessions and alone_us is None:
                    alone_us = at_us
        if alone_us is not None:
            longest = max(longest, (until_us - alone_us) / 1e6)
    return longest
