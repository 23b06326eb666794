"""A request to ONTAP and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `target` is path and query, already encoded."""

    method: str
    target: str
    body: bytes | None = field(default=None, repr=False)  # may hold a password

    @property
    def is_change(self) -> bool:
        """Whether sending it twice could do something twice."""
        return self.method != "GET"

    def __str__(self) -> str:
        """Name it in messages: no query, no body."""
        return f"{self.method} {self.target.partition('?')[0]}"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body, and how long ONTAP asks to be left alone ("" when it does not)."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str = ""
    date: str = ""  # what the answering system's clock said, as HTTP writes it
