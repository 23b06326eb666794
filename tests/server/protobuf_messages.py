"""Protobuf messages for the server's tests, by the invented map in tests/data/wire/protobuf.

A message is a list of fields (number, value): integers go out as varints, texts and bytes with their length,
lists as messages. Written for the tests alone; neither the server's nor the simulator's encoder is used.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Union

from fpolicy_server.wire import FieldMap, FileNotification, Paths, field_map_from_json
from fpolicy_server.wire.framings import Framing

from tests.server.frames import MSID, SESSION_ID, SVM_UUID

MAP_FILE = Path(__file__).resolve().parent.parent / "data" / "wire" / "protobuf" / "invented_field_map.json"
Content = Union[int, str, bytes, "Sequence[tuple[int, Content]]"]

_WORDS = json.loads(MAP_FILE.read_text())["words"]
TYPES = {word: int(number) for number, word in _WORDS["request_types"].items()}
FILE_TYPES = {word: int(number) for number, word in _WORDS["file_types"].items()}


def field_map() -> FieldMap:
    """The invented map."""
    return field_map_from_json(MAP_FILE.read_text())


def document() -> dict[str, Any]:
    """The invented map as it is written, to be changed by a test."""
    found: dict[str, Any] = json.loads(MAP_FILE.read_text())
    return found


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def protobuf(fields: Sequence[tuple[int, Content]]) -> bytes:
    """One message."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
            continue
        raw = (
            value.encode()
            if isinstance(value, str)
            else value
            if isinstance(value, bytes)
            else protobuf(value)
        )
        out += varint(number << 3 | 2) + varint(len(raw)) + raw
    return out


def framed(message: bytes, framing: Framing) -> bytes:
    """A message in one of the two framings that are guessed for protobuf."""
    if framing is Framing.LENGTH_PREFIXED:
        return len(message).to_bytes(4, "big") + message
    return varint(len(message)) + message


def handshake(*versions: str, policy: str = "pol0") -> bytes:
    """A NEGO_REQ."""
    offered: list[tuple[int, Content]] = [(14, version) for version in versions or ("1.0", "1.1", "1.2")]
    return protobuf([(70, 1), (71, [(11, SVM_UUID), (12, policy), (13, SESSION_ID), *offered])])


def notification(
    request_id: int = 1,
    *,
    path: str | bytes = "/a.txt",
    kind: int = TYPES["NFS_CREAT"],
    common: Sequence[tuple[int, Content]] = (),
    own: Sequence[tuple[int, Content]] = (),
) -> bytes:
    """A SCREEN_REQ, the same operation as `frames.notification`. Zeros are left out."""
    shared: list[tuple[int, Content]] = [
        (31, "192.0.2.10"), (32, 1763900000123456), (33, [(41, 1001)]), (34, [(1, 2), (2, path)]), (35, MSID),
        *common,
    ]  # fmt: skip
    return protobuf([(70, 2), (72, [(21, request_id), (22, kind), (23, shared), (24, [(51, 3)]), *own])])


def encoded(notification: FileNotification) -> bytes:
    """A SCREEN_REQ that says the same as a notification read from XML."""
    user: list[tuple[int, Content]] = _present(
        (41, notification.user.unix_uid), (42, notification.user.windows_sid)
    )
    shared: list[tuple[int, Content]] = [
        *_present(
            (31, notification.client_ip or None), (32, notification.generation_time), (33, user or None)
        ),
        *_paths(34, notification.paths),
        *_present((35, notification.volume_msid), (36, notification.file_size)),
        *_present((37, FILE_TYPES[notification.file_type])),
    ]
    version: list[tuple[int, Content]] = list(
        zip((51, 52), notification.protocol_version or (), strict=False)
    )
    span: list[tuple[int, Content]] = _present((61, notification.offset), (62, notification.length))
    span_number = 26 if notification.request_type.endswith("_RD") else 27
    body: list[tuple[int, Content]] = [
        (21, notification.request_id),
        (22, TYPES.get(notification.request_type, notification.request_type)),
        (23, shared),
        *_present((24, version or None)),
        *(_paths(25, notification.target_paths) if notification.target_paths else []),
        *_present((span_number, span or None), (28, notification.attribute_mask)),
    ]
    return protobuf([(70, 2), (72, body)])


def _paths(number: int, paths: Paths) -> list[tuple[int, Content]]:
    kinds = ((2, paths.unix), (0, paths.windows), (1, paths.windows_short))
    return [(number, [*_present((1, kind or None)), (2, name)]) for kind, name in kinds if name is not None]


def _present(*fields: tuple[int, Content | None]) -> list[tuple[int, Content]]:
    return [(number, value) for number, value in fields if value is not None]
