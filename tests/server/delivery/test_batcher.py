from __future__ import annotations

import json

import pytest
from fpolicy_server.delivery.backoff import LONGEST_SECONDS, backoff_seconds
from fpolicy_server.delivery.batcher import Batcher
from fpolicy_server.delivery.parcel import MAX_BATCH_BYTES, Message
from fsxn_runtime.events import SCHEMA_VERSION
from hypothesis import given
from hypothesis import strategies as st

from tests.server.delivery.parcels import parcel


def batcher(events_per_message: int = 1) -> Batcher:
    return Batcher(linger_seconds=0.05, events_per_message=events_per_message)


def names(batch: list[Message]) -> list[list[str]]:
    return [[one.id for one in message.parcels] for message in batch]


def test_a_lonely_parcel_lingers() -> None:
    waiting = batcher()
    waiting.add(parcel("a"), 1.0)
    assert waiting.take(1.04) == []
    assert waiting.next_due() == 1.05
    assert names(waiting.take(1.05)) == [["a"]]
    assert waiting.next_due() is None


def test_a_full_batch_does_not_linger() -> None:
    waiting = batcher()
    for number in range(11):
        waiting.add(parcel(str(number)), 1.0)
    assert waiting.is_full and waiting.next_due() == 1.0
    assert names(waiting.take(1.0)) == [[str(number)] for number in range(10)]
    assert waiting.take(1.0) == []
    assert names(waiting.take(1.0, is_flushing=True)) == [["10"]]


def test_several_events_share_a_message_when_asked_to() -> None:
    waiting = batcher(3)
    for number in range(4):
        waiting.add(parcel(str(number)), 0.0)
    batch = waiting.take(1.0)
    assert names(batch) == [["0", "1", "2"], ["3"]]
    assert json.loads(batch[0].body) == {
        "schema_version": SCHEMA_VERSION,
        "events": [{"n": "0"}, {"n": "1"}, {"n": "2"}],
    }
    assert json.loads(batch[1].body) == {"schema_version": SCHEMA_VERSION, "events": [{"n": "3"}]}


def test_a_failed_message_waits_for_its_own_time_and_then_goes_first() -> None:
    waiting = batcher()
    failed = Message([parcel("failed")], is_envelope=False)
    waiting.send_again([failed], 5.0)
    waiting.add(parcel("new"), 1.0)
    assert names(waiting.take(2.0)) == [["new"]]
    assert waiting.next_due() == 5.0
    waiting.add(parcel("newer"), 5.0)
    assert names(waiting.take(5.05)) == [["failed"], ["newer"]]


def test_failed_messages_never_make_a_batch_too_large() -> None:
    waiting = batcher()
    large = [Message([parcel(str(n), size=600_000)], is_envelope=False) for n in range(2)]
    waiting.send_again(large, 0.0)
    assert names(waiting.take(1.0)) == [["0"]]
    assert names(waiting.take(1.0)) == [["1"]]


def test_a_parcel_that_fits_no_batch_travels_alone() -> None:
    waiting = batcher()
    for name, size in [("a", 20), ("huge", MAX_BATCH_BYTES + 1), ("b", 20)]:
        waiting.add(parcel(name, size=size), 0.0)
    assert [names(waiting.take(1.0)) for _ in range(3)] == [[["a"]], [["huge"]], [["b"]]]


@given(
    st.lists(st.tuples(st.integers(12, 400_000), st.booleans()), max_size=60),
    st.integers(1, 20),
)
def test_every_parcel_leaves_once_in_order_within_the_limits(
    parcels: list[tuple[int, bool]], events_per_message: int
) -> None:
    """Add parcels, sometimes take in between; all come out, in order, in batches the queue accepts."""
    waiting = batcher(events_per_message)
    left: list[str] = []

    def take() -> bool:
        batch = waiting.take(100.0)
        assert len(batch) <= 10
        assert all(1 <= len(message.parcels) <= events_per_message for message in batch)
        assert sum(message.size_bytes for message in batch) <= MAX_BATCH_BYTES
        left.extend(one.id for message in batch for one in message.parcels)
        return bool(batch)

    for number, (size, takes) in enumerate(parcels):
        waiting.add(parcel(str(number), size=size), 0.0)
        if takes:
            take()
    while take():
        pass
    assert left == [str(number) for number in range(len(parcels))]
    assert waiting.next_due() is None


def test_the_newest_are_taken_back_in_their_order_then_what_is_sent_again() -> None:
    waiting = batcher(2)
    for name in "abcd":
        waiting.add(parcel(name), 0.0)
    waiting.send_again(waiting.take(100.0), due=200.0)
    for name in "efg":
        waiting.add(parcel(name), 100.0)
    assert [one.id for one in waiting.take_back(2)] == ["f", "g"]
    assert sorted(one.id for one in waiting.take_back(4)) == ["a", "b", "c", "d", "e"]  # messages whole
    assert waiting.take_back(1) == []
    assert waiting.next_due() is None


def test_what_was_taken_back_counts_no_more() -> None:
    waiting = batcher(1000)
    for name in "ab":
        waiting.add(parcel(name, size=MAX_BATCH_BYTES // 2), 0.0)
    assert waiting.is_full
    waiting.take_back(2)
    waiting.add(parcel("c"), 0.0)
    assert not waiting.is_full


@pytest.mark.parametrize("attempts", [1, 2, 7, 1_000_000])
@pytest.mark.parametrize("random", [0.0, 0.999])
def test_waiting_is_bounded_and_never_nothing(attempts: int, random: float) -> None:
    assert 0.05 <= backoff_seconds(attempts, random) <= LONGEST_SECONDS
    assert backoff_seconds(attempts, random) <= backoff_seconds(attempts + 1, random)
