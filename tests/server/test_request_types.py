"""All 27 request types, from the bytes of the wire to the event (tests/data/wire/types/SOURCES.md)."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import orjson
import pytest
from fpolicy_server.session import event_body
from fpolicy_server.translate import PathRoot, SessionFacts, translate
from fpolicy_server.volumes import Volume, VolumeMap
from fpolicy_server.wire import Connection, NotificationReceived
from fsxn_runtime.events import EVENT_TYPE_BY_OPERATION, FileEvent
from hypothesis import given
from hypothesis import strategies as st

from tests.server.frames import MSID, SESSION_ID, SVM_UUID, notification
from tests.server.wire.test_connection import active, events_of

FRAMES = Path(__file__).resolve().parent.parent / "data" / "wire" / "types"
MAP = VolumeMap({(SVM_UUID, MSID): Volume("svm1", "vol1", b"/vol1")}, {SVM_UUID: "svm1"})
SESSION = SessionFacts(SVM_UUID, "pol0", SESSION_ID, began_at_us=1763900000000000)

FILE = {"file_path": "/vol1/dir/a.txt", "file_type": "FILE"}
FOLDER = {"file_path": "/vol1/dir/new", "file_type": "DIR"}
MAPPED = {"unix_uid": 1002, "windows_sid": "S-1-5-21-1-2-3-1104"}
# Request type -> event type, and the fields that this frame is about. An absent field must be absent.
TYPES: dict[str, tuple[str, dict[str, Any]]] = {
    "SMB_CREAT": ("FILE_CREATE", {**FILE, "file_size": 0, "user": MAPPED}),
    "SMB_CREAT_DIR": ("DIR_CREATE", FOLDER),
    "SMB_OPEN": ("FILE_OPEN", {**FILE, "user": {"windows_sid": "S-1-5-21-1-2-3-1104"}}),
    "SMB_CLOSE": ("FILE_CLOSE", FILE),
    "SMB_REN": ("FILE_RENAME", {**FILE, "target_path": "/vol1/dir/b.txt"}),
    "SMB_REN_DIR": ("DIR_RENAME", {**FOLDER, "target_path": "/vol1/dir/moved"}),
    "SMB_SET_ATTR": ("FILE_SETATTR", {**FILE, "attribute_mask": 0x110}),
    "SMB_GET_ATTR": ("FILE_GETATTR", FILE),
    "SMB_RD": ("FILE_READ", {**FILE, "offset": 4096, "length": 512}),
    "SMB_WR": (
        "FILE_WRITE",
        {"file_path": "/vol1/dir/a.txt:Zone.Identifier", "file_type": "STREAM", "offset": 0, "length": 26},
    ),
    "SMB_DEL": ("FILE_DELETE", {"file_path": "/vol1/dir/long & name.txt", "file_type": "FILE"}),
    "SMB_DEL_DIR": ("DIR_DELETE", {"file_path": "/vol1/dir/moved", "file_type": "DIR"}),
    "NFS_CREAT": ("FILE_CREATE", {**FILE, "file_size": 0, "user": {"unix_uid": 1001}}),
    "NFS_CREAT_DIR": ("DIR_CREATE", FOLDER),
    "NFS_DEL": ("FILE_DELETE", FILE),
    "NFS_DEL_DIR": ("DIR_DELETE", FOLDER),
    "NFS_REN": ("FILE_RENAME", {**FILE, "target_path": "/vol1/dir/b.txt"}),
    "NFS_REN_DIR": ("DIR_RENAME", {**FOLDER, "target_path": "/vol1/dir/moved"}),
    "NFS_LNK": ("FILE_LINK", {**FILE, "target_path": "/vol1/dir/link.txt"}),
    "NFS_SYM_LNK": ("FILE_SYMLINK", {"file_path": "/vol1/dir/symlink", "file_type": "SYMLINK"}),
    "NFS_RD": ("FILE_READ", {**FILE, "offset": 0, "length": 65536}),
    "NFS_WR": ("FILE_WRITE", {**FILE, "offset": 2**64 - 1, "length": 2**32 - 1}),
    "NFS_SET_ATTR": ("FILE_SETATTR", {**FILE, "attribute_mask": 0x83}),
    "NFS_GET_ATTR": ("FILE_GETATTR", FILE),
    "NFS_LOOKUP": ("FILE_LOOKUP", FILE),
    "NFS_OPEN": ("FILE_OPEN", FILE),
    "NFS_CLOSE": ("FILE_CLOSE", FILE),
}
SOMETIMES = ("target_path", "offset", "length", "attribute_mask", "path_bytes", "target_path_bytes")


def event_of(frame: bytes, connection: Connection | None = None) -> dict[str, Any]:
    """The queue's text of the event of one frame, read back."""
    [received] = events_of(connection or active(), frame)
    assert isinstance(received, NotificationReceived), received
    event = translate(received.notification, SESSION, MAP, PathRoot.VOLUME, 1763900000500000).event
    body: dict[str, Any] = orjson.loads(event_body(event.to_dict()))
    FileEvent.from_dict(body)
    return body


def test_every_request_type_has_a_frame_and_an_event() -> None:
    assert TYPES.keys() == EVENT_TYPE_BY_OPERATION.keys() == {path.stem for path in FRAMES.glob("*.frame")}


@pytest.mark.parametrize("request_type", TYPES)
def test_a_request_type_becomes_its_event(request_type: str) -> None:
    event_type, expected = TYPES[request_type]
    event = event_of((FRAMES / f"{request_type}.frame").read_bytes())
    number = list(TYPES).index(request_type) + 1
    assert {name: event[name] for name in expected} == expected
    assert (event["event_type"], event["operation"]) == (event_type, request_type)
    assert event["timestamp"] == f"2025-11-23T12:13:20.{number:06d}Z"
    assert (event["timestamp_source"], event["sequence_number"]) == ("ontap", number)
    protocol = ("SMB", "3.1") if request_type.startswith("SMB") else ("NFS", "4.1")
    assert (event["protocol"], event["protocol_version"]) == protocol
    assert (event["svm_name"], event["volume_name"], event["client_ip"]) == ("svm1", "vol1", "192.0.2.10")
    assert [name for name in SOMETIMES if name in event and name not in expected] == []


def test_no_two_of_them_have_one_id() -> None:
    ids = {event_of((FRAMES / f"{name}.frame").read_bytes())["event_id"] for name in TYPES}
    assert len(ids) == len(TYPES)


@pytest.mark.parametrize("kind", ["SMB_LNK", "NFS_NEW_DIR", "smb_wr", "X" * 300])
def test_an_unknown_operation_stays_unknown_with_its_code(kind: str) -> None:
    event = event_of(notification(kind=kind))
    assert (event["event_type"], event["operation"]) == ("UNKNOWN", kind)


def target(name: bytes) -> str:
    body = b"<Path><PathNameType>UNIX_NAME</PathNameType><PathName>" + name + b"</PathName></Path>"
    return f"<TargetAccessPath>{body.decode('latin-1')}</TargetAccessPath>"


# A name on NFS: any bytes but NUL and the separator, up to 4 KiB of them in a path.
nfs_names = st.binary(max_size=60).map(lambda name: b"/" + name.translate(None, b"\0/") + b"x")


def escaped(name: bytes) -> bytes:
    return escape(name.decode("latin-1")).encode("latin-1")


@given(nfs_names)
def test_any_name_arrives_as_its_bytes(name: bytes) -> None:
    event = event_of(notification(path=escaped(name), raw=True))
    assert original(event, "file_path", "path_bytes") == name


@given(nfs_names, nfs_names)
def test_any_target_arrives_as_its_bytes(name: bytes, new: bytes) -> None:
    own = target(escaped(new)).encode("latin-1")
    frame = notification(path=escaped(name), raw=True, kind="NFS_REN", element="NfsRenReq")
    event = event_of(with_own(frame, own, b"NfsRenReq"))
    assert original(event, "target_path", "target_path_bytes") == new


def with_own(frame: bytes, own: bytes, element: bytes) -> bytes:
    """Put an element at the end of the operation's own; ContentLen stays wrong, which is tolerated."""
    payload = frame[6:].replace(b"</" + element + b">", own + b"</" + element + b">")
    return b'"' + len(payload).to_bytes(4, "big") + b'"' + payload


def original(event: dict[str, Any], text: str, raw: str) -> bytes:
    """The name within the volume, by its text or, where that is not exact, by its bytes."""
    if raw in event:
        return base64.b64decode(event[raw])
    path: str = event[text]
    return path.removeprefix("/vol1").encode()


NAMES = [
    "/line\nfeed",
    "/tab\ta",
    "/quote\"'<&>",
    "/\uff46\uff55",
    "/e\u0301",
    "/ a ",
    "/a\\b",
    "/%41",
    "/a:b",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_mean_something_elsewhere_are_only_names(name: str) -> None:
    assert event_of(notification(path=name))["file_path"] == "/vol1" + name


@pytest.mark.parametrize("unit", ["a", "\u00e9", "\U0001f600", "&"])
def test_names_of_4_kib_in_both_forms_are_read_in_one_frame(unit: str) -> None:
    name = "/" + unit * (4095 // len(unit.encode()))
    paths = "".join(
        f"<Path><PathNameType>{kind}</PathNameType><PathName>{escape(form)}</PathName></Path>"
        for kind, form in (("WIN_NAME", name.replace("/", "\\")), ("UNIX_NAME", name))
    )
    frame = notification(paths=paths.encode(), kind="NFS_REN", element="NfsRenReq")
    own = f"<TargetAccessPath>{paths}</TargetAccessPath>".encode()
    event = event_of(with_own(frame, own, b"NfsRenReq"), active(limit=1024 * 1024))
    assert event["file_path"] == event["target_path"] == "/vol1" + name
