"""Dead letters, what is known of them, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Whose dead letters a queue holds."""

    WORKLOAD = "workload"
    INGESTION = "ingestion"
    QUARANTINE = "quarantine"


class Fate(StrEnum):
    """Whether sending a letter back can help."""

    REDRIVE = "redrive"  # its cause was outside of it
    ON_REQUEST = "on_request"  # it was refused for what it is: only after a correction, by its reason
    NEVER = "never"  # no reader takes it


class Outcome(StrEnum):
    """What was done with a letter. The set is closed: these are the names that are counted."""

    LISTED = "listed"
    REDRIVEN = "redriven"
    NOT_CHOSEN = "not_chosen"
    NOT_POSSIBLE = "not_possible"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of a dead-letter queue. `attributes` are its own; `sent_us` is when that queue took it."""

    message_id: str
    receipt: str
    body: str
    attributes: Mapping[str, str]
    sent_us: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a letter is: why it lies here, whether it may go back, and which file it is about, if known."""

    reason: str
    fate: Fate
    file_path: str = ""
    event_id: str = ""
    work_key: str = ""
    attempt: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the operator asks for. No `reasons`: whatever goes back without being asked for by reason."""

    execute: bool = False
    reasons: frozenset[str] = frozenset()
    limit: int = 1000
    rate_per_second: float = 10.0


@dataclass(frozen=True, slots=True)
class Route:
    """From a dead-letter queue to where its letters came from (URLs)."""

    kind: Kind
    source_url: str
    target_url: str
