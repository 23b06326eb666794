"""A node that speaks protobuf, by a map of field numbers that somebody made up.

ONTAP's schema is not public (FPolicy wire reference, section 9), so this is no reading of a document as
`wire` is: it only lets a server be tried that is given the same map. The map's format is that of the server's
documentation (docs/wire/protobuf.md); the encoding is the public one of Protocol Buffers. Pure.

A map that tells a reader where to look does not say everything that a writer must know: of several paths
the first is written, and a path with a star cannot be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.ontap_sim.model import FileType, Operation, SimError
from lab.ontap_sim.requests import ATTRIBUTES
from lab.ontap_sim.wire import Message, WireError

FRAMINGS = ("LENGTH_PREFIXED", "FRAMELESS")  # four bytes of length, or a varint
_PREFIX_BYTES = 4
_MAX_PAYLOAD_BYTES = 1 << 20  # as in `wire`
_STEP = re.compile(r"(\d+)(?:\[(\d+)=([^\]]*)\])?")

Value = int | str | bytes


class ProtobufWire:
    """The dialect of one map and one framing."""

    def __init__(self, field_map: Mapping[str, Any], framing: str) -> None:
        if framing not in FRAMINGS:
            raise SimError(f"protobuf framing is {framing!r}; allowed: {', '.join(FRAMINGS)}")
        self._framing = framing
        self._tables = field_map.get("words", {})
        self._messages = {rule["type"]: rule for rule in reversed(field_map["messages"])}  # the first counts
        self._replies = field_map["replies"]

    def handshake(self, svm_uuid: str, policy: str, session_id: str, versions: tuple[str, ...]) -> bytes:
        """Build NEGO_REQ."""
        names = {"VsUUID": svm_uuid, "PolicyName": policy, "SessionId": session_id}
        return self._build("NEGO_REQ", [*names.items(), *(("Vers", version) for version in versions)])

    def keep_alive(self) -> bytes:
        """Build KEEP_ALIVE."""
        return self._build("KEEP_ALIVE", [])

    def alert(self, session_id: str, text: str) -> bytes:
        """Build a fatal ALERT_MSG."""
        values = [("SessionId", session_id), ("Severity", "FATAL"), ("AlertMsg", text)]
        return self._build("ALERT_MSG", values)

    def cancel(self, request_id: int, code: str) -> bytes:
        """Build SCREEN_CANCEL."""
        values = [("ReqId", request_id), ("ReqType", code), ("CancelReason", "Cancel Timedout")]
        return self._build("SCREEN_CANCEL", values)

    def status_query(self, request_id: int, code: str) -> bytes:
        """Build STATUS_QUERY_REQ."""
        return self._build("STATUS_QUERY_REQ", [("ReqId", request_id), ("ReqType", code)])

    def screen(
        self,
        operation: Operation,
        request_id: int,
        *,
        time_us: int | None,
        version: str,
        namespace_paths: bool,
    ) -> bytes:
        """Build SCREEN_REQ with what the XML message says of the same operation, as far as the map has it."""
        is_smb = operation.protocol.name == "SMB"
        size = 4096 if operation.file_type is FileType.DIR else operation.size_before
        values: list[tuple[str, Value | None]] = [
            ("ReqId", request_id),
            ("ReqType", operation.code),
            ("ClientIp", operation.client.ip),
            ("GenerationTime", time_us),
            ("UnixUid", 0 if is_smb else operation.client.uid),
            ("WinSid", operation.client.sid if is_smb else None),
            *self._paths("AccessPath", operation, operation.path, namespace_paths),
            ("VolMsid", operation.volume.msid),
            ("FileSize", size),
            ("FileType", str(operation.file_type)),
            ("MajorNum", operation.protocol.major),
            ("MinorNum", operation.protocol.minor),
        ]
        if operation.target is not None:
            values += self._paths("TargetAccessPath", operation, operation.target, namespace_paths)
        if operation.code.endswith(("_RD", "_WR")):
            values += [("Offset", operation.offset), ("Length", operation.length)]
        if operation.code == "SMB_CLOSE" and version not in ("1.0", "1.1"):
            values.append(("WrBytes", operation.length or 0))
        if operation.code.endswith("_SET_ATTR"):
            values.append(("ChangeAttr", ATTRIBUTES[operation.attribute]))
        return self._build("SCREEN_REQ", [(name, value) for name, value in values if value is not None])

    def reader(self) -> ProtobufReader:
        """Make what cuts the server's stream."""
        return ProtobufReader(self._framing)

    def parse(self, payload: bytes) -> Message:
        """Read one message of the server by the map's replies. Raises WireError."""
        fields = _decode(payload)
        for kind, reply in self._replies.items():
            constants = reply.get("constants", {})
            if all(_at(fields, path) == str(value) for path, value in constants.items()):
                read = {}
                for name, place in reply.get("fields", {}).items():
                    source = self._source(place)
                    text = _at(fields, source["path"])
                    read[name] = source["words"].get(text, text)
                return Message(kind, read)
        raise WireError(f"no reply of the map fits {payload[:20].hex()}")

    def _paths(
        self, name: str, operation: Operation, path: str, namespace_paths: bool
    ) -> list[tuple[str, Value | None]]:
        full = operation.volume.namespace_path(path) if namespace_paths else path
        raw = full.encode("utf-8", "surrogateescape")
        return [(f"{name}.WIN_NAME", raw.replace(b"/", b"\\")), (f"{name}.UNIX_NAME", raw)]

    def _build(self, kind: str, values: list[tuple[str, Any]]) -> bytes:
        """Write a message; values that the map has no place for are left out."""
        rule = self._messages[kind]
        message = _Builder()
        for condition in rule.get("when", []):
            path, equals, value = condition.rpartition("=")
            if equals and value != "0":
                message.put(_steps(path), _number_or_text(value))
        for name, value in values:
            if name not in rule.get("fields", {}):
                continue
            source = self._source(rule["fields"][name])
            steps = _steps(source["path"])
            if str(value) == str(source.get("default")):
                message.hold(steps)  # zeros stay unwritten, as encoders of version 3 do it
                continue
            numbers = {word: number for number, word in source["words"].items()}
            message.put(steps, _number_or_text(numbers[value]) if value in numbers else value)
        payload = message.encode()
        if self._framing == "LENGTH_PREFIXED":
            return len(payload).to_bytes(_PREFIX_BYTES, "big") + payload
        return _varint(len(payload)) + payload

    def _source(self, place: Any) -> dict[str, Any]:
        source = {"path": place} if isinstance(place, str) else dict(place)
        if isinstance(source["path"], list):
            source["path"] = source["path"][0]
        words = source.get("words", {})
        source["words"] = self._tables[words] if isinstance(words, str) else words
        return source


class ProtobufReader:
    """Cut the server's byte stream into messages."""

    def __init__(self, framing: str) -> None:
        self._is_prefixed = framing == "LENGTH_PREFIXED"
        self._buffer = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Add received bytes and return the messages that are complete now. Raises WireError."""
        self._buffer += data
        messages = []
        while (measured := self._measure()) is not None:
            begin, length = measured
            if not 0 < length <= _MAX_PAYLOAD_BYTES:
                raise WireError(f"message length is {length}; expected 1 to {_MAX_PAYLOAD_BYTES}")
            if len(self._buffer) < begin + length:
                break
            messages.append(self._buffer[begin : begin + length])
            self._buffer = self._buffer[begin + length :]
        return messages

    def _measure(self) -> tuple[int, int] | None:
        if self._is_prefixed:
            prefix = self._buffer[:_PREFIX_BYTES]
            return (_PREFIX_BYTES, int.from_bytes(prefix, "big")) if len(prefix) == _PREFIX_BYTES else None
        for size in range(1, min(len(self._buffer), 10) + 1):
            if self._buffer[size - 1] < 0x80:
                return size, _unpack(self._buffer[:size])
        if len(self._buffer) >= 10:
            raise WireError("message length has no end")
        return None


class _Builder:
    """One message being written, its fields in the order in which they came."""

    def __init__(self) -> None:
        self._fields: list[tuple[int, Value | _Builder]] = []
        self._inner: dict[int, _Builder] = {}

    def put(self, steps: list[tuple[int, int, str]], value: Value) -> None:
        """Write a value where the steps lead."""
        number = steps[0][0]
        if len(steps) == 1:
            self._fields.append((number, value))
        else:
            self._below(steps[0]).put(steps[1:], value)

    def hold(self, steps: list[tuple[int, int, str]]) -> None:
        """Make the message that would hold a value, without it."""
        if len(steps) > 1:
            self._below(steps[0]).hold(steps[1:])

    def _below(self, step: tuple[int, int, str]) -> _Builder:
        number, asked, value = step
        if asked:  # one message for each value, marked by what a reader asks for
            marked = _Builder()
            if value != "0":
                marked._fields.append((asked, _number_or_text(value)))
            self._fields.append((number, marked))
            return marked
        if number not in self._inner:
            self._inner[number] = _Builder()
            self._fields.append((number, self._inner[number]))
        return self._inner[number]

    def encode(self) -> bytes:
        """Give the bytes."""
        written = b""
        for number, value in self._fields:
            if isinstance(value, int):
                written += _varint(number * 8) + _varint(value)
                continue
            if isinstance(value, _Builder):
                raw = value.encode()
            else:
                raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
            written += _varint(number * 8 + 2) + _varint(len(raw)) + raw
        return written


def _steps(path: str) -> list[tuple[int, int, str]]:
    """Take a path apart: field number, number and value of the field that is asked of the message there."""
    steps = []
    for part in path.split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            raise SimError(f"path {path!r} cannot be written: {part!r} is no field number")
        steps.append((int(match[1]), int(match[2] or 0), match[3] or ""))
    return steps


def _number_or_text(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _decode(data: bytes) -> list[tuple[int, int | bytes]]:
    """Take one level of a message apart. Raises WireError."""
    fields: list[tuple[int, int | bytes]] = []
    while data:
        tag, data = _take_varint(data)
        if tag % 8 == 0:
            value, data = _take_varint(data)
            fields.append((tag // 8, value))
        elif tag % 8 == 2:
            length, data = _take_varint(data)
            if length > len(data):
                raise WireError(f"field {tag // 8} has {length} bytes; {len(data)} are left")
            fields.append((tag // 8, data[:length]))
            data = data[length:]
        else:
            raise WireError(f"field {tag // 8} has wire type {tag % 8}; expected 0 or 2")
    return fields


def _at(fields: list[tuple[int, int | bytes]], path: str) -> str:
    """Give the value at a path as text; empty when it is not there."""
    number, _, rest = path.partition(".")
    found = [value for known, value in fields if known == int(number)]
    if not found:
        return ""
    last = found[-1]
    if rest:
        return _at(_decode(last), rest) if isinstance(last, bytes) else ""
    return str(last) if isinstance(last, int) else last.decode("utf-8", "surrogateescape")


def _take_varint(data: bytes) -> tuple[int, bytes]:
    for size in range(1, min(len(data), 10) + 1):
        if data[size - 1] < 0x80:
            return _unpack(data[:size]), data[size:]
    raise WireError("a number has no end")


def _unpack(groups: bytes) -> int:
    number = 0
    for byte in reversed(groups):
        number = number * 128 + byte % 128
    return number


def _varint(number: int) -> bytes:
    groups = [number % 128]
    while number := number // 128:
        groups.append(number % 128)
    return bytes([*(group + 128 for group in groups[:-1]), groups[-1]])
