from __future__ import annotations

import pytest
from fpolicy_server.wire.protobuf import MAX_DEPTH, MAX_FIELDS, Field, ProtobufError, lines, parse
from hypothesis import example, given
from hypothesis import strategies as st


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


numbers = st.integers(1, (1 << 29) - 1)
scalars = st.one_of(
    st.tuples(numbers, st.just("varint"), st.integers(0, (1 << 64) - 1)),
    st.tuples(numbers, st.just("fixed32"), st.integers(0, (1 << 32) - 1)),
    st.tuples(numbers, st.just("fixed64"), st.integers(0, (1 << 64) - 1)),
    st.tuples(numbers, st.just("text"), st.text(st.characters(categories=["L", "N"]), min_size=1)),
)


def encode(number: int, kind: str, value: int | str) -> bytes:
    match kind:
        case "varint":
            return tag(number, 0) + varint(int(value))
        case "fixed32":
            return tag(number, 5) + int(value).to_bytes(4, "little")
        case "fixed64":
            return tag(number, 1) + int(value).to_bytes(8, "little")
    raw = str(value).encode()
    return tag(number, 2) + varint(len(raw)) + raw


@given(st.lists(scalars, max_size=8))
def test_what_was_encoded_is_read_back(fields: list[tuple[int, str, int | str]]):
    found = parse(b"".join(encode(*field) for field in fields))
    assert [(field.number, field.kind, field.value) for field in found] == fields


def test_a_nested_message_is_a_tree_with_offsets_of_the_outermost():
    inner = tag(1, 0) + varint(7) + tag(2, 2) + b"\x02\xff\xfe"
    (outer,) = parse(tag(3, 2) + varint(len(inner)) + inner)
    assert (outer.number, outer.kind, outer.offset) == (3, "message", 0)
    assert isinstance(outer.value, tuple)
    assert [(f.number, f.kind, f.offset, f.value) for f in outer.value] == [
        (1, "varint", 2, 7),
        (2, "bytes", 4, b"\xff\xfe"),
    ]
    assert lines([outer]) == [
        "     0  3 message (6 bytes)",
        "     2    1 varint 7",
        "     4    2 bytes (2 bytes) fffe",
    ]


def test_the_known_bytes_of_a_real_engine_are_a_text_in_field_4():
    assert parse(b"\x22\x031.0") == (Field(4, "text", 0, b"1.0", "1.0"),)


@given(st.binary(max_size=300))
@example(b"\x0a" * 200)
@example(b"\x0b")
@example(b"\x80" * 11)
@example(b"\x00\x01")
def test_any_bytes_are_a_tree_or_a_protobuf_error(data: bytes):
    try:
        fields = parse(data)
    except ProtobufError as exc:
        assert 0 <= exc.offset <= len(data)
    else:
        assert lines(fields) or not data


def test_the_number_of_fields_is_bounded():
    with pytest.raises(ProtobufError, match="more than"):
        parse(b"\x08\x00" * (MAX_FIELDS + 1))


def test_messages_deeper_than_the_limit_stay_bytes() -> None:
    raw = tag(1, 0) + varint(1)
    for _ in range(MAX_DEPTH + 2):
        raw = tag(1, 2) + varint(len(raw)) + raw
    depth, content = 0, parse(raw)[0].value
    while isinstance(content, tuple):
        depth, content = depth + 1, content[0].value
    assert depth == MAX_DEPTH
    assert isinstance(content, bytes)
