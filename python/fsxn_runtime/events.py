"""The file event: its fields, its derived identity, and its times. Pure, standard library only.

`file_event.schema.json` beside this file says the same for consumers in other languages; a test holds the
two together. Additions raise the minor version, anything else the major; consumers accept unknown fields.

The FPolicy server makes a `FileEvent` for every notification and calls `derive_event_id`, `format_timestamp`
and `FileEvent.to_dict`, so these avoid all generic machinery, and a `FileEvent` is a named tuple: made in a
third of the time that a frozen dataclass takes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from fsxn_runtime.errors import RejectedError

SCHEMA_VERSION: Final = "1.1"
EVENT_SOURCE: Final = "fsxn.fpolicy"
DETAIL_TYPE: Final = "FPolicy File Operation"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIMESTAMP: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_EVENT_ID: Final = re.compile(r"[0-9a-f]{32}")
_SCHEMA_MAJOR: Final = re.compile(r"1\.[0-9]+")
LAST_TIME_US: Final = 253_402_300_800_000_000  # 10000-01-01: RFC 3339 has four digits for the year


class EventType(StrEnum):
    """What happened, the same word for NFS and SMB."""

    FILE_CREATE = "FILE_CREATE"
    FILE_WRITE = "FILE_WRITE"
    FILE_DELETE = "FILE_DELETE"
    FILE_RENAME = "FILE_RENAME"
    FILE_OPEN = "FILE_OPEN"
    FILE_CLOSE = "FILE_CLOSE"
    FILE_READ = "FILE_READ"
    FILE_LINK = "FILE_LINK"
    FILE_SYMLINK = "FILE_SYMLINK"
    FILE_LOOKUP = "FILE_LOOKUP"
    FILE_GETATTR = "FILE_GETATTR"
    FILE_SETATTR = "FILE_SETATTR"
    DIR_CREATE = "DIR_CREATE"
    DIR_DELETE = "DIR_DELETE"
    DIR_RENAME = "DIR_RENAME"
    UNKNOWN = "UNKNOWN"


# The 27 request types of the FPolicy schema (docs/wire). Any other code is UNKNOWN and keeps its raw name.
EVENT_TYPE_BY_OPERATION: Final[Mapping[str, EventType]] = MappingProxyType(
    {
        "NFS_CREAT": EventType.FILE_CREATE,
        "NFS_CREAT_DIR": EventType.DIR_CREATE,
        "NFS_DEL": EventType.FILE_DELETE,
        "NFS_DEL_DIR": EventType.DIR_DELETE,
        "NFS_REN": EventType.FILE_RENAME,
        "NFS_REN_DIR": EventType.DIR_RENAME,
        "NFS_LNK": EventType.FILE_LINK,
        "NFS_SYM_LNK": EventType.FILE_SYMLINK,
        "NFS_RD": EventType.FILE_READ,
        "NFS_WR": EventType.FILE_WRITE,
        "NFS_SET_ATTR": EventType.FILE_SETATTR,
        "NFS_GET_ATTR": EventType.FILE_GETATTR,
        "NFS_LOOKUP": EventType.FILE_LOOKUP,
        "NFS_OPEN": EventType.FILE_OPEN,
        "NFS_CLOSE": EventType.FILE_CLOSE,
        "SMB_CREAT": EventType.FILE_CREATE,
        "SMB_CREAT_DIR": EventType.DIR_CREATE,
        "SMB_DEL": EventType.FILE_DELETE,
        "SMB_DEL_DIR": EventType.DIR_DELETE,
        "SMB_REN": EventType.FILE_RENAME,
        "SMB_REN_DIR": EventType.DIR_RENAME,
        "SMB_RD": EventType.FILE_READ,
        "SMB_WR": EventType.FILE_WRITE,
        "SMB_SET_ATTR": EventType.FILE_SETATTR,
        "SMB_GET_ATTR": EventType.FILE_GETATTR,
        "SMB_OPEN": EventType.FILE_OPEN,
        "SMB_CLOSE": EventType.FILE_CLOSE,
    }
)


class FileEvent(NamedTuple):
    """One file operation as ONTAP reported it.

    `timestamp` (when it happened) and `received_at` (when the server read it) are RFC 3339 UTC with
    microseconds and `Z`. `file_size` is bytes before the operation, as sent; `offset` and `length` are
    bytes. `svm_name` and `volume_name` are "" when not resolvable. `path_bytes` and `target_path_bytes` are
    the base64 of the original paths, present only when those were not valid UTF-8. `file_type` (FILE, DIR,
    STREAM, SYMLINK) and `attribute_mask` are as sent. Fields with a default may be absent; the last three
    are new in 1.1.
    """

    event_id: str
    event_type: EventType
    svm_name: str
    volume_name: str
    file_path: str
    client_ip: str
    timestamp: str
    session_id: str
    sequence_number: int
    operation: str
    protocol: str
    protocol_version: str
    svm_uuid: str
    volume_msid: int
    policy_name: str
    user: Mapping[str, object]
    received_at: str
    timestamp_source: str
    replayed: bool
    file_size: int | None = None
    target_path: str | None = None
    offset: int | None = None
    length: int | None = None
    path_bytes: str | None = None
    target_path_bytes: str | None = None
    file_type: str | None = None
    attribute_mask: int | None = None
    schema_version: str = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON object. What is None is left out, except `file_size`, which is always there."""
        result: dict[str, Any] = {
            "schema_version": self.schema_version,
            "event_id": self.event_id,
            "event_type": self.event_type._value_,  # a plain str, without the enum's descriptor
            "svm_name": self.svm_name,
            "volume_name": self.volume_name,
            "file_path": self.file_path,
            "client_ip": self.client_ip,
            "timestamp": self.timestamp,
            "session_id": self.session_id,
            "sequence_number": self.sequence_number,
            "operation": self.operation,
            "protocol": self.protocol,
            "protocol_version": self.protocol_version,
            "svm_uuid": self.svm_uuid,
            "volume_msid": self.volume_msid,
            "policy_name": self.policy_name,
            "user": dict(self.user),
            "file_size": self.file_size,
            "received_at": self.received_at,
            "timestamp_source": self.timestamp_source,
            "replayed": self.replayed,
        }
        if self.target_path is not None:
            result["target_path"] = self.target_path
        if self.offset is not None:
            result["offset"] = self.offset
        if self.length is not None:
            result["length"] = self.length
        if self.path_bytes is not None:
            result["path_bytes"] = self.path_bytes
        if self.target_path_bytes is not None:
            result["target_path_bytes"] = self.target_path_bytes
        if self.file_type is not None:
            result["file_type"] = self.file_type
        if self.attribute_mask is not None:
            result["attribute_mask"] = self.attribute_mask
        return result

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> FileEvent:
        """Check a JSON object and take it over. Unknown fields are ignored.

        Raises RejectedError naming the first field that is missing or wrong.
        """
        taken: dict[str, Any] = {}
        for name in _FIELD_NAMES:
            if name in data:
                _check(name, data[name])
                taken[name] = data[name]
            elif name in _REQUIRED:
                raise RejectedError(f"{name} is missing", code="missing_field")
        taken["event_type"] = EventType(taken["event_type"])
        return cls(**taken)


_FIELD_NAMES: Final = FileEvent._fields
_OPTIONAL: Final = frozenset(
    {"target_path", "offset", "length", "path_bytes", "target_path_bytes", "file_type", "attribute_mask"}
)
_REQUIRED: Final = frozenset(_FIELD_NAMES) - _OPTIONAL
_COUNTS: Final = frozenset(
    {"sequence_number", "volume_msid", "file_size", "offset", "length", "attribute_mask"}
)
_TYPE_NAMES: Final = frozenset(EventType)
_SOURCES: Final = frozenset({"ontap", "server"})


def _check(name: str, value: object) -> None:
    """Raise RejectedError unless `value` is what the schema allows for the field `name`."""
    if name in _COUNTS:
        # bool is an int in Python, not in JSON.
        valid = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        valid = valid or (name == "file_size" and value is None)
        allowed = "an integer from 0" + (" or null" if name == "file_size" else "")
    elif name == "replayed":
        valid, allowed = isinstance(value, bool), "true or false"
    elif name == "user":
        valid, allowed = isinstance(value, Mapping), "an object"
    elif not isinstance(value, str):
        valid, allowed = False, "a string"
    elif name in ("timestamp", "received_at"):
        parse_timestamp(value, name)
        return
    else:
        valid, allowed = _check_text(name, value)
    if not valid:
        raise RejectedError(f"{name} is {_shown(value)}; it must be {allowed}", code="wrong_field")


def _check_text(name: str, value: str) -> tuple[bool, str]:
    """Say whether the text is allowed for this field, and what is."""
    if name == "event_id":
        return _EVENT_ID.fullmatch(value) is not None, "32 lower-case hex characters"
    if name == "event_type":
        return value in _TYPE_NAMES, "one of the known event types"
    if name == "schema_version":
        return _SCHEMA_MAJOR.fullmatch(value) is not None, "1.x"
    if name == "timestamp_source":
        return value in _SOURCES, "ontap or server"
    if name in ("file_path", "operation"):
        return bool(value), "not empty"
    return True, ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def derive_event_id(
    *,
    svm_uuid: str,
    volume_msid: int,
    operation: str,
    path: bytes,
    target_path: bytes | None,
    offset: int | None,
    length: int | None,
    time_us: int | None,
    client_ip: str,
    session_id: str,
    request_id: int,
) -> str:
    """Derive the event's identity (32 hex characters) from the operation itself.

    Paths are the bytes of the wire, so that resolving names later never changes an id. Policy, task and
    receive time are left out: what reports one operation twice gives one id. Session and request id count
    only when the wire carries no time (`time_us` is None).

    Every text is written with its length before it, so no two operations share an encoding.
    """
    when = f"t{time_us}" if time_us is not None else f"s{len(session_id)}:{session_id}:{request_id}"
    head = (
        f"1|{len(svm_uuid)}:{svm_uuid}|{volume_msid}|{len(operation)}:{operation}|{offset}|{length}|{when}"
        f"|{len(client_ip)}:{client_ip}|{len(path)}|{None if target_path is None else len(target_path)}|"
    )
    return hashlib.sha256(head.encode() + path + (target_path or b"")).hexdigest()[:32]


def format_timestamp(time_us: int) -> str:
    """Write microseconds since 1970 as RFC 3339 UTC: `2026-01-31T23:59:59.000001Z`.

    Raises RejectedError before 1970 and after the year 9999.
    """
    if not 0 <= time_us < LAST_TIME_US:
        raise RejectedError(f"time is {time_us} us; it must lie in the years 1970 to 9999", code="wrong_time")
    seconds, microseconds = divmod(time_us, 1_000_000)
    return f"{_second_text(seconds)}.{microseconds:06d}Z"


@lru_cache(maxsize=256)  # events of one moment share their second; a replay walks through few at a time
def _second_text(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def parse_timestamp(text: str, name: str = "timestamp") -> int:
    """Read what `format_timestamp` writes; give microseconds since 1970.

    Raises RejectedError, naming the field, for any other form and for dates that do not exist.
    """
    if _TIMESTAMP.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass  # a well-formed date that does not exist: refused below with the same words
        else:
            if moment >= _EPOCH:
                return (moment - _EPOCH) // timedelta(microseconds=1)
    raise RejectedError(
        f"{name} is {_shown(text)}; it must be an existing RFC 3339 UTC time with microseconds and Z",
        code="wrong_time",
    )
