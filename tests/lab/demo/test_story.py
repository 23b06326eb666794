"""What the demo asks of the replay."""

from __future__ import annotations

import pytest

from lab.demo.story import replay_check


@pytest.mark.parametrize(
    ("replay", "holds"),
    [
        ({"events": 779, "displacement_max": 730}, True),
        ({"events": 779, "displacement_max": 0}, False),  # in order: the store was not put to the test
        (None, False),
    ],
)
def test_the_replay_must_arrive_and_out_of_order(replay: dict[str, int] | None, holds: bool) -> None:
    assert replay_check({"replay": replay}).ok is holds
