"""What is on its way to a queue. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from fsxn_runtime.events import SCHEMA_VERSION

# Amazon SQS: a message, and a batch of them together, has at most 1 MiB, attributes included; 10 entries.
MAX_BATCH_BYTES: Final = 1024 * 1024
MAX_BATCH_ENTRIES: Final = 10
# Names, types and values of our attributes: at most 14 + 6 + 3, 10 + 6 + 12 and 6 + 6 + 20 bytes.
ENTRY_OVERHEAD_BYTES: Final = 128

_ENVELOPE_HEAD: Final = b'{"schema_version":"' + SCHEMA_VERSION.encode() + b'","events":['
_ENVELOPE_TAIL: Final = b"]}"
# What a message counts for beside its events, and an event beside its body: a comma.
MESSAGE_BYTES: Final = len(_ENVELOPE_HEAD) + len(_ENVELOPE_TAIL) + ENTRY_OVERHEAD_BYTES
COMMA_BYTES: Final = 1


class Fate(Enum):
    """How one event left the process."""

    __hash__ = object.__hash__  # Enum's own is written in Python, and each event's fate is looked up

    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    SPOOLED = "spooled"  # on disk, to be sent from there
    ABANDONED = "abandoned"


class Parcel:
    """One event: the body to send, what it was made of, and whom to tell what became of it.

    `payload` is kept for quarantine, and `reason` and `detail` say why it goes there. `on_end` is called
    exactly once, whoever is first to end it, with the fate and the reason.
    """

    __slots__ = ("_on_end", "body", "detail", "event_type", "id", "payload", "reason", "waits_since")

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the event's id, or what stands for it in logs
        event_type: str,
        body: bytes,
        payload: bytes,
        on_end: Callable[[Fate, str], None],
        reason: str = "",
    ) -> None:
        self.id = id
        self.event_type = event_type
        self.body = body
        self.payload = payload
        self.reason = reason
        self.detail = ""
        self.waits_since = 0.0  # for its batch, in the batcher's time
        self._on_end: Callable[[Fate, str], None] | None = on_end

    @property
    def is_ended(self) -> bool:
        """Whether its fate is known."""
        return self._on_end is None

    def end(self, fate: Fate) -> None:
        """Report the fate, the first time; later calls change nothing."""
        if self._on_end is not None:
            on_end, self._on_end = self._on_end, None
            on_end(fate, self.reason)


@dataclass(slots=True, eq=False)
class Message:
    """One queue message: one event, or an envelope of several. `attempts` counts failed sends."""

    parcels: Sequence[Parcel]
    is_envelope: bool
    attempts: int = 0

    @property
    def body(self) -> bytes:
        """The text to send."""
        if not self.is_envelope:
            return self.parcels[0].body
        return _ENVELOPE_HEAD + b",".join(parcel.body for parcel in self.parcels) + _ENVELOPE_TAIL

    @property
    def size_bytes(self) -> int:
        """Upper bound of what the queue counts for this message."""
        return MESSAGE_BYTES + sum(len(parcel.body) + COMMA_BYTES for parcel in self.parcels)
