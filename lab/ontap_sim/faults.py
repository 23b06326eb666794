"""Faults on purpose: a table of rules that say which requests go wrong, and how.

A rule counts the requests that it fits. It spares the first `skip` of them and strikes the next `count`
(0: all that follow). So {"effect": "lost_answer", "skip": 4} strikes the fifth request from now, whatever it
is. Every rule counts every request; the first rule that strikes is the one applied. Requests are those to
REST; a rule for the FSx API has the path "/fsx" and the action as its method, such as UpdateFileSystem.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from fnmatch import fnmatchcase
from typing import Any

from lab.ontap_sim.http import AbortConnection, HttpResponse
from lab.ontap_sim.model import SimError

EFFECTS: Mapping[str, str] = {
    "delay": "do what is asked `seconds` later, whether anybody still waits or not",
    "late_answer": "do what is asked at once, answer `seconds` later",
    "status": "answer with `status` instead (401, 429, 500, 503 ...), `retry_after` as its header",
    "reset": "break the connection before anything is done",
    "lost_answer": "do what is asked, then break the connection",
    "endless_job": "the job of this call runs for ever and does nothing",
    "page": "show at most `records` records of a page, 0 included, with a next link",
}


@dataclass(slots=True)
class Fault:
    """One rule. `path` is a pattern over the whole path, such as /api/protocols/fpolicy/*/policies/*."""

    effect: str
    method: str = "*"
    path: str = "/api*"
    skip: int = 0
    count: int = 1
    seconds: float = 0.0
    status: int = 503
    retry_after: int | None = None
    records: int = 0
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def meets(self, method: str, path: str) -> bool:
        """Count a request that fits, and say whether it is struck."""
        if self.method not in ("*", method) or not fnmatchcase(path, self.path):
            return False
        self.seen += 1
        return self.seen > self.skip and (self.count == 0 or self.seen <= self.skip + self.count)


async def suffer(
    fault: Fault | None,
    answer: Callable[[], Awaitable[HttpResponse]],
    instead: Callable[[Fault], HttpResponse],
) -> HttpResponse:
    """Answer a request as its fault wants it. Raises AbortConnection."""
    if fault is None:
        return await answer()
    if fault.effect == "late_answer":
        response = await answer()
        await asyncio.sleep(fault.seconds)
        return response
    await asyncio.sleep(fault.seconds)
    if fault.effect == "reset":
        raise AbortConnection
    response = instead(fault) if fault.effect == "status" else await answer()
    if fault.effect == "lost_answer":
        raise AbortConnection
    if fault.retry_after is None:
        return response
    return replace(response, headers={**response.headers, "retry-after": str(fault.retry_after)})


class Faults:
    """The table of rules, in the order in which they came."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, body: Mapping[str, Any]) -> None:
        """Add a rule. Raises SimError."""
        allowed = {item.name for item in fields(Fault) if item.init}
        unknown = sorted(set(body) - allowed)
        if unknown or body.get("effect") not in EFFECTS:
            raise SimError(
                f"fault is {dict(body)}; effects: {', '.join(EFFECTS)}; members: {', '.join(sorted(allowed))}"
            )
        self._faults.append(Fault(**body))

    def clear(self) -> None:
        """Forget every rule."""
        self._faults.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """Give the rule that this request meets, if any. Every rule counts it."""
        struck = [fault for fault in self._faults if fault.meets(method, path)]
        if not struck:
            return None
        struck[0].struck += 1
        return struck[0]

    def records(self) -> list[dict[str, Any]]:
        """Show the rules with what they have seen and struck."""
        return [asdict(fault) for fault in self._faults]
