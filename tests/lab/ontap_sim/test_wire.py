"""The storage node's reading of the wire against the reference's frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.ontap_sim import wire
from lab.ontap_sim.model import Client, FileType, Operation, Protocol, Svm, Volume

FRAMES = Path(__file__).resolve().parents[2] / "data" / "wire" / "node"
SVM = Svm("svm1", "5d1f0c1e-4b7a-11ee-9b2a-0242ac120001", "FS1")
VOLUME = Volume(SVM, "vol1", "u", 2147484674, "/vol1", Path("unused"), "share1", 1 << 40)
SESSION = "a3c2b1d0-4b7a-11ee-9b2a-0242ac120002"
NFS = Operation(
    code="NFS_CREAT",
    time_us=1763900000123456,
    volume=VOLUME,
    protocol=Protocol("NFS", 3, 0),
    client=Client("192.0.2.10"),
    path="/test.txt",
)
SMB = replace(NFS, code="SMB_CREAT", protocol=Protocol("SMB", 3, 1), client=Client("192.0.2.20"))
EXAMPLES = {
    "12.2-nfs-create": (101, NFS),
    "12.3-nfs-write": (
        102,
        replace(NFS, code="NFS_WR", time_us=1763900000124356, offset=0, length=4096),
    ),
    "12.4-nfs-rename": (
        103,
        replace(NFS, code="NFS_REN", time_us=1763900000125256, target="/final.txt", size_before=4096),
    ),
    "12.5-smb-create": (104, replace(SMB, time_us=1763900000126156)),
    "12.6-smb-delete-with-displaypath": (
        105,
        replace(SMB, code="SMB_DEL", path="/a&b.txt", time_us=1763900000127056, size_before=5),
    ),
}


def screen(request_id: int, operation: Operation, version: str = "1.2", *, namespace: bool = False) -> bytes:
    time_us = operation.time_us if version == "1.2" else None
    return wire.screen(operation, request_id, time_us=time_us, version=version, namespace_paths=namespace)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_notification_is_the_references_example_byte_for_byte(name: str) -> None:
    assert screen(*EXAMPLES[name]) == (FRAMES / f"{name}.frame").read_bytes()


def test_the_handshake_is_the_references_example_byte_for_byte() -> None:
    made = wire.handshake(SVM.uuid, "pol0", SESSION, ("1.0", "1.1", "1.2"))
    assert made == (FRAMES / "12.1-handshake-request.frame").read_bytes()


def test_keep_alive_and_alert_are_the_references_examples_byte_for_byte() -> None:
    assert wire.keep_alive() == (FRAMES / "12.9-keep-alive.frame").read_bytes()
    alert = wire.alert(SESSION, "FPolicy Handshake failed.")
    assert alert == (FRAMES / "12.13-alert.frame").read_bytes()


def test_the_servers_messages_are_read_as_the_reference_writes_them() -> None:
    names = ("12.1-handshake-response", "12.11-apply-back-pressure", "12.11-remove-back-pressure")
    stream = b"".join((FRAMES / f"{name}.frame").read_bytes() for name in names)
    answer, apply, remove = (wire.parse(payload) for payload in wire.FrameReader().feed(stream))
    assert (answer.kind, answer.fields["ProtVersion"]) == ("NEGO_RESP", "1.2")
    assert (apply.kind, apply.fields) == ("BACK_PRESSURE_APPLY", {"SessionId": SESSION, "Apply": "1"})
    assert (remove.kind, remove.fields["Apply"]) == ("BACK_PRESSURE_REM", "0")


@given(data=st.data())
def test_how_the_stream_is_cut_never_changes_the_messages(data: st.DataObject) -> None:
    stream = b"".join(path.read_bytes() for path in sorted(FRAMES.glob("*.frame")))
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    reader = wire.FrameReader()
    cut = [reader.feed(stream[a:b]) for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    assert [payload for part in cut for payload in part] == wire.FrameReader().feed(stream)


@given(st.binary(max_size=200))
def test_any_bytes_give_messages_or_a_wire_error(stream: bytes) -> None:
    try:
        for payload in wire.FrameReader().feed(stream):
            wire.parse(payload)
    except wire.WireError:
        pass  # the one exception that the connection handles


def test_a_document_type_is_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>\n\n'
    with pytest.raises(wire.WireError, match="document type"):
        wire.parse(bomb)


@pytest.mark.parametrize("code", wire.ELEMENTS)
def test_every_request_type_has_a_wellformed_body_with_its_own_element(code: str) -> None:
    operation = replace(
        SMB if code.startswith("SMB") else NFS,
        code=code,
        path="/dir/a<b>&'\".txt",
        target="/new" if "_REN" in code else None,
        file_type=FileType.DIR if code.endswith("_DIR") else FileType.FILE,
        offset=0,
        length=1,
    )
    (payload,) = wire.FrameReader().feed(screen(7, operation))
    read = wire.parse(payload)
    assert (read.kind, read.fields["ReqType"], read.fields["ReqId"]) == ("SCREEN_REQ", code, "7")
    assert f"<{wire.ELEMENTS[code]}>".encode() in payload


def test_elements_of_version_1_2_are_absent_before_it() -> None:
    close = replace(SMB, code="SMB_CLOSE", length=9)
    assert b"GenerationTime" in screen(1, close)
    assert b"<WrBytes>9</WrBytes>" in screen(1, close)
    for version in ("1.0", "1.1"):
        assert b"GenerationTime" not in screen(1, close, version)
        assert b"WrBytes" not in screen(1, close, version)


def test_namespace_paths_begin_with_the_junction_path() -> None:
    payload = screen(1, NFS, namespace=True)
    assert b"<PathName>/vol1/test.txt</PathName>" in payload
    assert rb"<PathName>\vol1\test.txt</PathName>" in payload


def test_a_name_that_is_no_utf8_travels_as_its_bytes() -> None:
    name = b"/caf\xe9.txt"
    assert name in screen(1, replace(NFS, path=name.decode("utf-8", "surrogateescape")))
