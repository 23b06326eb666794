from __future__ import annotations

from dataclasses import replace

import pytest

from lab.quiet import SAME_WHEN_COMPLETE, SAME_WHEN_INCOMPLETE, Look, Quiet

REST = Look(monitored=10, waiting=0, events=10, held=0, queued=0, in_progress=0, done=7)


def looks_until_rest(look: Look, at_most: int = 50) -> int | None:
    quiet = Quiet()
    return next((number for number in range(at_most) if quiet.rests(look)), None)


def test_a_complete_path_rests_after_a_few_equal_looks():
    assert looks_until_rest(REST) == SAME_WHEN_COMPLETE


def test_an_incomplete_path_rests_only_when_nothing_has_come_for_long():
    assert looks_until_rest(replace(REST, events=9)) == SAME_WHEN_INCOMPLETE


@pytest.mark.parametrize("field", ["waiting", "held", "queued", "in_progress"])
def test_a_path_with_work_anywhere_never_rests(field: str):
    assert looks_until_rest(replace(REST, **{field: 1})) is None


def test_any_progress_starts_the_count_again():
    quiet = Quiet()
    for done in range(20):
        assert not quiet.rests(replace(REST, done=done))
