"""What a listing is good for, pure: which listed objects are asked for, and where a pass goes on.

A listing knows no events, so a listed version becomes one: a write at its modification time, by nobody. It
goes through the workload's queue like ONTAP's, and the starter looks at the file and names the work by path
and version; whichever way a version came, its work key is the same.

The watermark. A pass walks through the whole listing and asks for what was modified since the begin of the
last finished pass, less an overlap. The mark moves only when a pass has come to its end, and to that pass's
begin: what was written behind the walk's back, after its page had been read, is newer than that. The overlap
covers clocks that differ, the whole seconds of a listing, and the time until a file shows up in it. Versions
that two passes ask for, and equal times, cost a message and no second execution. Where a pass stops is kept
as the token of the next page, so a listing of any size goes on in the next run.
A deletion leaves nothing to list: polling does not see it. Nor a file that keeps an old modification time
(copied with its times, moved into the scope).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fsxn_runtime.events import DETAIL_TYPE, EVENT_SOURCE, EventType, FileEvent, format_timestamp
from fsxn_runtime.routing import Pattern
from fsxn_runtime.workloads.core import KEY_LENGTH, is_addressable, normalise, object_key, settle_delay
from fsxn_runtime.workloads.model import ObjectVersion, Page, Pass, SkipReason, Watermark

SOURCE: Final = "fsxn.listing"  # who sent the message; ONTAP's come from the bus
OPERATION: Final = "LISTING"
# A workload that takes one of them takes a listed version; a listing cannot know which operation made it.
_TYPES: Final = (EventType.FILE_WRITE, EventType.FILE_CREATE, EventType.FILE_CLOSE, EventType.FILE_SETATTR)
_FILE_PATH: Final = ("detail", "file_path")


@dataclass(frozen=True, slots=True)
class Scope:
    """One workload's scope: the pattern of its rule, and the volume that its access point shows."""

    pattern: Pattern
    svm_name: str
    volume_name: str
    junction_path: str

    def prefixes(self) -> list[str]:
        """Give the key prefixes below which everything in scope lies, none within another; [] for nothing."""
        root = normalise(self.junction_path).rstrip("/") + "/"
        unknown = ObjectVersion("", 0, "", 0)
        heads = {
            head
            for kind in _TYPES
            for head in self.pattern.heads(_FILE_PATH, _on_bus(self._event(root, unknown, kind, 0)))
        }
        found = {head[len(root) :] for head in heads if head.startswith(root)}
        if any(root.startswith(head) for head in heads):
            return [""]
        return [each for each in sorted(found) if not any(each != o and each.startswith(o) for o in found)]

    def event(self, version: ObjectVersion, since_us: int, now_us: int) -> FileEvent | SkipReason:
        """Give the event that stands for a version modified since then (0: ever), or why there is none."""
        if version.last_modified_us < since_us and since_us > 0:
            return SkipReason.UNCHANGED
        if version.key.endswith("/"):
            return SkipReason.DIRECTORY
        path = normalise(f"{self.junction_path}/{version.key}")
        if object_key(path, self.junction_path) != version.key or not is_addressable(version.key):
            return SkipReason.PATH_NOT_ADDRESSABLE
        for kind in _TYPES:
            event = self._event(path, version, kind, now_us)
            if self.pattern.matches(_on_bus(event)):
                return event
        return SkipReason.OUT_OF_SCOPE

    def messages(
        self, page: Page, since_us: int, now_us: int, settle_seconds: int
    ) -> tuple[list[tuple[str, int]], Counter[str]]:
        """Give a message with its delay in seconds for each version of a page that is asked for.

        The counts are those (`asked`), and the others by the reason that they have.
        """
        messages: list[tuple[str, int]] = []
        counts: Counter[str] = Counter()
        for version in page.versions:
            event = self.event(version, since_us, now_us)
            if isinstance(event, SkipReason):
                counts[event] += 1
                continue
            delay = settle_delay(version, version.last_modified_us, now_us, settle_seconds)
            messages.append((message(event), delay))
        counts["asked"] = len(messages)
        return messages, counts

    def _event(self, path: str, version: ObjectVersion, kind: EventType, now_us: int) -> FileEvent:
        identity = (self.svm_name, path, version.etag, str(version.size_bytes), str(version.last_modified_us))
        return FileEvent(
            event_id=hashlib.sha256("\0".join(("listing", *identity)).encode()).hexdigest()[:KEY_LENGTH],
            event_type=kind,
            svm_name=self.svm_name,
            volume_name=self.volume_name,
            file_path=path,
            client_ip="",
            timestamp=format_timestamp(max(version.last_modified_us, 0)),  # clients can set any time
            session_id="",
            sequence_number=0,
            operation=OPERATION,
            protocol="S3",
            protocol_version="",
            svm_uuid="",
            volume_msid=0,
            policy_name="",
            user={},
            received_at=format_timestamp(now_us),
            timestamp_source="ontap",  # a modification time is the storage's
            replayed=False,
            file_size=version.size_bytes,
        )


def _on_bus(event: FileEvent) -> dict[str, Any]:
    """The event as the bus would carry it, had ONTAP reported it: what the rule's pattern speaks of."""
    return {"source": EVENT_SOURCE, "detail-type": DETAIL_TYPE, "detail": event.to_dict()}


def message(event: FileEvent) -> str:
    """Write the message that the starter reads."""
    return json.dumps({"source": SOURCE, "detail-type": DETAIL_TYPE, "detail": event.to_dict()})


def first_watermark(now_us: int, *, process_existing: bool) -> Watermark:
    """Begin to poll: with what is there already, or with what comes from now on."""
    return Watermark(mark_us=0 if process_existing else now_us, begun_us=now_us)


def under_way(known: Watermark, now_us: int, overlap_seconds: int, prefixes: Sequence[str]) -> Watermark:
    """Give the watermark with a pass to go on with: the open one, unless the scope left it, or a new one."""
    if known.under_way is None:
        since_us = max(known.mark_us - overlap_seconds * 1_000_000, 0)
        return replace(known, under_way=Pass(since_us, now_us, prefixes[0]))
    return known if known.under_way.prefix in prefixes else restarted(known, now_us, prefixes)


def restarted(known: Watermark, now_us: int, prefixes: Sequence[str]) -> Watermark:
    """Walk through the listing from its begin again, still for what changed since the same time."""
    assert known.under_way is not None
    again = replace(known.under_way, started_us=now_us, prefix=prefixes[0], token="")
    return replace(known, under_way=again)


def after_page(known: Watermark, page: Page, prefixes: Sequence[str]) -> Watermark:
    """Give the watermark when a page's versions have been asked for: further on, or at the pass's end."""
    walk = known.under_way
    assert walk is not None
    if page.token:
        return replace(known, under_way=replace(walk, token=page.token))
    following = prefixes[prefixes.index(walk.prefix) + 1 :]
    if following:
        return replace(known, under_way=replace(walk, prefix=following[0], token=""))
    return replace(known, mark_us=max(known.mark_us, walk.started_us), under_way=None)


def behind_us(known: Watermark, now_us: int) -> int:
    """Say for how long versions may have waited unseen: the age of the mark, or of polling itself."""
    return max(now_us - max(known.mark_us, known.begun_us), 0)
