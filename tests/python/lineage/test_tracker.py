"""The tracker: nothing reaches the work, nothing is called stored that is not, nothing is lost in silence."""

from __future__ import annotations

import json

import pytest
from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import FsxnError, MisconfiguredError, RejectedError, TransientError
from fsxn_runtime.lineage import LineageRecord, LineageSettings, LineageStatus, LineageTracker, RecordResult
from fsxn_runtime.lineage.tracker import MAX_BUFFERED
from hypothesis import given
from hypothesis import strategies as st

HOUR_US = 3_600_000_000
NOW = 1_769_860_000_000_000  # 2026-01-31T11:46:40Z
FIELDS = {
    "source_file_key": "/vol1/a",
    "uc_id": "inventory",
    "work_key": "k",
    "event_id": "e",
    "action": "process",
}
BUSY = TransientError("busy", code="aws_busy")
DENIED = MisconfiguredError("denied", code="aws_denied")


class Store:
    """Takes items, or raises what is next in line."""

    def __init__(self, outcomes=()):
        self.outcomes = list(outcomes)
        self.items = []

    def put(self, item):
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        self.items.append(item)


class World:
    """A tracker over a store, with its clock, its pauses and its metrics."""

    def __init__(self, *outcomes):
        self.store = Store(outcomes)
        self.now = NOW
        self.pauses = []
        self.lines = []
        emf = Emf("Test", write=lambda line: self.lines.append(json.loads(line)))
        self.tracker = LineageTracker(
            LineageSettings("t", 365, "Test"),
            store=self.store,
            emf=emf,
            clock=lambda: self.now,
            pause=self.pauses.append,
        )

    def counted(self, name):
        return sum(line.get(name, 0) for line in self.lines)


def record(number=0):
    times = {"processing_timestamp": f"2026-01-31T11:00:{number % 60:02d}.{number:06d}Z"}
    return LineageRecord(**FIELDS, **times, status=LineageStatus.SUCCESS)


def budget(remaining_ms):
    return TimeBudget(lambda: remaining_ms, 1_000)


def test_what_the_store_is_too_busy_for_is_stored_at_the_end_of_the_invocation():
    world = World(BUSY, BUSY, None, BUSY)
    assert world.tracker.record(record(1)) == RecordResult(False, "aws_busy", "busy")
    assert world.tracker.record(record(2)) == RecordResult(False, "aws_busy", "busy")
    assert (world.counted("LineageRecords_count"), world.counted("LineageFailures_count")) == (0, 0)
    assert world.tracker.flush(budget(60_000)) == (2, 0)
    assert world.pauses == [0.2]  # the second was refused once more, and stored in the second round
    assert (world.counted("LineageRecords_count"), world.counted("LineageFailures_count")) == (2, 0)
    assert world.tracker.flush() == (0, 0)


def test_a_retried_record_falls_into_the_hour_of_its_writing():
    """The hour of the first try may be closed: an export would never see the record."""
    world = World(BUSY)
    world.tracker.record(record())
    world.now += HOUR_US
    world.tracker.flush()
    assert [item["write_hour"] for item in world.store.items] == ["2026-01-31T12"]


def test_without_time_nothing_is_tried_and_the_record_is_counted_as_lost(capsys):
    world = World(BUSY)
    world.tracker.record(record())
    assert world.tracker.flush(budget(5_000)) == (0, 1)
    assert (world.store.items, world.counted("LineageFailures_count")) == ([], 1)
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["event"], line["work_key"]) for line in logged] == [
        ("record.deferred", "k"),
        ("record.lost", "k"),
    ]


def test_a_store_that_stays_busy_is_given_up_after_some_rounds():
    world = World(*[BUSY] * 100)
    world.tracker.record(record())
    assert world.tracker.flush() == (0, 1)
    assert (world.pauses, world.counted("LineageFailures_count")) == ([0.2, 0.8, 2.0], 1)


def test_the_buffer_is_bounded_and_what_does_not_fit_is_counted_as_lost():
    world = World(*[BUSY] * (MAX_BUFFERED + 3))
    for number in range(MAX_BUFFERED + 3):
        assert not world.tracker.record(record(number)).stored
    assert world.counted("LineageFailures_count") == 3
    assert world.tracker.flush() == (MAX_BUFFERED, 0)


@given(
    outcomes=st.lists(st.sampled_from([None, BUSY, DENIED, ValueError("of a bug")]), max_size=60),
    count=st.integers(0, 12),
    remaining_ms=st.sampled_from([0, 20_000, 900_000]),
)
def test_every_record_is_stored_once_or_counted_as_lost_whatever_the_store_does(
    outcomes, count, remaining_ms
):
    world = World(*outcomes)
    said = [world.tracker.record(record(number)).stored for number in range(count)]
    stored, _ = world.tracker.flush(budget(remaining_ms))
    keys = [item["processing_timestamp"] for item in world.store.items]
    assert len(keys) == len(set(keys)) == sum(said) + stored == world.counted("LineageRecords_count")
    assert len(keys) + world.counted("LineageFailures_count") == count


def test_a_block_becomes_a_record_with_what_it_found_out():
    world = World()
    with world.tracker.recording(**FIELDS) as work:
        world.now += 12_000
        work.output_keys.append("out/a.json")
        work.metadata["pages"] = 3
        work.input_checksum = "a" * 64
    assert work.result == RecordResult(True)
    (item,) = world.store.items
    assert item["processing_timestamp"].startswith("2026-01-31T11:46:40.000000Z#")
    assert (item["status"], item["duration_ms"], item["output_keys"]) == ("success", 12, ["out/a.json"])
    assert (item["metadata"], item["input_checksum"]) == ('{"pages":3}', "a" * 64)


def test_a_block_may_say_that_its_work_was_superseded():
    world = World()
    with world.tracker.recording(**FIELDS) as work:
        work.status, work.reason = LineageStatus.SUPERSEDED, "replaced"
    assert [(item["status"], item["reason"]) for item in world.store.items] == [("superseded", "replaced")]


@pytest.mark.parametrize("error", [RejectedError("no"), KeyError("k"), KeyboardInterrupt(), SystemExit(3)])
def test_a_block_that_fails_is_recorded_and_its_own_exception_goes_on(error):
    world = World()
    with pytest.raises(BaseException) as caught, world.tracker.recording(**FIELDS):
        raise error
    assert caught.value is error
    assert (error.__cause__, error.__context__) == (None, None)
    assert [(item["status"], item["reason"]) for item in world.store.items] == [
        ("failed", type(error).__name__)
    ]


@pytest.mark.parametrize("outcome", [BUSY, DENIED, ValueError("of a bug")])
def test_a_block_ends_as_it_would_without_a_record_when_the_store_fails(outcome):
    world = World(outcome)
    with world.tracker.recording(**FIELDS) as work:
        pass
    assert work.result is not None
    assert not work.result.stored
    world = World(outcome)
    with pytest.raises(KeyError, match="mine"), world.tracker.recording(**FIELDS):
        raise KeyError("mine")


def test_a_decorated_function_returns_what_it_returned():
    world = World()
    given = object()

    @world.tracker.recorded(lambda path, *, size: {**FIELDS, "source_file_key": path}, lambda _: ["out/1"])
    def work(path, *, size):
        """Say something."""
        return given

    assert work("/vol1/b", size=1) is given
    assert (work.__name__, work.__doc__) == ("work", "Say something.")
    assert [(item["source_file_key"], item["output_keys"]) for item in world.store.items] == [
        ("/vol1/b", ["out/1"])
    ]


def test_a_decorated_function_raises_what_it_raised():
    world = World()
    error = RejectedError("no")

    @world.tracker.recorded(lambda: FIELDS, lambda _: ["never asked for"])
    def work():
        raise error

    with pytest.raises(FsxnError) as caught:
        work()
    assert caught.value is error
    assert [(item["status"], item["output_keys"]) for item in world.store.items] == [("failed", [])]


@pytest.mark.parametrize(
    ("describe", "outputs"),
    [
        (dict, None),  # fields are missing
        (lambda: {**FIELDS, "colour": "red"}, None),
        (lambda: 1 / 0, None),
        (lambda: FIELDS, lambda _: 1 / 0),
        (lambda: {**FIELDS, "uc_id": ""}, None),
    ],
)
def test_a_wrong_description_loses_the_record_and_not_the_work(describe, outputs):
    world = World()
    assert world.tracker.recorded(describe, outputs)(lambda: "done")() == "done"
    assert (world.store.items, world.counted("LineageFailures_count")) == ([], 1)
