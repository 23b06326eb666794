"""What is watched beside the steps: how long connections are lost, how full the store is, what ONTAP reports.

Pure. Source: ONTAP REST reference 11 (volumes), 13.3 (store), 13.5 (connections), 14 (EMS).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fsxn_runtime.fpolicy.model import Link

VOLUME_FULL: Final = "monitor.volume.full"
# Messages that a person must see; the rest (connects and disconnects) shows in the connections.
ALERTS: Final = frozenset(
    {
        "fpolicy.eagain.disconnect",  # a node does not come back by itself
        "fpolicy.memory.pressure",
        "fpolicy.outage.msg.lost",
        "fsm.low.memory",
        "spm.fpolicy.process.exit",
    }
)
# A store this full drops what comes next (reference 13.3); percent_used is a whole number.
FULL_PCT: Final = 99
_MAX_KEYS: Final = 200  # messages of one second that are remembered


@dataclass(frozen=True, slots=True)
class VolumeUse:
    """A volume as REST shows it. `junction_path` is "" while it is not mounted."""

    svm_uuid: str
    svm_name: str
    name: str
    msid: int | None
    junction_path: str
    used_pct: int | None


@dataclass(frozen=True, slots=True)
class Ems:
    """One message of ONTAP's log. `key` is node and index, `time` its clock's text."""

    key: str
    name: str
    time: str
    text: str


@dataclass(frozen=True, slots=True)
class EmsPosition:
    """Up to where the log was read: the last time, and the messages of that time that are known."""

    time: str = ""
    keys: frozenset[str] = frozenset()


def new_messages(found: Sequence[Ems], position: EmsPosition) -> tuple[list[Ems], EmsPosition]:
    """Leave out what was seen, and say where to go on. The log may wrap: then some are never seen."""
    fresh = [message for message in found if message.key not in position.keys]
    last = max([position.time, *(message.time for message in found)])
    keys = [message.key for message in found if message.time == last]
    return fresh, EmsPosition(last, frozenset(keys[:_MAX_KEYS]))


def volume_map(volumes: Iterable[VolumeUse]) -> dict[str, Any]:
    """Give the document that the server reads: SVM UUID and MSID to names and junction path.

    A volume without MSID or mount is left out: no notification can name it.
    """
    svms: dict[str, Any] = {}
    for volume in volumes:
        svm = svms.setdefault(volume.svm_uuid, {"name": volume.svm_name, "volumes": {}})
        if volume.msid is not None and volume.junction_path:
            svm["volumes"][str(volume.msid)] = {
                "name": volume.name,
                "junction_path": volume.junction_path,
            }
    return {"schema_version": "1.0", "svms": svms}


def store_used_pct(volumes: Iterable[VolumeUse], store_volume: str) -> int | None:
    """Give how full the store's volume is; None when ONTAP does not show it."""
    return next((volume.used_pct for volume in volumes if volume.name == store_volume), None)


def store_is_full(used_pct: int | None, messages: Iterable[Ems], store_volume: str) -> bool:
    """Say whether the store drops: it is full, or ONTAP said so since the last look."""
    told = any(m.name == VOLUME_FULL and store_volume in m.text for m in messages)
    return told or (used_pct is not None and used_pct >= FULL_PCT)


def lost_at(
    missing: bool, known_us: int | None, good_us: int, links: Iterable[Link], now_us: int
) -> int | None:
    """Say since when a wanted connection is missing; None when none is.

    ONTAP's own time of the change, but not before the last look that found everything, nor in the future:
    its clock is not ours.
    """
    if not missing:
        return None
    if known_us is not None:
        return known_us
    times = [link.changed_us for link in links if not link.is_connected and link.changed_us is not None]
    return min(now_us, max(good_us, min(times, default=now_us)))


def reconnect_seconds(lost_us: int | None, now_us: int) -> float:
    """Give FPolicyReconnectTime_sec."""
    return 0.0 if lost_us is None else max(0.0, (now_us - lost_us) / 1_000_000)
