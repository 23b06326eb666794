"""From what ONTAP said to the event that the platform speaks. Pure.

The event's identity is made from the bytes of the wire, so a fresher volume map never changes an id.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from fsxn_runtime.events import (
    EVENT_TYPE_BY_OPERATION,
    EventType,
    FileEvent,
    derive_event_id,
    format_timestamp,
)

from fpolicy_server.volumes import Volume, VolumeMap
from fpolicy_server.wire import FileNotification, Paths, UserId

# An operation counts as replayed when it is older than its session by more than this. Clocks of node and
# server are both set by NTP and differ by milliseconds; a larger difference mislabels only what happens
# within it around the beginning of a session.
REPLAY_TOLERANCE_US: Final = 100_000

# GenerationTime by its digits: seconds, milliseconds, microseconds (docs/wire/messages.md). Ten digits last
# until 2286. Any other number has no known unit and is not used.
_MICROSECONDS_PER_UNIT: Final = {10: 1_000_000, 13: 1_000, 16: 1}

_received_text: Final = lru_cache(maxsize=16)(format_timestamp)  # what one read brought has one time


class PathRoot(StrEnum):
    """Where the paths on the wire begin. Not settled by any source (docs/wire/open-questions.md)."""

    VOLUME = "volume"
    NAMESPACE = "namespace"


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What the handshake said, and when it was read (microseconds since 1970)."""

    svm_uuid: str
    policy_name: str
    session_id: str
    began_at_us: int


class Translation(NamedTuple):
    """An event, whether its volume was found in the volume map, and when the operation was."""

    event: FileEvent
    is_resolved: bool
    operated_at_us: int | None  # microseconds since 1970, by ONTAP


def translate(
    notification: FileNotification,
    session: SessionFacts,
    volumes: VolumeMap,
    path_root: PathRoot,
    received_at_us: int,
) -> Translation:
    """Make the event of one notification.

    A path of an unknown volume stays as it was sent, with empty names: nothing is guessed. Without a usable
    time from ONTAP, `timestamp` is the time of receipt and `timestamp_source` says so.
    """
    operated_at_us = operation_time_us(notification.generation_time)
    volume = volumes.volume(session.svm_uuid, notification.volume_msid)
    sent_path, path = _chosen(notification.paths)
    sent_target, target = (
        (None, None) if notification.target_paths is None else _chosen(notification.target_paths)
    )
    file_path, path_bytes = _text(_full(path, volume, path_root), sent_path)
    target_path, target_path_bytes = (
        _text(_full(target, volume, path_root), sent_target) if target and sent_target else (None, None)
    )
    protocol = notification.request_type.partition("_")[0]
    event = FileEvent(
        event_id=derive_event_id(
            svm_uuid=session.svm_uuid,
            volume_msid=notification.volume_msid,
            operation=notification.request_type,
            path=sent_path,
            target_path=sent_target,
            offset=notification.offset,
            length=notification.length,
            time_us=operated_at_us,
            client_ip=notification.client_ip,
            session_id=session.session_id,
            request_id=notification.request_id,
        ),
        event_type=EVENT_TYPE_BY_OPERATION.get(notification.request_type, EventType.UNKNOWN),
        svm_name=volumes.svm_name(session.svm_uuid),
        volume_name=volume.name if volume else "",
        file_path=file_path,
        client_ip=notification.client_ip,
        timestamp=format_timestamp(received_at_us if operated_at_us is None else operated_at_us),
        session_id=session.session_id,
        sequence_number=notification.request_id,
        operation=notification.request_type,
        protocol=protocol if protocol in ("NFS", "SMB") else "",
        protocol_version=_version(notification.protocol_version),
        svm_uuid=session.svm_uuid,
        volume_msid=notification.volume_msid,
        policy_name=session.policy_name,
        user=_user(notification.user),
        received_at=_received_text(received_at_us),
        timestamp_source="server" if operated_at_us is None else "ontap",
        replayed=operated_at_us is not None and operated_at_us < session.began_at_us - REPLAY_TOLERANCE_US,
        file_size=notification.file_size,
        target_path=target_path,
        offset=notification.offset,
        length=notification.length,
        path_bytes=path_bytes,
        target_path_bytes=target_path_bytes,
        file_type=notification.file_type or None,
        attribute_mask=notification.attribute_mask,
    )
    return Translation(event, is_resolved=volume is not None, operated_at_us=operated_at_us)


def operation_time_us(generation_time: int | None) -> int | None:
    """Give microseconds since 1970, or None when there is no number or its unit is not known."""
    if generation_time is None:
        return None
    factor = _MICROSECONDS_PER_UNIT.get(len(str(generation_time)))
    return None if factor is None else generation_time * factor


def _chosen(paths: Paths) -> tuple[bytes, bytes]:
    """Choose one name: as sent, and with slashes. The UNIX name is the one that needs no conversion."""
    if paths.unix is not None:
        return paths.unix, paths.unix
    windows = paths.windows or paths.windows_short or b""
    return windows, windows.replace(b"\\", b"/")


def _full(path: bytes, volume: Volume | None, root: PathRoot) -> bytes:
    """Put the junction path in front of a volume-relative path."""
    if volume is None or root is PathRoot.NAMESPACE:
        return path
    return volume.junction_path.rstrip(b"/") + b"/" + path.removeprefix(b"/")


def _text(path: bytes, sent: bytes) -> tuple[str, str | None]:
    """Write a path as text. If it is no UTF-8 (shown with U+FFFD), also give the base64 of what was sent."""
    try:
        return path.decode(), None
    except UnicodeDecodeError:
        return path.decode("utf-8", "replace"), base64.b64encode(sent).decode()


def _version(version: tuple[int, int] | None) -> str:
    return "" if version is None else f"{version[0]}.{version[1]}"


def _user(user: UserId) -> dict[str, object]:
    known: dict[str, object] = {}
    if user.unix_uid is not None:
        known["unix_uid"] = user.unix_uid
    if user.windows_sid is not None:
        known["windows_sid"] = user.windows_sid
    return known
