"""Read protobuf messages without a schema: field numbers, wire types and values, as a tree. And write them.

Source: the public Protocol Buffers encoding guide (wire types 0, 1, 2 and 5; groups, types 3 and 4, are
obsolete and refused). What a length-delimited field holds is not on the wire: printable text, a message or
bytes. They are tried in this order, so a reading is a guess and called one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Union

MAX_DEPTH: Final = 16  # FPolicy's XML nests 6 deep
MAX_FIELDS: Final = 100_000  # of one tree: a message of 1 MiB could have half a million empty fields
LAST_FIELD_NUMBER: Final = (1 << 29) - 1
_MAX_VARINT_BYTES: Final = 10  # 64 bits
_NUMBER_KINDS: Final = {0: "varint", 1: "fixed64", 5: "fixed32"}

Value = Union[int, bytes, "Mapping[int, Value]"]  # what `encode` writes


class ProtobufError(Exception):
    """These bytes are no protobuf message; `offset` says where reading failed."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"at byte {offset}: {message}")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `value` is an integer (varint, fixed32, fixed64), text, bytes, or a message's fields."""

    number: int
    kind: str  # varint, fixed32, fixed64, message, text, bytes
    offset: int  # of the tag, from the start of the outermost message
    raw: bytes  # of the value, without tag and length
    value: int | str | bytes | tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of one level, as far as the wire tells it. `number_value` is None for what has a length."""

    number: int
    wire_type: int
    offset: int  # of the tag, from the start of the outermost message
    at: int  # of the value, from there too
    raw: bytes  # of the value, without tag and length
    number_value: int | None


def entries(data: bytes, base: int = 0) -> Iterator[Entry]:
    """Take one level of a message apart; `base` is where it begins in the outermost. Raises ProtobufError."""
    place = 0
    while place < len(data):
        start = place
        tag, place = _varint(data, start, base)
        number, wire_type = tag >> 3, tag & 7
        if not 1 <= number <= LAST_FIELD_NUMBER:
            raise ProtobufError(f"field number {number}", base + start)
        value = None
        match wire_type:
            case 0:
                value, end = _varint(data, place, base)
                raw = data[place:end]
            case 1 | 5:
                end = place + (8 if wire_type == 1 else 4)
                raw = _take(data, place, end - place, base)
                value = int.from_bytes(raw, "little")
            case 2:
                length, place = _varint(data, place, base)
                end = place + length
                raw = _take(data, place, length, base)
            case _:
                raise ProtobufError(f"wire type {wire_type} of field {number}", base + start)
        place = end
        yield Entry(number, wire_type, base + start, base + end - len(raw), raw, value)


def parse(data: bytes) -> tuple[Field, ...]:
    """Read one message and guess what its fields hold. Raises ProtobufError."""
    return _Parser().message(data, 0, 0)


class _Parser:
    """Counts the fields of one tree."""

    def __init__(self) -> None:
        self._fields = 0

    def message(self, data: bytes, base: int, depth: int) -> tuple[Field, ...]:
        return tuple(self._field(entry, depth) for entry in entries(data, base))

    def _field(self, entry: Entry, depth: int) -> Field:
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise ProtobufError(f"more than {MAX_FIELDS} fields", entry.offset)
        if entry.number_value is not None:
            kind = _NUMBER_KINDS[entry.wire_type]
            return Field(entry.number, kind, entry.offset, entry.raw, entry.number_value)
        kind, content = self._content(entry, depth + 1)
        return Field(entry.number, kind, entry.offset, entry.raw, content)

    def _content(self, entry: Entry, depth: int) -> tuple[str, str | bytes | tuple[Field, ...]]:
        """Text that is printable is taken as text first: short texts often look like messages too."""
        text = _printable(entry.raw)
        if text is not None:
            return "text", text
        if depth <= MAX_DEPTH:  # no bytes at all are text
            before = self._fields
            try:
                return "message", self.message(entry.raw, entry.at, depth)
            except ProtobufError:
                self._fields = before
        return "bytes", entry.raw


def encode(fields: Mapping[int, Value]) -> bytes:
    """Write one message in the order of its field numbers: integers as varints, the rest with a length."""
    return b"".join(_encoded(number, fields[number]) for number in sorted(fields))


def varint(value: int) -> bytes:
    """Write an unsigned integer."""
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _encoded(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value if isinstance(value, bytes) else encode(value)
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def _varint(data: bytes, start: int, base: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(data[start : start + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, start + index + 1
    raise ProtobufError("a varint does not end", base + start)


def _take(data: bytes, start: int, size: int, base: int) -> bytes:
    if start + size > len(data):
        raise ProtobufError(f"{size} bytes wanted, {len(data) - start} are left", base + start)
    return data[start : start + size]


def _printable(raw: bytes) -> str | None:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def lines(fields: Sequence[Field], indent: str = "") -> list[str]:
    """Draw a tree, one field a line: offset, number, kind, value."""
    drawn = []
    for field in fields:
        head = f"{field.offset:6}  {indent}{field.number} {field.kind}"
        if isinstance(field.value, tuple):
            drawn.append(f"{head} ({len(field.raw)} bytes)")
            drawn += lines(field.value, indent + "  ")
        elif isinstance(field.value, bytes):
            drawn.append(f"{head} ({len(field.raw)} bytes) {field.value[:32].hex()}")
        else:
            drawn.append(f"{head} {field.value!r}")
    return drawn
