"""A queue in memory with faults: refuses entries, fails calls, answers late, crashes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

from fpolicy_server.delivery.parcel import Message
from fpolicy_server.delivery.sqs import Answer
from fsxn_runtime.errors import FsxnError

Judge = Callable[[Message], FsxnError | None]


class QueueDouble:
    """Keeps the bodies it accepted. `judge` decides about one message, `before` may block or raise.

    Each call runs in a thread, so that a test can hold it back.
    """

    def __init__(
        self, judge: Judge = lambda message: None, before: Callable[[], None] = lambda: None
    ) -> None:
        self.judge = judge
        self.before = before
        self.accepted: list[bytes] = []
        self.calls = 0
        self._lock = threading.Lock()

    async def send(self, messages: Sequence[Message]) -> list[Answer]:
        """Answer one batch."""
        return await asyncio.to_thread(self._answer, messages)

    def _answer(self, messages: Sequence[Message]) -> list[Answer]:
        with self._lock:
            self.calls += 1
        self.before()
        answers = [Answer(self.judge(message)) for message in messages]
        with self._lock:
            self.accepted.extend(
                message.body
                for message, answer in zip(messages, answers, strict=True)
                if answer.error is None
            )
        return answers
