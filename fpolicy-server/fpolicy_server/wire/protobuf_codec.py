"""Protobuf payloads to messages and back, by a field map. Pure.

Made as `codec.py` is for XML, so that a connection does not care which of the two it has. What the map does
not say is not guessed: a message that no rule fits cannot be read, and is kept with its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from fpolicy_server.wire import protobuf
from fpolicy_server.wire.codec import UndecodableError, as_number, handshake_of
from fpolicy_server.wire.field_map import FieldMap, Rule, Source
from fpolicy_server.wire.field_paths import Leaf, Node
from fpolicy_server.wire.messages import (
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
from fpolicy_server.wire.protobuf import ProtobufError


class ProtobufCodec:
    """Reads and writes the messages of one connection."""

    def __init__(self, field_map: FieldMap) -> None:
        self._map = field_map
        self._is_first = True
        self._opened: _Opened | None = None

    def split(self, payload: bytes) -> tuple[bytes, bytes]:
        """Give the payload as header and as body: one message is both."""
        return payload, payload

    def decode_header(self, data: bytes) -> Header:
        """Find the rule that fits. Raises UndecodableError."""
        node, is_first, self._is_first = Node(data), self._is_first, False
        try:
            node.check()
        except ProtobufError as exc:
            raise UndecodableError(f"no protobuf: {exc}") from exc
        rule = next((rule for rule in self._map.rules if _fits(rule, node, is_first)), None)
        if rule is None:
            raise UndecodableError("no rule of the protobuf field map fits")
        self._opened = _Opened(data, node, rule)
        # There is no length of the body on the wire; the frame's is right by definition.
        return Header(rule.type.value, rule.type, content_bytes=len(data.rstrip(b"\0")))

    def decode_handshake(self, body: bytes) -> Handshake:
        """Read a NEGO_REQ. Raises UndecodableError."""
        found = self._open(body)
        return handshake_of(
            found.text("VsUUID"), found.text("PolicyName"), found.text("SessionId"), found.texts("Vers")
        )

    def decode_notification(self, body: bytes) -> FileNotification:
        """Read a SCREEN_REQ. Raises UndecodableError if a field that every event needs is missing."""
        found = self._open(body)
        paths, target = found.paths("AccessPath"), found.paths("TargetAccessPath")
        if paths == Paths():
            raise UndecodableError("AccessPath has no path")
        request_type = found.text("ReqType")
        if not request_type:
            raise UndecodableError("SCREEN_REQ has no ReqType")
        major = found.optional_number("MajorNum")
        return FileNotification(
            request_id=found.number("ReqId"),
            request_type=request_type,
            client_ip=found.text("ClientIp"),
            generation_time=found.optional_number("GenerationTime"),
            user=UserId(found.optional_number("UnixUid"), found.text("WinSid") or None),
            paths=paths,
            target_paths=None if target == Paths() else target,
            volume_msid=found.number("VolMsid"),
            file_size=found.optional_number("FileSize"),
            file_type=found.text("FileType"),
            protocol_version=None if major is None else (major, found.optional_number("MinorNum") or 0),
            offset=found.optional_number("Offset"),
            length=found.optional_number("Length"),
            attribute_mask=found.optional_number("ChangeAttr"),
        )

    def decode_request_id(self, body: bytes) -> tuple[int, str]:
        """Read only id and type of a SCREEN_REQ: what an answer needs. Raises UndecodableError."""
        found = self._open(body)
        return found.number("ReqId"), found.text("ReqType")

    def decode_cancel(self, body: bytes) -> Cancel:
        """Read a SCREEN_CANCEL. Raises UndecodableError."""
        found = self._open(body)
        return Cancel(found.number("ReqId"), found.text("CancelReason"))

    def decode_status_query(self, body: bytes) -> StatusQuery:
        """Read a STATUS_QUERY_REQ. Raises UndecodableError."""
        found = self._open(body)
        return StatusQuery(found.number("ReqId"), found.text("ReqType"))

    def decode_alert(self, body: bytes) -> Alert:
        """Read an ALERT_MSG."""
        found = self._open(body)
        return Alert(found.text("Severity"), found.text("AlertMsg"))

    def decode_volume_change(self, body: bytes) -> VolumeChange:
        """Read a VOL_NOTFICATION. Raises UndecodableError."""
        found = self._open(body)
        return VolumeChange(found.number("VolMsid"), found.text("Action"))

    def decode_outage(self, body: bytes) -> Outage:
        """Read an OUTAGE_MSG."""
        found = self._open(body)
        return Outage(found.text("FilePath"), found.text("PolicyName"), found.text("Status"))

    def encode_handshake_response(self, handshake: Handshake, version: str) -> bytes:
        """Write a NEGO_RESP."""
        return self._write(
            MessageType.NEGO_RESP,
            VsUUID=handshake.svm_uuid,
            PolicyName=handshake.policy_name,
            SessionId=handshake.session_id,
            ProtVersion=version,
        )

    def encode_answer(self, request_id: int, request_type: str, answer: int) -> bytes:
        """Write a SCREEN_RESP."""
        return self._write(MessageType.SCREEN_RESP, ReqId=request_id, ReqType=request_type, NotfResp=answer)

    def encode_status(self, query: StatusQuery, *, is_waiting: bool) -> bytes:
        """Write a STATUS_QUERY_RESP: 1 being worked on, 2 lost. Empty when the map has none."""
        return self._write(
            MessageType.STATUS_QUERY_RESP,
            ReqId=query.request_id,
            ReqType=query.request_type,
            Resp=1 if is_waiting else 2,
        )

    def encode_back_pressure(self, session_id: str, *, apply: bool) -> bytes:
        """Write a BACK_PRESSURE_APPLY or BACK_PRESSURE_REM. Empty when the map has none."""
        kind = MessageType.BACK_PRESSURE_APPLY if apply else MessageType.BACK_PRESSURE_REM
        return self._write(kind, SessionId=session_id, Apply=int(apply))

    def _open(self, body: bytes) -> _Opened:
        assert self._opened is not None and self._opened.data is body
        return self._opened

    def _write(self, kind: MessageType, **values: str | int) -> bytes:
        reply = self._map.replies.get(kind)
        if reply is None:
            return b""
        fields: dict[int, protobuf.Value] = {}
        for path, constant in reply.constants.items():
            _put(fields, path, constant)
        for name, target in reply.fields.items():
            _put(fields, target.path, _wire_value(values[name], target.numbers))
        return protobuf.encode(fields)


class _Opened:
    """A message and the rule that reads it."""

    def __init__(self, data: bytes, node: Node, rule: Rule) -> None:
        self.data = data
        self._node = node
        self._fields = rule.fields

    def text(self, name: str) -> str:
        """Give one value as text without padding, "" when it is not there."""
        return (self.texts(name) or ("",))[-1]

    def texts(self, name: str) -> tuple[str, ...]:
        """Give every value of a field."""
        source = self._fields.get(name)
        if source is None:
            return ()
        found = [source.words.get(leaf.text, leaf.text).strip() for leaf in self._leaves(source)]
        return tuple(found or self._defaults(source))

    def number(self, name: str) -> int:
        """Give one number. Raises UndecodableError when it is none or not there."""
        number = self.optional_number(name)
        if number is None:
            raise UndecodableError(f"{name} is missing")
        return number

    def optional_number(self, name: str) -> int | None:
        """Give one number, None when it is not there. Raises UndecodableError when it is none."""
        text = self.text(name)
        return as_number(text, name) if text else None

    def paths(self, name: str) -> Paths:
        """Give the up to three names of one object, as bytes. An empty name is no path."""
        return Paths(
            unix=self._bytes(f"{name}.UNIX_NAME"),
            windows=self._bytes(f"{name}.WIN_NAME"),
            windows_short=self._bytes(f"{name}.WIN_8_3_NAME"),
        )

    def _bytes(self, name: str) -> bytes | None:
        source = self._fields.get(name)
        found = self._leaves(source) if source else []
        return found[-1].entry.raw or None if found and found[-1].entry.number_value is None else None

    def _leaves(self, source: Source) -> list[Leaf]:
        """Give the values at the first path that leads anywhere. Of several the last one counts."""
        return next((found for path in source.paths if (found := self._node.at(path))), [])

    def _defaults(self, source: Source) -> list[str]:
        is_meant = source.default is not None and any(map(self._node.holds, source.paths))
        return [str(source.default)] if is_meant else []


def _fits(rule: Rule, node: Node, is_first: bool) -> bool:
    if rule.is_first and not is_first:
        return False
    return all(
        any(condition.value in (None, leaf.text) for leaf in found) or _is_zero(condition.value, found)
        for condition in rule.conditions
        for found in (node.at(condition.path),)
    )


def _is_zero(value: str | None, found: list[Leaf]) -> bool:
    return value == "0" and not found  # zeros are left out on the wire (field_paths.py)


def _wire_value(value: str | int, numbers: Mapping[str, int]) -> str | int:
    """Give what stands for a value. A code that came as a number without a word goes out as that number."""
    text = str(value)
    if text in numbers:
        return numbers[text]
    return int(text) if numbers and text.isascii() and text.isdigit() else value


def _put(fields: dict[int, protobuf.Value], path: tuple[int, ...], value: str | int) -> None:
    for number in path[:-1]:
        below = fields.setdefault(number, {})
        assert isinstance(below, dict)
        fields = below
    fields[path[-1]] = value.encode("utf-8", "replace") if isinstance(value, str) else value
