"""What the peers say to each other, as values (docs/wire/messages.md).

Names of files are bytes here: NFS names have no character set. Everything else is text or numbers. What is
made for every notification is a named tuple: constant like a frozen dataclass, made in a third of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


class MessageType(StrEnum):
    """NotfType of the header. `VOL_NOTFICATION` is spelled so on the wire."""

    __hash__ = str.__hash__  # Enum's own is written in Python, and these are looked up for every message

    NEGO_REQ = "NEGO_REQ"
    NEGO_RESP = "NEGO_RESP"
    SCREEN_REQ = "SCREEN_REQ"
    SCREEN_RESP = "SCREEN_RESP"
    SCREEN_CANCEL = "SCREEN_CANCEL"
    STATUS_QUERY_REQ = "STATUS_QUERY_REQ"
    STATUS_QUERY_RESP = "STATUS_QUERY_RESP"
    BACK_PRESSURE_APPLY = "BACK_PRESSURE_APPLY"
    BACK_PRESSURE_REM = "BACK_PRESSURE_REM"
    KEEP_ALIVE = "KEEP_ALIVE"
    ALERT_MSG = "ALERT_MSG"
    VOL_NOTFICATION = "VOL_NOTFICATION"
    OUTAGE_MSG = "OUTAGE_MSG"


# Further spellings found in public sources, never in a capture; accepting them costs nothing.
ALIASES: Final = {
    "NOTI_REQ": MessageType.SCREEN_REQ,
    "KEEP_ALIVE_REQ": MessageType.KEEP_ALIVE,
    "STATUS_REQ": MessageType.STATUS_QUERY_REQ,
    "VOL_NOTIFICATION": MessageType.VOL_NOTFICATION,
}


@dataclass(frozen=True, slots=True)
class Header:
    """The first document of a payload. `type` is None for a NotfType that we do not know."""

    raw_type: str
    type: MessageType | None
    content_bytes: int | None  # None when it is no number; the frame's length is what counts


@dataclass(frozen=True, slots=True)
class Handshake:
    """NEGO_REQ: one policy of one SVM, and every version that the node offers."""

    svm_uuid: str
    policy_name: str
    session_id: str
    versions: tuple[str, ...]


class UserId(NamedTuple):
    """Who acts: a UNIX id, a Windows SID (or name), or both when the node mapped one to the other."""

    unix_uid: int | None = None
    windows_sid: str | None = None


class Paths(NamedTuple):
    """Up to three names of one object, each as bytes with its own separators."""

    unix: bytes | None = None
    windows: bytes | None = None
    windows_short: bytes | None = None


class FileNotification(NamedTuple):
    """SCREEN_REQ: one file operation. The same for all request types, known or not.

    `request_type` is the code as sent. `generation_time` is the number as sent (its unit depends on its
    digits). `target_paths` is None unless the operation has a target; sizes and offsets are bytes.
    `attribute_mask` says what a SET_ATTR changes, bit by bit (docs/wire/messages.md).
    """

    request_id: int
    request_type: str
    client_ip: str
    generation_time: int | None
    user: UserId
    paths: Paths
    target_paths: Paths | None
    volume_msid: int
    file_size: int | None
    file_type: str
    protocol_version: tuple[int, int] | None
    offset: int | None
    length: int | None
    attribute_mask: int | None


@dataclass(frozen=True, slots=True)
class Alert:
    """ALERT_MSG: the node complains. `severity` is a word or a number, as sent."""

    severity: str
    text: str


@dataclass(frozen=True, slots=True)
class VolumeChange:
    """VOL_NOTFICATION: a volume was mounted, unmounted or moved in the namespace."""

    volume_msid: int
    action: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """SCREEN_CANCEL: the node no longer waits. `reason` is a text or a number, as sent."""

    request_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class StatusQuery:
    """STATUS_QUERY_REQ: the node asks what became of a request."""

    request_id: int
    request_type: str


@dataclass(frozen=True, slots=True)
class Outage:
    """OUTAGE_MSG (2.0): a file of notifications that a node kept in an outage, or the end of their list."""

    path: str
    policy_name: str
    status: str
