"""The schedule of a run: drawn from a seed alone, and within its bounds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.chaos.schedule import KINDS, LAST_SHARE, LONGEST_SECONDS, as_data, draw, from_data
from lab.cloud.faults import AwsFault
from lab.ontap_sim.faults import Faults
from lab.terraform import REPOSITORY

seeds = st.integers(0, 2**31)
lengths = st.floats(10, 3600)


@given(seeds, lengths)
def test_a_schedule_survives_the_way_through_json(seed: int, seconds: float):
    schedule = draw(seed, seconds)
    assert from_data(json.loads(json.dumps(as_data(schedule)))) == schedule


@given(seeds, lengths)
def test_acts_are_in_order_begin_in_time_and_end_with_the_run(seed: int, seconds: float):
    acts = draw(seed, seconds).acts
    assert len(acts) >= 2
    assert [act.at for act in acts] == sorted(act.at for act in acts)
    for act in acts:
        assert 0 < act.at <= round(seconds * LAST_SHARE, 1)
        assert 0 <= act.lasts <= LONGEST_SECONDS
        assert act.at + act.lasts <= seconds + 0.1


@given(seeds, st.lists(st.sampled_from(sorted(KINDS)), min_size=1, unique=True))
def test_only_the_kinds_asked_for_are_drawn(seed: int, kinds: list[str]):
    assert {act.kind for act in draw(seed, 300, kinds).acts} <= set(kinds)


@given(seeds)
def test_whatever_is_drawn_is_a_rule_that_the_laboratory_takes(seed: int):
    for act in draw(seed, 300).acts:
        if act.kind in ("aws", "batch"):
            AwsFault(**act.values)
        if act.kind == "rest":
            Faults().add(act.values)


def test_every_kind_comes():
    assert {act.kind for act in draw(1, 3600).acts} == set(KINDS)


def test_another_process_draws_the_same_from_a_seed():
    """Neither the order of sets nor anything else of a process has a part in it."""
    command = [sys.executable, "-m", "lab.chaos", "--seed", "42", "--seconds", "300", "--show"]
    shown = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[1:] == [str(act) for act in draw(42, 300).acts]


def test_what_is_not_there_or_too_short_is_refused():
    with pytest.raises(ValueError, match="kinds are locusts; allowed: aws, batch"):
        draw(1, 60, ["locusts"])
    with pytest.raises(ValueError, match="at least 10"):
        draw(1, 9)
