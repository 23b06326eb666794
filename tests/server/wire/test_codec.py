from __future__ import annotations

import pytest
from fpolicy_server.wire import codec
from fpolicy_server.wire.codec import UndecodableError, decode_header, decode_notification, split
from fpolicy_server.wire.messages import FileNotification, Handshake, MessageType, Paths, UserId
from fsxn_runtime.events import EVENT_TYPE_BY_OPERATION

from tests.server.frames import MSID, SESSION_ID, SVM_UUID, frame, golden, message, notification

ELEMENTS = {
    "CREAT": "CreatReq",
    "CREAT_DIR": "CreatReq",
    "DEL": "DelReq",
    "DEL_DIR": "DelReq",
    "REN": "RenReq",
    "REN_DIR": "RenReq",
    "LNK": "LnkReq",
    "SYM_LNK": "SymLnkReq",
    "RD": "RdReq",
    "WR": "WrReq",
    "SET_ATTR": "SetAttrReq",
    "GET_ATTR": "GetAttrReq",
    "LOOKUP": "LookupReq",
    "OPEN": "OpenReq",
    "CLOSE": "CloseReq",
}


def body_of(data: bytes) -> bytes:
    return split(data[6:])[1]


def decode(data: bytes) -> FileNotification:
    return decode_notification(body_of(data))


def test_the_golden_handshake_is_read() -> None:
    assert codec.decode_handshake(body_of(golden("handshake_request"))) == Handshake(
        SVM_UUID, "pol0", SESSION_ID, ("1.0", "1.1", "1.2")
    )


def test_our_handshake_response_is_the_golden_frame() -> None:
    handshake = Handshake(SVM_UUID, "pol0", SESSION_ID, ("1.0", "1.1", "1.2"))
    assert frame(codec.encode_handshake_response(handshake, "1.2")) == golden("handshake_response")


def test_our_back_pressure_is_the_golden_frame() -> None:
    assert frame(codec.encode_back_pressure(SESSION_ID, apply=True)) == golden("apply_back_pressure")
    assert frame(codec.encode_back_pressure(SESSION_ID, apply=False)) == golden("remove_back_pressure")


def test_the_golden_nfs_write_is_read() -> None:
    assert decode(golden("nfs_write")) == FileNotification(
        request_id=102,
        request_type="NFS_WR",
        client_ip="192.0.2.10",
        generation_time=1763900000124356,
        user=UserId(unix_uid=1001),
        paths=Paths(unix=b"/test.txt", windows=b"\\test.txt"),
        target_paths=None,
        volume_msid=MSID,
        file_size=0,
        file_type="FILE",
        protocol_version=(3, 0),
        offset=0,
        length=4096,
        attribute_mask=None,
    )


def test_the_golden_rename_has_its_target() -> None:
    renamed = decode(golden("nfs_rename"))
    assert renamed.target_paths == Paths(unix=b"/final.txt", windows=b"\\final.txt")
    assert (renamed.request_type, renamed.file_size) == ("NFS_REN", 4096)


def test_the_golden_smb_create_has_both_ids_of_its_user() -> None:
    created = decode(golden("smb_create"))
    assert created.user == UserId(0, "S-1-5-21-1000000000-2000000000-3000000000-1104")
    assert created.protocol_version == (3, 1)


def test_entities_in_a_golden_name_are_resolved() -> None:
    assert decode(golden("smb_delete_with_displaypath")).paths.unix == b"/a&b.txt"


def test_a_notification_of_protocol_1_0_has_no_time() -> None:
    assert decode(golden("synchronous_screen")).generation_time is None


@pytest.mark.parametrize("kind", sorted(EVENT_TYPE_BY_OPERATION))
def test_all_27_request_types_are_read_into_one_shape(kind: str) -> None:
    protocol, _, operation = kind.partition("_")
    element = protocol.title() + ELEMENTS[operation]
    path = "<Path><PathNameType>UNIX_NAME</PathNameType><PathName>/b</PathName></Path>"
    target = f"<TargetAccessPath>{path}</TargetAccessPath>"
    own = {"REN": target, "REN_DIR": target, "LNK": target}.get(operation, "")
    if operation in ("RD", "WR"):
        word = operation.title()
        own = f"<{word}Offset>10</{word}Offset><{word}Length>20</{word}Length>"
    read = decode(notification(7, kind=kind, element=element, own=own))
    assert (read.request_id, read.request_type, read.paths.unix) == (7, kind, b"/a.txt")
    assert (read.offset, read.length) == ((10, 20) if operation in ("RD", "WR") else (None, None))
    assert (read.target_paths is not None) == (operation in ("REN", "REN_DIR", "LNK"))


def test_there_are_27_request_types() -> None:
    assert len(EVENT_TYPE_BY_OPERATION) == 27


def test_an_unknown_request_type_keeps_its_raw_code() -> None:
    assert decode(notification(kind="NFS_TELEPORT", element="NfsTeleportReq")).request_type == "NFS_TELEPORT"


def test_paths_are_chosen_by_their_type_not_by_their_position() -> None:
    paths = b"".join(
        b"<Path><PathNameType>" + kind + b"</PathNameType><PathName>" + name + b"</PathName></Path>"
        for kind, name in [(b"WIN_8_3_NAME", b"\\A~1"), (b"UNIX_NAME", b"/a b"), (b"WIN_NAME", b"\\a b")]
    )
    assert decode(notification(paths=paths)).paths == Paths(b"/a b", b"\\a b", b"\\A~1")


def test_a_path_without_name_is_no_path() -> None:
    good = b"<Path><PathNameType>WIN_NAME</PathNameType><PathName>\\a</PathName></Path>"
    bad = b"<Path><PathNameType>UNIX_NAME</PathNameType></Path>"
    assert decode(notification(paths=bad + good)).paths == Paths(windows=b"\\a")


def test_padding_and_empty_elements_are_accepted() -> None:
    data = notification(7).replace(b"<ReqId>7<", b"<ReqId> 7 <")
    data = data.replace(b"192.0.2.10", b"").replace(b"<FileSize>0<", b"<FileSize><")
    data = data.replace(b"<MajorNum>3</MajorNum>", b"")
    data = data.replace(b"<UsrContext><UnixUid>1001</UnixUid></UsrContext>", b"<UsrContext/>")
    read = decode(data)
    assert (read.request_id, read.client_ip, read.file_size, read.protocol_version) == (7, "", None, None)
    assert read.user == UserId()


def test_a_windows_name_instead_of_a_sid_is_kept() -> None:
    data = notification().replace(
        b"<UsrContext><UnixUid>1001</UnixUid>", b"<UsrContext><WinSid>administrator</WinSid>"
    )
    assert decode(data).user == UserId(None, "administrator")


def test_elements_that_may_be_missing_may_be_missing() -> None:
    data = notification()
    data = data.replace(b"<UsrContext><UnixUid>1001</UnixUid></UsrContext>", b"")
    data = data.replace(b"<ProtVer><MajorNum>3</MajorNum><MinorNum>0</MinorNum></ProtVer>", b"")
    read = decode(data)
    assert (read.user, read.protocol_version) == (UserId(), None)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (b"<ReqId>7</ReqId>", b"", "ReqId"),
        (b"<ReqId>7</ReqId>", b"<ReqId>-7</ReqId>", "ReqId"),
        (b"<ReqId>7</ReqId>", b"<ReqId>18446744073709551616</ReqId>", "ReqId"),
        (b"<ReqId>7</ReqId>", "<ReqId>٧</ReqId>".encode(), "ReqId"),
        (b"<ReqType>NFS_CREAT</ReqType>", b"<ReqType/>", "ReqType"),
        (b"2147484674", b"x", "VolMsid"),
        (b"<VolMsid>2147484674</VolMsid>", b"", "VolMsid"),
        (b"<FileSize>0<", b"<FileSize>many<", "FileSize"),
        (b"UNIX_NAME", b"WIN_16_NAME", "AccessPath"),
        (b"CommonInfo>", b"X>", "CommonInfo"),
        (b"AccessPath>", b"X>", "AccessPath"),
        (b"NotfInfo>", b"X>", "NotfInfo"),
        (b"FscreenReq>", b"X>", "FscreenReq"),
    ],
)
def test_what_an_event_cannot_do_without_is_named_when_it_is_missing(
    old: bytes, new: bytes, named: str
) -> None:
    with pytest.raises(UndecodableError, match=named):
        decode(notification(7).replace(old, new))


def test_a_notification_without_information_is_refused() -> None:
    body = b"<FscreenReq><ReqId>1</ReqId><ReqType>NFS_RD</ReqType><NotfInfo/></FscreenReq>"
    with pytest.raises(UndecodableError, match="NotfInfo"):
        decode_notification(body)


def test_a_header_has_a_type_and_a_length() -> None:
    header = decode_header(split(golden("nfs_create")[6:])[0])
    assert (header.type, header.content_bytes) == (MessageType.SCREEN_REQ, 854)


@pytest.mark.parametrize(
    ("raw", "known"),
    [
        ("VOL_NOTFICATION", MessageType.VOL_NOTFICATION),
        ("VOL_NOTIFICATION", MessageType.VOL_NOTFICATION),
        ("NOTI_REQ", MessageType.SCREEN_REQ),
        ("SOMETHING", None),
    ],
)
def test_types_have_aliases_and_unknown_ones_stay_unknown(raw: str, known: MessageType | None) -> None:
    header = decode_header(split(message(raw, b"")[6:])[0])
    assert (header.raw_type, header.type) == (raw, known)


def test_a_length_that_is_no_number_is_no_reason_to_refuse() -> None:
    assert decode_header(split(message("KEEP_ALIVE", b"", "lots")[6:])[0]).content_bytes is None


@pytest.mark.parametrize("data", [b"<Header/>", b"<Head/>", b"", b"<Header>" + b" " * 600 + b"</Header>"])
def test_a_header_that_says_nothing_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableError):
        decode_header(data)


def test_golden_alert_and_volume_notification_are_read() -> None:
    alert = codec.decode_alert(body_of(golden("alert")))
    assert (alert.severity, alert.text) == ("FATAL", "FPolicy Handshake failed.")
    change = codec.decode_volume_change(body_of(golden("volume_notification")))
    assert (change.volume_msid, change.action) == (MSID, "UNMOUNT")


@pytest.mark.parametrize("name", ["", "x" * 257])
def test_a_handshake_without_usable_names_is_refused(name: str) -> None:
    body = f"<Handshake><VsUUID>u</VsUUID><PolicyName>{name}</PolicyName><SessionId>s</SessionId></Handshake>"
    with pytest.raises(UndecodableError, match="PolicyName"):
        codec.decode_handshake(body.encode())
