"""How long a node was without a server, from rows of a ledger."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lab.storm.gaps import gaps

Entry = tuple[float, int, str, str]


def rows(entries: Sequence[Entry]) -> list[dict[str, object]]:
    return [
        {"at_us": round(seconds * 1e6), "node": node, "state": state, "session_id": session}
        for seconds, node, state, session in entries
    ]


UP: list[Entry] = [(0, 1, "connected", "a"), (0, 2, "connected", "b")]


@pytest.mark.parametrize(
    ("entries", "seconds"),
    [
        ([], 0.0),
        ([(12, 1, "disconnected", "a"), (17, 1, "connected", "c")], 5.0),
        ([(12, 1, "connected", "c"), (13, 1, "disconnected", "a")], 0.0),  # the new one came first
        ([(12, 1, "disconnected", "a"), (14, 1, "disconnected", "x"), (17, 1, "connected", "c")], 5.0),
        ([(12, 2, "disconnected", "b")], 8.0),  # never again
        ([(2, 1, "disconnected", "a"), (11, 1, "connected", "c")], 1.0),  # only what is within the times
        ([(12, 1, "disconnected", "a"), (25, 1, "connected", "c")], 8.0),
    ],
)
def test_the_longest_time_without_any_session_within_the_times(entries: list[Entry], seconds: float) -> None:
    found = gaps(rows([*UP, *entries]), (1, 2), since_us=10_000_000, until_us=20_000_000)
    assert found == pytest.approx(seconds)


def test_a_node_that_was_never_connected_was_without_a_server_all_the_time() -> None:
    assert gaps(rows(UP[:1]), (1, 2), since_us=10_000_000, until_us=20_000_000) == pytest.approx(10.0)
