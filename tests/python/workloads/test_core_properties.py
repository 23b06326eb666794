"""The frame's decisions, for any input."""

from __future__ import annotations

import re

from fsxn_runtime.events import EventType
from fsxn_runtime.workloads import core
from fsxn_runtime.workloads.model import (
    Execution,
    FilterReason,
    FinishStep,
    ObjectVersion,
    StateItem,
    Status,
    Wanted,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.file_events import file_event
from tests.support.workload_world import MACHINE, T0

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
segments = st.lists(texts.filter(lambda text: "/" not in text), max_size=5)
times = st.integers(0, 2 * T0)


@given(parts=segments, slashes=st.lists(st.sampled_from(["/", "//", "/./"]), min_size=6, max_size=6))
def test_normalising_is_idempotent_and_forgets_how_slashes_were_written(parts, slashes):
    written = "".join(slash + part for slash, part in zip(slashes, parts, strict=False))
    once = core.normalise(written)
    assert core.normalise(once) == once
    assert once == core.normalise("/" + "/".join(parts))


paths = texts | st.lists(texts | st.sampled_from(["..", ".", "a\0b", "..."])).map("/".join)


@given(path=paths, junction=texts, event_type=st.sampled_from(EventType), target=paths)
def test_every_event_is_wanted_with_a_key_that_s3_takes_or_filtered(path, junction, event_type, target):
    event = file_event(file_path=path or "/", event_type=event_type, target_path=target)
    wanted = core.classify(event, junction)
    if isinstance(wanted, Wanted):
        assert not {"..", "."} & set(wanted.key.split("/"))
        assert "\0" not in wanted.key
        assert 0 < len(wanted.key.encode()) <= 1024
        assert core.normalise(junction + "/" + wanted.key) == wanted.path
    else:
        assert isinstance(wanted, FilterReason)


@given(modified=times, event=times, now=times, settle=st.integers(0, 3600))
def test_a_file_that_nobody_touches_is_taken_after_a_bounded_number_of_looks(modified, event, now, settle):
    version = ObjectVersion("k", 1, "e", modified)
    looks = 0
    while delay := core.settle_delay(version, event, now, settle):
        assert 1 <= delay <= 900
        now += delay * 1_000_000
        looks += 1
        # settle time and clock tolerance, in steps of the longest delay; one more for rounding
        assert looks <= (settle + 60) // 900 + 2


@given(modified=times, event=times, now=times, settle=st.integers(0, 3600))
def test_a_file_younger_than_the_settle_time_is_never_taken(modified, event, now, settle):
    assume(modified <= now)
    taken = core.settle_delay(ObjectVersion("k", 1, "e", modified), event, now, settle) == 0
    assert taken == (now - modified >= settle * 1_000_000)


@given(first=st.tuples(texts, texts), second=st.tuples(texts, texts), attempt=st.integers(1, 99))
def test_a_name_is_legal_and_tells_workload_work_key_and_attempt_apart(first, second, attempt):
    assume("\0" not in "".join(first + second))
    name = core.execution_name(*first, attempt)
    assert re.fullmatch(r"[0-9A-Za-z_-]{1,80}", name)
    assert (name == core.execution_name(*second, attempt)) == (first == second)
    assert name != core.execution_name(*first, attempt + 1)


items = st.builds(
    StateItem,
    uc_id=st.just("uc"),
    work_key=st.just("k"),
    status=st.sampled_from(Status),
    attempt=st.integers(1, 5),
    execution_arn=st.just("arn"),
    event_id=st.just("e"),
    file_path=st.just("/vol1/a"),
    updated_at=st.just(""),
)
executions = st.builds(
    Execution,
    status=st.sampled_from(
        ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE", "?"]
    ),
    superseded=st.booleans(),
    error=st.sampled_from(["", "TransientError", "RejectedError", "MisconfiguredError", "States.Timeout"]),
)


@given(item=st.none() | items, attempt=st.integers(0, 6), execution=executions, limit=st.integers(1, 5))
def test_only_the_end_of_the_current_attempt_changes_an_open_item(item, attempt, execution, limit):
    step = core.decide_finish(item, attempt, execution, limit)
    if step in (FinishStep.IGNORE, FinishStep.ENSURE):
        return  # neither writes the item
    assert item is not None
    assert item.status is Status.IN_PROGRESS
    assert attempt == item.attempt
    assert (step in (FinishStep.CLOSE, FinishStep.SUPERSEDE)) == (execution.status == "SUCCEEDED")
    may_help = attempt < limit and execution.error not in ("RejectedError", "MisconfiguredError")
    assert (step is FinishStep.RETRY) == (execution.status != "SUCCEEDED" and may_help)


@given(work_key=texts, attempts=st.integers(1, 5))
def test_the_derived_arn_ends_in_the_derived_name(work_key, attempts):
    name = core.execution_name("uc", work_key, attempts)
    assert core.execution_arn(MACHINE, name) == MACHINE.replace(":stateMachine:", ":execution:") + ":" + name
