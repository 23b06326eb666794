"""When is the whole path at rest? Pure: observations in, a decision out."""

from __future__ import annotations

from dataclasses import dataclass

SAME_WHEN_COMPLETE = 2  # looks in a row; work moves between two counts, never in both unseen
SAME_WHEN_INCOMPLETE = 12  # looks in a row without any change: what is missing does not come any more


@dataclass(frozen=True, slots=True)
class Look:
    """One observation of everything that can hold work."""

    monitored: int  # operations that the policy asks for
    waiting: int  # notifications in the storage's nodes and stores, uploads to the S3 face
    events: int  # different events on the bus
    held: int  # events in the servers' memory, which the queue has not accepted yet
    queued: int  # messages in the ingestion, work and tap queues, in flight and delayed ones included
    in_progress: int  # state items
    done: int  # outputs or closed state items; any count that grows with work


@dataclass(slots=True)
class Quiet:
    """Feed it looks; it says when nothing moves any more."""

    _last: Look | None = None
    _same: int = 0

    def rests(self, look: Look) -> bool:
        """True when the path is at rest: complete, or nothing has changed for long."""
        self._same = self._same + 1 if look == self._last else 0
        self._last = look
        if look.held or look.queued or look.in_progress or look.waiting:
            return False
        complete = look.events >= look.monitored
        return self._same >= (SAME_WHEN_COMPLETE if complete else SAME_WHEN_INCOMPLETE)
