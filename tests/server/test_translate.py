from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from fpolicy_server.translate import PathRoot, SessionFacts, operation_time_us, translate
from fpolicy_server.volumes import Volume, VolumeMap
from fpolicy_server.wire import FileNotification, Paths, UserId
from fsxn_runtime.events import EventType, FileEvent
from hypothesis import given
from hypothesis import strategies as st

from tests.server.frames import MSID, SESSION_ID, SVM_UUID

TIME_US = 1763900000123456
NOTIFICATION = FileNotification(
    request_id=101,
    request_type="NFS_CREAT",
    client_ip="192.0.2.10",
    generation_time=TIME_US,
    user=UserId(1001, None),
    paths=Paths(unix=b"/legal/a.pdf", windows=b"\\legal\\a.pdf"),
    target_paths=None,
    volume_msid=MSID,
    file_size=0,
    file_type="FILE",
    protocol_version=(3, 0),
    offset=None,
    length=None,
    attribute_mask=None,
)
SESSION = SessionFacts(SVM_UUID, "pol0", SESSION_ID, began_at_us=TIME_US - 60_000_000)
MAP = VolumeMap({(SVM_UUID, MSID): Volume("svm1", "vol1", b"/vol1")}, {SVM_UUID: "svm1"})
RECEIVED_US = TIME_US + 250_000


def event_of(
    *,
    session: SessionFacts = SESSION,
    volumes: VolumeMap = MAP,
    root: PathRoot = PathRoot.VOLUME,
    received_at_us: int = RECEIVED_US,
    **changes: object,
) -> FileEvent:
    notification = NOTIFICATION._replace(**changes)  # type: ignore[arg-type]
    return translate(notification, session, volumes, root, received_at_us).event


def test_an_ordinary_create() -> None:
    event = event_of()
    assert event.to_dict() == {
        "schema_version": "1.1",
        "event_id": event.event_id,
        "event_type": "FILE_CREATE",
        "svm_name": "svm1",
        "volume_name": "vol1",
        "file_path": "/vol1/legal/a.pdf",
        "client_ip": "192.0.2.10",
        "timestamp": "2025-11-23T12:13:20.123456Z",
        "session_id": SESSION_ID,
        "sequence_number": 101,
        "operation": "NFS_CREAT",
        "protocol": "NFS",
        "protocol_version": "3.0",
        "svm_uuid": SVM_UUID,
        "volume_msid": MSID,
        "policy_name": "pol0",
        "user": {"unix_uid": 1001},
        "file_size": 0,
        "received_at": "2025-11-23T12:13:20.373456Z",
        "timestamp_source": "ontap",
        "replayed": False,
        "file_type": "FILE",
    }


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (Paths(unix=b"/a b", windows=b"\\other"), "/vol1/a b"),
        (Paths(windows=b"\\dir\\a.txt"), "/vol1/dir/a.txt"),
        (Paths(windows_short=b"\\DIR~1\\A.TXT"), "/vol1/DIR~1/A.TXT"),
        (Paths(unix=b"/back\\slash"), "/vol1/back\\slash"),
        (Paths(unix=b"no-slash"), "/vol1/no-slash"),
        (Paths(unix="/ä/文".encode()), "/vol1/ä/文"),
    ],
)
def test_the_unix_name_is_preferred_and_windows_names_are_converted(paths: Paths, expected: str) -> None:
    assert event_of(paths=paths).file_path == expected


def test_a_namespace_path_is_not_prefixed() -> None:
    event = event_of(root=PathRoot.NAMESPACE, paths=Paths(unix=b"/vol1/legal/a.pdf"))
    assert (event.file_path, event.volume_name) == ("/vol1/legal/a.pdf", "vol1")


def test_a_volume_mounted_at_the_root_has_no_double_slash() -> None:
    volumes = VolumeMap({(SVM_UUID, MSID): Volume("svm1", "root", b"/")}, {SVM_UUID: "svm1"})
    assert event_of(volumes=volumes).file_path == "/legal/a.pdf"


def test_an_unknown_volume_gives_empty_names_and_the_path_as_sent() -> None:
    translation = translate(NOTIFICATION, SESSION, VolumeMap(), PathRoot.VOLUME, RECEIVED_US)
    event = translation.event
    assert not translation.is_resolved
    assert (event.svm_name, event.volume_name, event.file_path) == ("", "", "/legal/a.pdf")


def test_a_known_svm_keeps_its_name_for_an_unknown_volume() -> None:
    assert event_of(volume_msid=7).svm_name == "svm1"


def test_a_fresher_volume_map_never_changes_an_id() -> None:
    assert event_of().event_id == event_of(volumes=VolumeMap()).event_id


def test_a_replayed_event_keeps_its_id() -> None:
    later = SessionFacts(SVM_UUID, "pol0", "another session", began_at_us=TIME_US + 9_000_000)
    replayed = event_of(session=later, request_id=7, received_at_us=TIME_US + 10_000_000)
    assert replayed.replayed
    assert replayed.event_id == event_of().event_id


@pytest.mark.parametrize(("age_us", "replayed"), [(0, False), (100_000, False), (100_001, True)])
def test_an_event_is_replayed_when_it_is_older_than_its_session_by_more_than_clocks_differ(
    age_us: int, replayed: bool
) -> None:
    session = replace(SESSION, began_at_us=TIME_US + age_us)
    assert event_of(session=session).replayed is replayed


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1763900000, 1763900000_000000),
        (1763900000123, 1763900000_123000),
        (1763900000123456, 1763900000_123456),
        (968571047, None),
        (17639000001, None),
        (2**64 - 1, None),
        (0, None),
        (None, None),
    ],
)
def test_the_unit_of_a_time_is_known_by_its_digits(number: int | None, expected: int | None) -> None:
    assert operation_time_us(number) == expected


def test_without_a_time_the_receipt_counts_and_the_id_is_that_of_the_request() -> None:
    event = event_of(generation_time=None)
    assert (event.timestamp, event.timestamp_source) == (event.received_at, "server")
    assert not event.replayed
    assert event.event_id == event_of(generation_time=None, received_at_us=RECEIVED_US + 5).event_id
    assert event.event_id != event_of(generation_time=None, request_id=102).event_id


def test_a_rename_has_its_target_with_the_junction_path() -> None:
    event = event_of(request_type="NFS_REN", target_paths=Paths(unix=b"/b.pdf"))
    assert (event.event_type, event.target_path) == (EventType.FILE_RENAME, "/vol1/b.pdf")


def test_an_empty_target_is_no_target() -> None:
    assert event_of(target_paths=Paths()).target_path is None


def test_a_name_that_is_no_utf8_keeps_its_bytes() -> None:
    event = event_of(paths=Paths(unix=b"/a\xff"))
    assert event.file_path == "/vol1/a�"
    assert base64.b64decode(event.path_bytes or "") == b"/a\xff"
    assert event.event_id != event_of(paths=Paths(unix=b"/a\xfe")).event_id


def test_an_unknown_operation_stays_unknown() -> None:
    event = event_of(request_type="NDMP_DUMP", protocol_version=None, user=UserId(None, "S-1-5-32-544"))
    assert (event.event_type, event.operation) == (EventType.UNKNOWN, "NDMP_DUMP")
    assert (event.protocol, event.protocol_version, event.user) == ("", "", {"windows_sid": "S-1-5-32-544"})


names = st.none() | st.binary(min_size=1, max_size=30)


@given(
    st.builds(Paths, st.binary(min_size=1, max_size=30), names, names),
    st.none() | st.integers(0, 2**64 - 1),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10),
    st.integers(0, 2**64 - 1),
    st.sampled_from(PathRoot),
)
def test_whatever_the_wire_brings_makes_an_event_that_consumers_accept(
    paths: Paths, time: int | None, kind: str, msid: int, root: PathRoot
) -> None:
    event = event_of(paths=paths, generation_time=time, request_type=kind, volume_msid=msid, root=root)
    assert FileEvent.from_dict(event.to_dict()) == event
