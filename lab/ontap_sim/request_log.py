"""The log of REST requests, for assertions on what a client really sent. Secrets are left out."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from lab.ontap_sim.http import HttpRequest

_KEPT = 20_000  # requests; the oldest go first
_SECRETS = frozenset({"password", "private_key"})


@dataclass(slots=True)
class Entry:
    """One request. `status` is 0 as long as there was no answer, `user` empty before the log-in succeeded."""

    number: int
    endpoint: str
    method: str
    path: str
    query: dict[str, str]
    body: Any
    user: str = ""
    status: int = 0
    fault: str = ""


class RequestLog:
    """The last requests, by number."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._count = 0

    def begin(self, request: HttpRequest, endpoint: str) -> Entry:
        """Note a request when it arrives; what is known later is written into the entry."""
        self._count += 1
        entry = Entry(
            self._count, endpoint, request.method, request.path, dict(request.query), _public(request.body)
        )
        self._entries.append(entry)
        return entry

    def since(self, number: int) -> dict[str, Any]:
        """Give the requests after this number, and the number to ask with next time."""
        return {
            "requests": [asdict(entry) for entry in self._entries if entry.number > number],
            "last": self._count,
        }


def _public(body: bytes) -> Any:
    try:
        return _without_secrets(json.loads(body)) if body else None
    except ValueError:
        return f"{len(body)} bytes that are not JSON"


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "***" if name in _SECRETS else _without_secrets(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value
