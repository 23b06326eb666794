"""Sends parcels to a queue for as long as it takes.

A lane is one queue with its batcher and its calls in flight; `Delivery` is the two lanes that matter, the
ingestion queue and the quarantine. Everything here runs in the event loop, calls of the queue as tasks.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, Protocol

from fsxn_runtime.edge.log import Logger
from fsxn_runtime.errors import FsxnError, RejectedError

from fpolicy_server.delivery.backoff import backoff_seconds
from fpolicy_server.delivery.batcher import Batcher
from fpolicy_server.delivery.parcel import Fate, Message, Parcel
from fpolicy_server.delivery.quarantine import quarantine_body
from fpolicy_server.delivery.sqs import Answer

PERSISTENT_FAILURES: Final = 20  # calls in a row, half a minute or more: a person should look


class Queue(Protocol):
    """What a lane needs: a call with an answer per message."""

    async def send(self, messages: Sequence[Message]) -> list[Answer]:
        """Send one batch."""


class Lane:
    """One queue: batches in flight, and failed messages waiting for their time.

    `on_refused` gets a message that the queue will never accept. A call that fails as a whole holds back
    all others for a while; a message that fails alone waits alone.
    """

    def __init__(
        self,
        name: str,
        queue: Queue,
        batcher: Batcher,
        *,
        calls_in_flight: int,
        on_accepted: Callable[[Parcel], None],
        on_refused: Callable[[Message, FsxnError], None],
        on_retry: Callable[[], None],
        log: Logger,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue = queue
        self._batcher = batcher
        self._calls_in_flight = calls_in_flight
        self._on_accepted = on_accepted
        self._on_refused = on_refused
        self._on_retry = on_retry
        self._log = log.bind(queue=name)
        self._calls: set[asyncio.Task[list[Answer]]] = set()
        self._failed_calls = 0  # in a row
        self._not_before = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_flushing = False

    def submit(self, parcel: Parcel) -> None:
        """Take a parcel; returns at once."""
        self._batcher.add(parcel, self._loop.time())
        is_due = self._timer is None or self._batcher.is_full
        if is_due and len(self._calls) < self._calls_in_flight:  # else the next answer sends what is ready
            self._send_ready()

    def take_back(self, count: int) -> list[Parcel]:
        """Give back up to so many parcels that wait, the newest; what a call holds stays."""
        return self._batcher.take_back(count)

    def send_again(self, messages: Sequence[Message], due: float) -> None:
        """Put messages back, to be sent at `due` (loop time)."""
        self._batcher.send_again(messages, due)
        self._send_ready()

    def flush(self) -> None:
        """From now on, let nothing linger."""
        self._is_flushing = True
        self._send_ready()

    def _send_ready(self) -> None:
        """Start as many calls as are allowed, then set the timer for the next thing that becomes due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._loop.time()
        while len(self._calls) < self._calls_in_flight and now >= self._not_before:
            batch = self._batcher.take(now, is_flushing=self._is_flushing)
            if not batch:
                break
            call = self._loop.create_task(self._queue.send(batch))
            self._calls.add(call)
            call.add_done_callback(partial(self._answered, batch))
        due = self._batcher.next_due()
        if due is not None and len(self._calls) < self._calls_in_flight:
            self._timer = self._loop.call_at(max(due, self._not_before), self._send_ready)

    def _answered(self, batch: Sequence[Message], call: asyncio.Task[list[Answer]]) -> None:
        self._calls.discard(call)
        if call.cancelled():
            return  # the event loop ends
        # What the adapter did not foresee is a defect of ours; the events must outlive it all the same.
        unforeseen = call.exception()
        if unforeseen is not None:
            self._log.error("batch.crashed", error=unforeseen)
            answers = [Answer(FsxnError(repr(unforeseen), code="crashed"))] * len(batch)
        else:
            answers = call.result()
        self._judge_call(answers)
        for message, answer in zip(batch, answers, strict=True):
            if answer.error is None:
                for parcel in message.parcels:
                    self._on_accepted(parcel)
            elif isinstance(answer.error, RejectedError):
                self._refused(message, answer.error)
            else:
                self._again(message)
        self._send_ready()

    def _judge_call(self, answers: Sequence[Answer]) -> None:
        """Hold back the lane while whole calls fail; say so at first, when it lasts, and when it is over."""
        is_failed = all(
            answer.error is not None and not isinstance(answer.error, RejectedError) for answer in answers
        )
        if is_failed:
            self._failed_calls += 1
            wait = backoff_seconds(self._failed_calls, random.random())  # noqa: S311 - jitter
            self._not_before = self._loop.time() + wait
            if self._failed_calls == 1:
                self._log.warning("queue.failed", error=answers[0].error)
            elif self._failed_calls == PERSISTENT_FAILURES:
                self._log.error("queue.unavailable", error=answers[0].error)
        elif self._failed_calls:
            self._log.info("queue.recovered", failed_calls=self._failed_calls)
            self._failed_calls = 0

    def _refused(self, message: Message, error: FsxnError) -> None:
        if len(message.parcels) == 1:
            self._on_refused(message, error)
            return
        # One bad event must not take the others of its message along.
        single = [Message([parcel], message.is_envelope) for parcel in message.parcels]
        self._batcher.send_again(single, self._loop.time())

    def _again(self, message: Message) -> None:
        message.attempts += 1
        self._on_retry()
        wait = backoff_seconds(message.attempts, random.random())  # noqa: S311 - jitter
        self._batcher.send_again([message], self._loop.time() + wait)


class Delivery:
    """The ingestion queue with the quarantine behind it. Every parcel ends exactly once.

    `on_accepted(parcel)`, `on_quarantined(parcel, reason)` and `on_retry()` are for counting.
    """

    def __init__(
        self,
        queue: Queue,
        quarantine: Queue,
        *,
        linger_seconds: float,
        events_per_message: int,
        calls_in_flight: int,
        on_retry: Callable[[], None],
        log: Logger,
    ) -> None:
        self._parcels: set[Parcel] = set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._log = log
        self._ingestion = Lane(
            "ingestion",
            queue,
            Batcher(linger_seconds=linger_seconds, events_per_message=events_per_message),
            calls_in_flight=calls_in_flight,
            on_accepted=partial(self._end, fate=Fate.ACCEPTED),
            on_refused=self._quarantine_message,
            on_retry=on_retry,
            log=log,
        )
        self._quarantine = Lane(
            "quarantine",
            quarantine,
            Batcher(linger_seconds=0, events_per_message=1),
            calls_in_flight=1,  # few and unhurried: it must not take connections from the ingestion
            on_accepted=lambda parcel: parcel.end(Fate.QUARANTINED),
            on_refused=self._quarantine_again,
            on_retry=on_retry,
            log=log,
        )

    def submit(self, parcel: Parcel) -> None:
        """Send an event to the ingestion queue."""
        self._hold(parcel)
        self._ingestion.submit(parcel)

    def quarantine(self, parcel: Parcel, reason: str, detail: str) -> None:
        """Keep something that is no event, or that the ingestion queue refuses for good."""
        self._hold(parcel)
        parcel.reason, parcel.detail = reason, detail
        self._log.error("event.quarantined", event_id=parcel.id, reason=reason, detail=detail[:300])
        self._quarantine.submit(
            Parcel(
                id=parcel.id,
                event_type="",
                body=quarantine_body(id=parcel.id, reason=reason, detail=detail, payload=parcel.payload),
                payload=b"",
                reason=reason,
                on_end=lambda *_: self._end(parcel, Fate.QUARANTINED),
            )
        )

    def take_back(self, count: int) -> list[Parcel]:
        """Give up to so many events that wait for the ingestion queue, the newest, in their order.

        Whoever takes them ends them (`end`) or submits them again; until then they count as ours.
        """
        return self._ingestion.take_back(count)

    def end(self, parcels: Iterable[Parcel], fate: Fate) -> None:
        """End parcels that somebody else took care of. A call in flight may still succeed, unnoticed."""
        for parcel in parcels:
            self._end(parcel, fate)

    def unended(self) -> list[Parcel]:
        """Give every parcel whose fate is open, also those that a call holds."""
        return list(self._parcels)

    def flush(self) -> None:
        """Send everything without lingering, now and from now on."""
        self._ingestion.flush()
        self._quarantine.flush()

    async def wait_until_empty(self, seconds: float) -> None:
        """Wait until every parcel has ended, at most so long."""
        try:
            await asyncio.wait_for(self._is_empty.wait(), max(0.0, seconds))
        except TimeoutError:
            pass  # the caller abandons what is left

    def abandon(self) -> list[str]:
        """Give up what is left and name it. A call in flight may still succeed, unnoticed."""
        parcels = self.unended()
        self.end(parcels, Fate.ABANDONED)
        return [parcel.id for parcel in parcels]

    def _hold(self, parcel: Parcel) -> None:
        if not self._parcels:
            self._is_empty.clear()
        self._parcels.add(parcel)

    def _end(self, parcel: Parcel, fate: Fate) -> None:
        self._parcels.discard(parcel)
        if not self._parcels:
            self._is_empty.set()
        parcel.end(fate)

    def _quarantine_message(self, message: Message, error: FsxnError) -> None:
        self.quarantine(message.parcels[0], error.code, str(error))

    def _quarantine_again(self, message: Message, error: FsxnError) -> None:
        """Even the quarantine may refuse; then a person must see it, and the bytes stay with us."""
        self._log.error("quarantine.refused", event_id=message.parcels[0].id, error=error)
        message.attempts += 1
        wait = backoff_seconds(message.attempts, random.random())  # noqa: S311 - jitter
        self._quarantine.send_again([message], asyncio.get_running_loop().time() + wait)
