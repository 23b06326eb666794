"""Synchronous policies: one client's operation waits until a server answers. Timers of one request.

Sources: FPolicy wire reference 5.3 to 5.6 (messages), 7.1 (mandatory or not), 7.2 (timers), 5.2 (a session
that comes back). Guesses: a server that said "lost", or whose request was cancelled, is not asked again for
this operation; an interval of 0 asks for no status. The abort timeout is not modelled: every server is asked
once at most, and then the policy decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lab.ontap_sim.dialect import Dialect
from lab.ontap_sim.fpolicy_fields import seconds
from lab.ontap_sim.wire import Message

ALLOWED = 1
LOST = 2  # of a status response


class Status(StrEnum):
    """How a client's operation ended that a synchronous policy wanted to know of (5.4), for the ledger."""

    ALLOWED = "allowed"
    DENIED = "denied"
    DISK_FULL = "disk_full"
    QUOTA_EXCEEDED = "quota_exceeded"
    CONTENT_BLOCKED = "content_blocked"
    BAD_FILE_TYPE = "bad_file_type"
    NO_SERVER = "no_server"  # nobody answered: refused, because the policy is mandatory
    UNASKED = "unasked"  # nobody answered: let through, because it is not


ANSWERS: Mapping[int, Status] = {
    1: Status.ALLOWED,
    2: Status.DENIED,
    3: Status.DISK_FULL,
    4: Status.QUOTA_EXCEEDED,
    5: Status.CONTENT_BLOCKED,
    6: Status.BAD_FILE_TYPE,
    7: Status.QUOTA_EXCEEDED,
}
PASSES = frozenset({Status.ALLOWED, Status.UNASKED})


@dataclass(frozen=True, slots=True)
class Timers:
    """What an engine says about requests, in seconds."""

    status_interval: float
    cancel: float

    @classmethod
    def of(cls, engine: Mapping[str, Any]) -> Timers:
        """Read an engine's record."""
        return cls(
            seconds("status_request_interval", engine["status_request_interval"]),
            seconds("request_cancel_timeout", engine["request_cancel_timeout"]),
        )


class Pending:
    """The requests of one connection that wait for an answer, by their id. They outlive its links."""

    def __init__(self, tell: Callable[[int, str, object], None], dialect: Dialect) -> None:
        self._waiting: dict[int, asyncio.Future[int | None]] = {}
        self._dialect = dialect
        self._tell = tell  # request id, what happened, a detail: for the ledger

    @property
    def count(self) -> int:
        """Count what waits."""
        return len(self._waiting)

    async def wait(
        self, request_id: int, code: str, timers: Timers, write: Callable[[bytes], None]
    ) -> int | None:
        """Wait for the answer, asking for it now and then. None: no answer came, and none is wanted now."""
        loop = asyncio.get_running_loop()
        answer = self._waiting[request_id] = loop.create_future()
        until = loop.time() + timers.cancel
        try:
            while (left := until - loop.time()) > 0:
                await asyncio.wait({answer}, timeout=min(timers.status_interval or left, left))
                if answer.done():
                    result: int | None = answer.result()
                    return result
                if loop.time() < until:
                    write(self._dialect.status_query(request_id, code))
            write(self._dialect.cancel(request_id, code))
            self._tell(request_id, "cancelled", None)
            return None
        finally:
            del self._waiting[request_id]

    def take(self, message: Message) -> None:
        """Take an answer or a status. One that nobody waits for is told all the same."""
        request_id = int(message.fields["ReqId"])
        waiting = self._waiting.get(request_id)
        if message.kind == "STATUS_QUERY_RESP":
            status = int(message.fields["Resp"])
            self._tell(request_id, "status", status)
            if waiting is not None and status == LOST and not waiting.done():
                waiting.set_result(None)
            return
        outcome = "answered" if waiting is not None else "unawaited"
        self._tell(request_id, outcome, int(message.fields["NotfResp"]))
        if waiting is not None and not waiting.done():
            waiting.set_result(int(message.fields["NotfResp"]))

    def give_up(self) -> None:
        """The session is over: its answers can no longer come."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(None)
