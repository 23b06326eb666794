"""What a node of a synchronous policy waits for, and the answers that are due to it. Pure.

One account for each session id, not for each connection: when a connection breaks and comes back within the
session timeout, the node sends the same id, and answers to requests of the broken connection may be sent
over the new one (docs/wire/synchronous.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

# NotfResp (docs/wire/synchronous.md). 3 to 7 exist from protocol 1.1 on.
ALLOW: Final = 1
DENY: Final = 2
HIGHEST_ANSWER: Final = 7
ANSWERS_OF_1_0: Final = frozenset({ALLOW, DENY})


class Request:
    """One request of a node; `request_type` is its text, echoed as it came."""

    __slots__ = ("deadline", "request_id", "request_type")

    def __init__(self, request_id: int, request_type: str, deadline: float) -> None:
        self.request_id = request_id
        self.request_type = request_type
        self.deadline = deadline


class Requests:
    """Requests that wait, and answers that no connection has taken yet. Each is answered at most once.

    Holds nothing for a request that is answered, cancelled, or whose id the node has used again.
    """

    def __init__(self) -> None:
        self.on_answer: Callable[[], None] | None = None  # who will take the answers
        self._waiting: dict[int, Request] = {}  # by id, the earliest deadline first
        self._answers: list[tuple[Request, int]] = []

    @property
    def is_empty(self) -> bool:
        """Whether no answer is due, now or later."""
        return not self._waiting and not self._answers

    def open(self, request_id: int, request_type: str, deadline: float) -> Request:
        """Note a request. An older one of the same id gets no answer: it could be taken for this one's."""
        self._waiting.pop(request_id, None)
        request = self._waiting[request_id] = Request(request_id, request_type, deadline)
        return request

    def is_waiting(self, request_id: int) -> bool:
        """Whether a request with this id has no answer yet and was not cancelled."""
        return request_id in self._waiting

    def cancel(self, request_id: int) -> bool:
        """Forget a request: no answer will be given. False when none waits."""
        return self._waiting.pop(request_id, None) is not None

    def answer(self, request: Request, code: int) -> bool:
        """Answer a request. False, and no answer, when it no longer waits."""
        if self._waiting.get(request.request_id) is not request:
            return False
        del self._waiting[request.request_id]
        self._answers.append((request, code))
        if self.on_answer is not None:
            self.on_answer()
        return True

    def answer_overdue(self, now: float) -> int:
        """Allow what has waited until its deadline; give the number of them."""
        overdue = []
        for request in self._waiting.values():
            if request.deadline > now:
                break
            overdue.append(request)
        for request in overdue:
            self.answer(request, ALLOW)
        return len(overdue)

    def take_answers(self) -> list[tuple[Request, int]]:
        """Give the answers to send, each once."""
        answers, self._answers = self._answers, []
        return answers
