"""Payloads to messages and back (docs/wire/messages.md). Pure; every value goes through the XML parser."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from fpolicy_server.wire.document import Document, Node, NotXmlError, escape, parse
from fpolicy_server.wire.messages import (
    ALIASES,
    Alert,
    Cancel,
    FileNotification,
    Handshake,
    Header,
    MessageType,
    Outage,
    Paths,
    StatusQuery,
    UserId,
    VolumeChange,
)

_SEPARATOR: Final = b"\n\n"
_DECLARATION: Final = '<?xml version="1.0"?>'
_MAX_HEADER_BYTES: Final = 512  # a header has about 126; the bound keeps the cache below 4 MiB
_MAX_NAME_CHARACTERS: Final = 256  # the longest that the schema allows in a handshake, for PolicyName
_MAX_NUMBER: Final = 2**64 - 1  # xs:unsignedLong, the widest number of the protocol
_DIGITS: Final = len(str(_MAX_NUMBER))

_Fields = dict[str, Node]


class UndecodableError(ValueError):
    """A payload in a sound frame that is not the message it says it is; the text names what is wrong."""


def split(payload: bytes) -> tuple[bytes, bytes]:
    """Cut a payload into header and body, without the NUL at its end.

    A keep-alive may have no body, and no separator either.
    """
    header, _, body = payload.partition(_SEPARATOR)
    return header, body.rstrip(b"\0")


def decode_header(data: bytes) -> Header:
    """Read the header document. Raises UndecodableError."""
    if len(data) > _MAX_HEADER_BYTES:
        raise UndecodableError(f"header has {len(data)} bytes; at most {_MAX_HEADER_BYTES} make sense")
    return _decode_header(data)


@lru_cache(maxsize=4096)  # headers differ only in type and length, so a node sends few different ones
def _decode_header(data: bytes) -> Header:
    document = _document(data, "Header")
    fields = document.root.fields
    raw_type = _text(document, fields, "NotfType")
    if not raw_type:
        raise UndecodableError("Header has no NotfType")
    length = _text(document, fields, "ContentLen")
    content_bytes = int(length) if length.isascii() and length.isdigit() and len(length) <= 20 else None
    known = MessageType.__members__.get(raw_type) or ALIASES.get(raw_type)
    return Header(raw_type=raw_type, type=known, content_bytes=content_bytes)


def decode_handshake(body: bytes) -> Handshake:
    """Read a NEGO_REQ body. Raises UndecodableError."""
    document = _document(body, "Handshake")
    fields = document.root.fields
    offered = fields.get("ProtVersion")
    versions = () if offered is None else tuple(document.text_of(child) for child in offered.children)
    return handshake_of(
        _text(document, fields, "VsUUID"),
        _text(document, fields, "PolicyName"),
        _text(document, fields, "SessionId"),
        versions,
    )


def handshake_of(svm_uuid: str, policy_name: str, session_id: str, versions: tuple[str, ...]) -> Handshake:
    """Make a handshake of what was read. Raises UndecodableError if a name is missing or too long."""
    for name, value in (("VsUUID", svm_uuid), ("PolicyName", policy_name), ("SessionId", session_id)):
        if not 1 <= len(value) <= _MAX_NAME_CHARACTERS:
            raise UndecodableError(
                f"{name} has {len(value)} characters; it must have 1 to {_MAX_NAME_CHARACTERS}"
            )
    return Handshake(svm_uuid, policy_name, session_id, versions)


def decode_notification(body: bytes) -> FileNotification:
    """Read a SCREEN_REQ body. Raises UndecodableError if a field that every event needs is missing.

    Those are ReqId, ReqType, NotfInfo with its common part, VolMsid, and at least one path. Elements that
    are not known are passed over; elements of a later version are read whenever they are there.
    """
    document = _document(body, "FscreenReq")
    top = document.root.fields
    information = top.get("NotfInfo")
    if information is None or not information.children:
        raise UndecodableError("FscreenReq has no NotfInfo")
    own = information.children[0].fields
    common = _required(own, "CommonInfo").fields
    shared = _required(common, "ProtCommonInfo").fields
    paths = _paths(document, _required(shared, "AccessPath"))
    if not any(paths):
        raise UndecodableError("AccessPath has no path")
    request_type = _text(document, top, "ReqType")
    if not request_type:
        raise UndecodableError("FscreenReq has no ReqType")
    target = own.get("TargetAccessPath")
    return FileNotification(
        request_id=_number(document, top, "ReqId"),
        request_type=request_type,
        client_ip=_text(document, shared, "ClientIp"),
        generation_time=_optional_number(document, shared, "GenerationTime"),
        user=_user(document, shared.get("UsrContext")),
        paths=paths,
        target_paths=None if target is None else _paths(document, target),
        volume_msid=_number(document, shared, "VolMsid"),
        file_size=_optional_number(document, shared, "FileSize"),
        file_type=_text(document, shared, "FileType"),
        protocol_version=_protocol_version(document, common.get("ProtVer")),
        offset=_first_number(document, own, "WrOffset", "RdOffset"),
        length=_first_number(document, own, "WrLength", "RdLength"),
        attribute_mask=_first_number(document, own, "SetAttrChangeAttr", "ChangeAttr"),
    )


def decode_alert(body: bytes) -> Alert:
    """Read an ALERT_MSG body. Raises UndecodableError."""
    document = _document(body, "Alert")
    fields = document.root.fields
    return Alert(severity=_text(document, fields, "Severity"), text=_text(document, fields, "AlertMsg"))


def decode_volume_change(body: bytes) -> VolumeChange:
    """Read a VOL_NOTFICATION body. Raises UndecodableError."""
    document = _document(body, "VolNotf")
    fields = document.root.fields
    return VolumeChange(
        volume_msid=_number(document, fields, "VolMsid"), action=_text(document, fields, "Action")
    )


def decode_request_id(body: bytes) -> tuple[int, str]:
    """Read only id and type of a SCREEN_REQ: what an answer needs. Raises UndecodableError."""
    document = _document(body, "FscreenReq")
    fields = document.root.fields
    return _number(document, fields, "ReqId"), _text(document, fields, "ReqType")


def decode_cancel(body: bytes) -> Cancel:
    """Read a SCREEN_CANCEL body. Raises UndecodableError."""
    document = _document(body, "FscreenCancel")
    fields = document.root.fields
    return Cancel(_number(document, fields, "ReqId"), _text(document, fields, "CancelReason"))


def decode_status_query(body: bytes) -> StatusQuery:
    """Read a STATUS_QUERY_REQ body. Raises UndecodableError."""
    document = _document(body, "FscreenQueryStatus")
    fields = document.root.fields
    return StatusQuery(_number(document, fields, "ReqId"), _text(document, fields, "ReqType"))


def decode_outage(body: bytes) -> Outage:
    """Read an OUTAGE_MSG body. Raises UndecodableError."""
    document = _document(body, "Outage")
    fields = document.root.fields
    return Outage(
        path=_text(document, fields, "FilePath"),
        policy_name=_text(document, fields, "PolicyName"),
        status=_text(document, fields, "Status"),
    )


def encode_answer(request_id: int, request_type: str, answer: int) -> bytes:
    """Write a SCREEN_RESP payload."""
    return _payload(
        MessageType.SCREEN_RESP,
        f"<FscreenResp><ReqId>{request_id}</ReqId><ReqType>{escape(request_type)}</ReqType>"
        f"<NotfResp>{answer}</NotfResp></FscreenResp>",
    )


def encode_status(query: StatusQuery, *, is_waiting: bool) -> bytes:
    """Write a STATUS_QUERY_RESP payload: 1 being worked on, 2 lost."""
    return _payload(
        MessageType.STATUS_QUERY_RESP,
        f"<FscreenStatusResp><ReqId>{query.request_id}</ReqId><ReqType>{escape(query.request_type)}</ReqType>"
        f"<Resp>{1 if is_waiting else 2}</Resp></FscreenStatusResp>",
    )


def encode_handshake_response(handshake: Handshake, version: str) -> bytes:
    """Write a NEGO_RESP payload: what the node sent, and the one version chosen, as text."""
    return _payload(
        MessageType.NEGO_RESP,
        f"<HandshakeResp><VsUUID>{escape(handshake.svm_uuid)}</VsUUID>"
        f"<PolicyName>{escape(handshake.policy_name)}</PolicyName>"
        f"<SessionId>{escape(handshake.session_id)}</SessionId>"
        f"<ProtVersion>{escape(version)}</ProtVersion></HandshakeResp>",
    )


def encode_back_pressure(session_id: str, *, apply: bool) -> bytes:
    """Write a BACK_PRESSURE_APPLY or BACK_PRESSURE_REM payload."""
    return _payload(
        MessageType.BACK_PRESSURE_APPLY if apply else MessageType.BACK_PRESSURE_REM,
        f"<BackPressure><SessionId>{escape(session_id)}</SessionId><Apply>{int(apply)}</Apply></BackPressure>",
    )


def _payload(kind: MessageType, root: str) -> bytes:
    """Put a body and its header into a payload: each one line, ContentLen exact, one NUL at the end."""
    body = f"{_DECLARATION}{root}".encode()
    header = (
        f"{_DECLARATION}<Header><NotfType>{kind.value}</NotfType>"
        f"<ContentLen>{len(body)}</ContentLen><DataFormat>XML</DataFormat></Header>"
    )
    return header.encode() + _SEPARATOR + body + b"\0"


def _document(data: bytes, root: str) -> Document:
    try:
        document = parse(data)
    except NotXmlError as exc:
        raise UndecodableError(f"{root} is not well-formed XML: {exc}") from exc
    if document.root.tag != root:
        raise UndecodableError(f"root element is {str(document.root.tag)[:40]!r}; it must be {root!r}")
    return document


# What follows is called ten times and more for each notification, so it calls little else.
def _required(fields: _Fields, name: str) -> Node:
    element = fields.get(name)
    if element is None:
        raise UndecodableError(f"{name} is missing")
    return element


def _text(document: Document, fields: _Fields, name: str) -> str:
    return document.text_of(fields[name]) if name in fields else ""


def _number(document: Document, fields: _Fields, name: str) -> int:
    _required(fields, name)
    number = _optional_number(document, fields, name)
    return as_number("", name) if number is None else number


def _optional_number(document: Document, fields: _Fields, name: str) -> int | None:
    if name not in fields:
        return None
    digits = document.bytes_of(fields[name])
    if digits.isdigit() and len(digits) < _DIGITS:
        return int(digits)  # as every node writes it
    text = document.text_of(fields[name])
    return as_number(text, name) if text else None


def as_number(text: str, name: str) -> int:
    """Read digits. Raises UndecodableError, which names the field."""
    if text.isdigit() and text.isascii() and len(text) <= _DIGITS and (number := int(text)) <= _MAX_NUMBER:
        return number
    raise UndecodableError(f"{name} is {text[:40]!r}; it must be a number from 0 to {_MAX_NUMBER}")


def _first_number(document: Document, fields: _Fields, *names: str) -> int | None:
    for name in names:
        if name in fields:
            return _optional_number(document, fields, name)
    return None


def _paths(document: Document, element: Node) -> Paths:
    """Read up to three paths by their type, never by position. An empty name is no path."""
    named: dict[str, bytes] = {}
    for path in element.children:
        fields = path.fields
        name = fields.get("PathName")
        if name is not None and (value := document.bytes_of(name)):
            named.setdefault(_text(document, fields, "PathNameType"), value)
    return Paths(named.get("UNIX_NAME"), named.get("WIN_NAME"), named.get("WIN_8_3_NAME"))


def _user(document: Document, element: Node | None) -> UserId:
    """Read whichever branch is there: UsrIdType does not say which (docs/wire/messages.md)."""
    if element is None:
        return UserId()
    fields = element.fields
    mapped = fields.get("MappedId")
    if mapped is not None:
        fields = mapped.fields
    uid = _optional_number(document, fields, "Uid")
    if uid is None:
        uid = _optional_number(document, fields, "UnixUid")
    return UserId(uid, _text(document, fields, "WinSid") or None)


def _protocol_version(document: Document, element: Node | None) -> tuple[int, int] | None:
    if element is None:
        return None
    fields = element.fields
    major = _optional_number(document, fields, "MajorNum")
    minor = _optional_number(document, fields, "MinorNum")
    return None if major is None else (major, minor or 0)
