"""A node's protobuf by an invented map: the server, with the same map, reads what it reads from XML."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fpolicy_server.wire import (
    AlertReceived,
    Connection,
    Event,
    FileNotification,
    FramingMode,
    HandshakeReceived,
    IgnoreReason,
    MessageIgnored,
    NotificationReceived,
    Outcome,
    RequestCancelled,
    StatusQueried,
    field_map_from_json,
)
from fpolicy_server.wire.protobuf import parse
from hypothesis import given
from hypothesis import strategies as st

from lab.ontap_sim import wire
from lab.ontap_sim.dialect import Dialect
from lab.ontap_sim.model import FileType, Operation, SimError
from lab.ontap_sim.protobuf_wire import FRAMINGS, ProtobufReader, ProtobufWire
from tests.lab.ontap_sim.test_wire import NFS, SESSION, SMB, SVM

MAP_FILE = Path(__file__).resolve().parents[2] / "data" / "wire" / "protobuf" / "invented_field_map.json"
MAP: dict[str, Any] = json.loads(MAP_FILE.read_text())
PROTOBUF = {framing: ProtobufWire(MAP, framing) for framing in FRAMINGS}
DIALECTS: dict[str, Dialect] = {"xml": wire, **PROTOBUF}


def server(dialect: Dialect) -> Connection:
    """The server's side, after the handshake of a node that speaks so."""
    made = Connection(
        max_frame_bytes=1 << 20, handshake_timeout_seconds=5, read_timeout_seconds=300,
        answer_deadline_seconds=5.0, framing_mode=FramingMode.AUTO_DETECT,
        field_map=field_map_from_json(MAP_FILE.read_text()),
    )  # fmt: skip
    made.receive_data(dialect.handshake(SVM.uuid, "pol0", SESSION, ("1.0", "1.2")))
    event = made.next_event()
    assert isinstance(event, HandshakeReceived)
    assert event.handshake.svm_uuid == SVM.uuid
    made.accept()
    return made


def told(dialect: Dialect, *messages: bytes) -> list[Event]:
    made = server(dialect)
    made.receive_data(b"".join(messages))
    return list(iter(made.next_event, None))


def read(dialect: Dialect, operation: Operation, **options: Any) -> FileNotification:
    options = {"time_us": operation.time_us, "version": "1.2", "namespace_paths": False} | options
    (event,) = told(dialect, dialect.screen(operation, 7, **options))
    assert isinstance(event, NotificationReceived)
    return event.notification


names = st.text(st.characters(exclude_characters="/\0\r"), min_size=1, max_size=20)


@pytest.mark.parametrize("framing", FRAMINGS)
@given(code=st.sampled_from(sorted(wire.ELEMENTS)), name=names, namespace=st.booleans(), is_old=st.booleans())
def test_an_operation_is_the_same_in_xml_and_protobuf(
    framing: str, code: str, name: str, namespace: bool, is_old: bool
) -> None:
    operation = replace(
        NFS if code.startswith("NFS") else SMB,
        code=code,
        path=f"/dir/{name}",
        target=f"/dir/{name}.new" if code.endswith(("_REN", "_REN_DIR", "_LNK")) else None,
        file_type=FileType.DIR if code.endswith("_DIR") else FileType.FILE,
        offset=0 if code.endswith(("_RD", "_WR")) else None,
        length=4096 if code.endswith(("_RD", "_WR")) else None,
    )
    options: dict[str, Any] = {"namespace_paths": namespace}
    if is_old:
        options |= {"time_us": None, "version": "1.0"}
    assert read(PROTOBUF[framing], operation, **options) == read(wire, operation, **options)


def test_a_zero_with_a_default_is_left_out_and_the_message_that_would_hold_it_is_not() -> None:
    write = replace(NFS, code="NFS_WR", offset=0, length=4096)
    frame = PROTOBUF["LENGTH_PREFIXED"].screen(write, 7, time_us=1, version="1.2", namespace_paths=False)
    body = next(field.value for field in parse(frame[4:]) if field.number == 72)
    assert isinstance(body, tuple)
    span = next(field for field in body if field.number == 26)
    assert [field.number for field in parse(span.raw)] == [62]
    assert 36 not in {field.number for field in parse(next(f.raw for f in body if f.number == 23))}


def test_a_name_that_is_no_utf8_goes_out_as_the_bytes_it_is() -> None:
    paths = read(PROTOBUF["FRAMELESS"], replace(NFS, path="/\udcff")).paths
    assert (paths.unix, paths.windows) == (b"/\xff", b"\\\xff")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_other_message_says_the_same_in_each_dialect(dialect: str) -> None:
    speaks = DIALECTS[dialect]
    assert told(speaks, speaks.keep_alive(), speaks.alert(SESSION, "late"), speaks.cancel(7, "NFS_WR")) == [
        MessageIgnored("KEEP_ALIVE", IgnoreReason.KEEP_ALIVE),
        AlertReceived("FATAL", "late"),
        RequestCancelled(7, "Cancel Timedout", False),
    ]
    assert told(speaks, speaks.status_query(7, "NFS_WR")) == [StatusQueried(7, False)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_servers_answers_are_read_however_they_are_cut(dialect: str) -> None:
    speaks, made = DIALECTS[dialect], server(DIALECTS[dialect])
    options: dict[str, Any] = {"time_us": 1, "version": "1.2", "namespace_paths": False}
    made.receive_data(speaks.screen(NFS, 7, **options) + speaks.status_query(8, "NFS_CREAT"))
    event = made.next_event()
    assert isinstance(event, NotificationReceived)
    assert made.next_event() == StatusQueried(8, False)
    made.resolve(event.token, Outcome.DELIVERED)
    made.apply_back_pressure()
    made.remove_back_pressure()
    stream, reader = made.data_to_send(), speaks.reader()
    payloads = [payload for byte in stream for payload in reader.feed(bytes([byte]))]
    assert payloads == speaks.reader().feed(stream)
    read_back = {message.kind: message.fields for message in map(speaks.parse, payloads)}
    assert read_back["NEGO_RESP"]["ProtVersion"] == "1.2"
    assert read_back["NEGO_RESP"]["PolicyName"] == "pol0"
    assert read_back["SCREEN_RESP"] == {"ReqId": "7", "ReqType": "NFS_CREAT", "NotfResp": "1"}
    assert read_back["STATUS_QUERY_RESP"]["Resp"] == "2"
    assert read_back["BACK_PRESSURE_APPLY"]["SessionId"] == SESSION
    assert read_back.keys() >= {"BACK_PRESSURE_REM"}


@pytest.mark.parametrize("framing", FRAMINGS)
@given(stream=st.binary(max_size=300))
def test_any_bytes_of_a_server_are_messages_or_a_wire_error(framing: str, stream: bytes) -> None:
    try:
        for payload in PROTOBUF[framing].reader().feed(stream):
            PROTOBUF[framing].parse(payload)
    except wire.WireError:
        pass


def test_a_length_that_no_node_would_take_is_refused() -> None:
    with pytest.raises(wire.WireError, match="message length is 2097152"):
        ProtobufReader("LENGTH_PREFIXED").feed((1 << 21).to_bytes(4, "big"))


def test_what_cannot_be_written_is_refused_with_its_path() -> None:
    with pytest.raises(SimError, match="allowed: LENGTH_PREFIXED, FRAMELESS"):
        ProtobufWire(MAP, "QUOTED")
    starred = {**MAP, "messages": [{"type": "KEEP_ALIVE", "when": ["1.*=1"]}]}
    with pytest.raises(SimError, match="cannot be written"):
        ProtobufWire(starred, "FRAMELESS").keep_alive()
