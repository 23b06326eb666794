from __future__ import annotations

import asyncio
import base64
import itertools
import json
import threading
from collections.abc import Awaitable, Callable

import pytest
from fpolicy_server.delivery import Delivery, Fate
from fpolicy_server.delivery.parcel import Message
from fsxn_runtime.edge.log import logger
from fsxn_runtime.errors import FsxnError, RejectedError, TransientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.delivery.parcels import parcel
from tests.support.queue_double import QueueDouble

Ends = dict[str, list[Fate]]


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off is tested by itself; here its length only costs time."""
    monkeypatch.setattr("fpolicy_server.delivery.lane.backoff_seconds", lambda attempts, random: 0.001)


def run(
    queue: QueueDouble,
    quarantine: QueueDouble,
    scenario: Callable[[Delivery], Awaitable[None]],
    events_per_message: int = 1,
) -> int:
    """Run a scenario against a delivery; give the number of retries."""
    retries = itertools.count()

    async def main() -> None:
        delivery = Delivery(
            queue,
            quarantine,
            linger_seconds=0.001,
            events_per_message=events_per_message,
            calls_in_flight=3,
            on_retry=lambda: next(retries),
            log=logger("test"),
        )
        await scenario(delivery)

    asyncio.run(asyncio.wait_for(main(), 30))
    return next(retries)


def deliver(queue: QueueDouble, names: list[str], quarantine: QueueDouble, per_message: int = 1) -> Ends:
    ended: Ends = {}

    async def scenario(delivery: Delivery) -> None:
        for name in names:
            delivery.submit(parcel(name, ended))
        await delivery.wait_until_empty(20)

    run(queue, quarantine, scenario, per_message)
    return ended


def name_of(message: Message) -> str:
    return message.parcels[0].id


def test_everything_arrives() -> None:
    names = [str(number) for number in range(95)]
    queue = QueueDouble()
    ended = deliver(queue, names, QueueDouble())
    assert ended == {name: [Fate.ACCEPTED] for name in names}
    assert sorted(queue.accepted) == sorted(b'{"n":"%s"}' % name.encode() for name in names)


def test_an_entry_that_fails_is_sent_again_until_it_is_accepted() -> None:
    failures = {"3": 4, "7": 1}

    def judge(message: Message) -> FsxnError | None:
        left = failures.get(name_of(message), 0)
        failures[name_of(message)] = left - 1
        return TransientError("busy") if left > 0 else None

    names = [str(number) for number in range(12)]
    queue = QueueDouble(judge)
    assert deliver(queue, names, QueueDouble()) == {name: [Fate.ACCEPTED] for name in names}
    assert len(queue.accepted) == 12


def test_a_call_that_fails_as_a_whole_is_repeated() -> None:
    answers = itertools.chain([TransientError("down")] * 25, itertools.repeat(None))
    queue = QueueDouble(lambda message: next(answers))
    names = [str(number) for number in range(12)]
    assert deliver(queue, names, QueueDouble()) == {name: [Fate.ACCEPTED] for name in names}


def test_a_defect_in_the_adapter_costs_no_event() -> None:
    crashes = itertools.chain([True, True], itertools.repeat(False))

    def before() -> None:
        if next(crashes):
            raise RuntimeError("defect")

    assert deliver(QueueDouble(before=before), ["a"], QueueDouble()) == {"a": [Fate.ACCEPTED]}


def refuse_bad(message: Message) -> FsxnError | None:
    is_bad = any("bad" in one.id for one in message.parcels)
    return RejectedError("no", code="refused_by_queue") if is_bad else None


@pytest.mark.parametrize("per_message", [1, 4])
def test_what_the_queue_refuses_for_good_is_kept_with_bytes_and_reason(per_message: int) -> None:
    names = ["a", "bad1", "b", "c", "bad2", "d"]
    queue, quarantine = QueueDouble(refuse_bad), QueueDouble()
    ended = deliver(queue, names, quarantine, per_message)
    assert ended == {name: [Fate.QUARANTINED if "bad" in name else Fate.ACCEPTED] for name in names}
    records = [json.loads(body) for body in quarantine.accepted]
    assert sorted(record["event_id"] for record in records) == ["bad1", "bad2"]
    assert {record["reason"] for record in records} == {"refused_by_queue"}
    assert {base64.b64decode(record["payload_base64"]) for record in records} == {b"wire"}


def test_a_quarantine_that_fails_or_refuses_is_tried_again() -> None:
    answers = itertools.chain(
        [TransientError("busy"), RejectedError("no"), TransientError("busy")], itertools.repeat(None)
    )
    quarantine = QueueDouble(lambda message: next(answers))
    assert deliver(QueueDouble(refuse_bad), ["bad", "a"], quarantine) == {
        "bad": [Fate.QUARANTINED],
        "a": [Fate.ACCEPTED],
    }
    assert quarantine.calls == 4


def test_what_is_given_up_is_named_and_a_late_answer_changes_nothing() -> None:
    """Hold the queue's answer, give up, let it answer: each event ended once, as abandoned."""
    answer_now = threading.Event()
    ended: Ends = {}

    async def scenario(delivery: Delivery) -> None:
        for name in ("a", "b"):
            delivery.submit(parcel(name, ended))
        await delivery.wait_until_empty(0.05)
        assert sorted(delivery.abandon()) == ["a", "b"]
        answer_now.set()
        await asyncio.to_thread(lambda: None)

    queue = QueueDouble(before=lambda: [None, answer_now.wait(20)][0])
    run(queue, QueueDouble(), scenario)
    assert ended == {"a": [Fate.ABANDONED], "b": [Fate.ABANDONED]}


def test_flushing_sends_without_lingering() -> None:
    ended: Ends = {}

    async def main() -> None:
        delivery = Delivery(
            QueueDouble(),
            QueueDouble(),
            linger_seconds=3600,
            events_per_message=1,
            calls_in_flight=1,
            on_retry=lambda: None,
            log=logger("test"),
        )
        delivery.submit(parcel("a", ended))
        delivery.flush()
        await delivery.wait_until_empty(10)

    asyncio.run(main())
    assert ended == {"a": [Fate.ACCEPTED]}


@given(
    st.lists(st.lists(st.sampled_from(["accept", "again", "refuse"]), max_size=4), max_size=30),
    st.integers(1, 3),
)
@settings(max_examples=20)
def test_every_parcel_ends_exactly_once_whatever_the_queue_says(
    scripts: list[list[str]], per_message: int
) -> None:
    """Each event has its own script of answers; it ends accepted, or quarantined when it was refused."""
    left = {str(number): list(script) for number, script in enumerate(scripts)}

    def judge(message: Message) -> FsxnError | None:
        answers = [left[one.id].pop(0) if left[one.id] else "accept" for one in message.parcels]
        if "refuse" in answers:
            return RejectedError("no")
        return TransientError("later") if "again" in answers else None

    queue, quarantine = QueueDouble(judge), QueueDouble()
    ended = deliver(queue, list(left), quarantine, per_message)
    assert set(ended) == set(left)
    assert all(len(fates) == 1 for fates in ended.values())
    kept = {json.loads(body)["event_id"] for body in quarantine.accepted}
    assert kept == {name for name, fates in ended.items() if fates == [Fate.QUARANTINED]}
