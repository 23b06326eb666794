"""The cutter: any cut of a stream gives the same messages or the same error, in every framing."""

from __future__ import annotations

import itertools
import struct

import pytest
from fpolicy_server.wire.frames import encode_frame
from fpolicy_server.wire.framings import (
    Framing,
    FramingError,
    FramingMode,
    MessageCutter,
    encode_message,
)
from hypothesis import assume, example, given
from hypothesis import strategies as st

LIMIT = 32 * 1024
messages = st.binary(min_size=1, max_size=300)
modes = st.sampled_from([None, *FramingMode])


def prefixed(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


def delimited(message: bytes) -> bytes:
    length, out = len(message), b""
    while length >= 0x80:
        out += bytes([length & 0x7F | 0x80])
        length >>= 7
    return out + bytes([length]) + message


ENCODERS = {
    Framing.QUOTED: encode_frame,
    Framing.LENGTH_PREFIXED: prefixed,
    Framing.FRAMELESS: delimited,
}
MODES = {
    Framing.QUOTED: None,
    Framing.LENGTH_PREFIXED: FramingMode.LENGTH_PREFIXED,
    Framing.FRAMELESS: FramingMode.FRAMELESS,
}

Outcome = tuple[list[bytes], tuple[str, int, bytes] | None, Framing | None]


def outcome(
    chunks: list[bytes], mode: FramingMode | None, limit: int = LIMIT, *, is_quoted_too: bool = False
) -> Outcome:
    """What a stream gives: its messages, then a clean end (None) or the error."""
    cutter = MessageCutter(mode, limit, is_quoted_too=is_quoted_too)
    found: list[bytes] = []
    try:
        for chunk in chunks:
            cutter.feed(chunk)
            while (message := cutter.next_message()) is not None:
                found.append(message)
            assert cutter.held_bytes <= 6 + limit + len(chunk)
        cutter.feed_eof()
        while (message := cutter.next_message()) is not None:
            found.append(message)
    except FramingError as exc:
        return found, (exc.code, exc.offset, exc.raw[:1]), cutter.framing
    assert cutter.held_bytes == 0
    return found, None, cutter.framing


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(places), len(stream)]
    return [stream[begin:end] for begin, end in itertools.pairwise(edges)]


@pytest.mark.parametrize("framing", Framing)
@given(sent=st.lists(messages, max_size=5), data=st.data())
def test_messages_come_out_as_they_went_in(framing: Framing, sent: list[bytes], data: st.DataObject):
    stream = b"".join(map(ENCODERS[framing], sent))
    places = data.draw(st.lists(st.integers(0, len(stream))))
    assert outcome(cut(stream, places), MODES[framing])[:2] == (sent, None)
    assert b"".join(encode_message(message, framing) for message in sent) == stream


@given(
    stream=st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: b'"' + rest),
    mode=modes,
    is_quoted_too=st.booleans(),
    data=st.data(),
)
@example(stream=b'"\x03\x31\x2e\x30', mode=FramingMode.AUTO_DETECT, is_quoted_too=False, data=None)
@example(stream=b'"\x00\x00\x00\x01"x', mode=FramingMode.FRAMELESS, is_quoted_too=True, data=None)
@example(stream=b'"\x00\x00', mode=FramingMode.LENGTH_PREFIXED, is_quoted_too=True, data=None)
def test_how_the_stream_is_cut_never_changes_what_comes_out(
    stream: bytes, mode: FramingMode | None, is_quoted_too: bool, data: st.DataObject | None
):
    """Messages, error, offset and recognised framing; also for bytes that mean nothing."""
    places = data.draw(st.lists(st.integers(0, len(stream)))) if data else list(range(len(stream)))
    whole = outcome([stream], mode, is_quoted_too=is_quoted_too)
    assert outcome(cut(stream, places), mode, is_quoted_too=is_quoted_too) == whole


@pytest.mark.parametrize("framing", [Framing.QUOTED, Framing.LENGTH_PREFIXED])
@given(sent=st.lists(messages, min_size=1, max_size=4))
def test_a_framing_is_recognised_by_its_first_bytes(framing: Framing, sent: list[bytes]):
    stream = b"".join(map(ENCODERS[framing], sent))
    assert outcome([stream], FramingMode.AUTO_DETECT) == (sent, None, framing)


@pytest.mark.parametrize(
    ("stream", "framing"),
    [
        # The bytes that are known of a real protobuf engine (docs/wire/protobuf.md): no plausible length.
        (b'"\x031.0' + b"\x00" * 40, Framing.FRAMELESS),
        (b"\x02ab", Framing.FRAMELESS),  # ends before four bytes are there
        (struct.pack(">I", LIMIT + 1), Framing.FRAMELESS),  # an oversize candidate is no length
        (struct.pack(">I", LIMIT), Framing.LENGTH_PREFIXED),
        (b'"\x00\x00\x00\x05"', Framing.QUOTED),
        (b'"\x00\x00\x00\x05x', Framing.FRAMELESS),
    ],
)
def test_what_is_not_certain_is_decided_as_documented(stream: bytes, framing: Framing):
    assert outcome([stream], FramingMode.AUTO_DETECT)[2] is framing


@pytest.mark.parametrize("framing", Framing)
@pytest.mark.parametrize("mode", [FramingMode.LENGTH_PREFIXED, FramingMode.FRAMELESS])
@given(sent=st.lists(messages, min_size=1, max_size=3), data=st.data())
def test_a_quoted_stream_is_told_from_what_the_mode_names(
    framing: Framing, mode: FramingMode, sent: list[bytes], data: st.DataObject
):
    """Two nodes of one server: one speaks XML in quoted frames, the other in the mode's framing."""
    if framing not in (Framing.QUOTED, Framing(mode)):
        return
    stream = b"".join(map(ENCODERS[framing], sent))
    # A varint of 34 and a message that begins with a zero, which is no tag, would look like a quoted length.
    assume(framing is not Framing.FRAMELESS or sent[0][0] != 0)
    chunks = cut(stream, data.draw(st.lists(st.integers(0, len(stream)))))
    assert outcome(chunks, mode, is_quoted_too=True) == (sent, None, framing)


@pytest.mark.parametrize(
    ("stream", "framing", "code"),
    [
        (b'"\x00\xff\xff\xff"', Framing.QUOTED, "frame_too_large"),
        (b'"\x00\x00', Framing.QUOTED, "truncated_frame"),
        (b'"', Framing.QUOTED, "truncated_frame"),
        (b'"\x03\x31\x2e\x30', Framing.LENGTH_PREFIXED, "frame_too_large"),
        (b'"\x00\x00\x00\x05x', Framing.LENGTH_PREFIXED, "frame_too_large"),
    ],
)
def test_what_begins_with_a_quote_beside_a_mode_is_decided_by_six_bytes(
    stream: bytes, framing: Framing, code: str
):
    _, error, found = outcome([stream], FramingMode.LENGTH_PREFIXED, is_quoted_too=True)
    assert error is not None
    assert (found, error[0]) == (framing, code)


@pytest.mark.parametrize("framing", Framing)
@given(sent=st.lists(messages, max_size=3), rest=st.integers(0, 10))
def test_a_reset_is_an_error_wherever_it_comes_after_all_whole_messages(
    framing: Framing, sent: list[bytes], rest: int
):
    stream = b"".join(map(ENCODERS[framing], sent))
    cutter = MessageCutter(MODES[framing], LIMIT)
    cutter.feed(stream + ENCODERS[framing](b"x" * 20)[:rest])
    cutter.feed_reset("by peer")
    assert [cutter.next_message() for _ in sent] == sent
    with pytest.raises(FramingError) as caught:
        cutter.next_message()
    assert (caught.value.code, caught.value.offset) == ("connection_reset", len(stream))


@pytest.mark.parametrize("framing", Framing)
@given(message=messages, data=st.data())
def test_a_truncated_message_is_told_apart_from_a_clean_end(
    framing: Framing, message: bytes, data: st.DataObject
):
    whole, second = ENCODERS[framing](message), ENCODERS[framing](b"x" * 20)
    places = data.draw(st.integers(1, len(second) - 1))
    found, error, _ = outcome([whole + second[:places]], MODES[framing])
    assert found == [message]
    assert error == ("truncated_frame", len(whole), second[:1])


@pytest.mark.parametrize(
    ("stream", "mode", "code"),
    [
        (struct.pack(">I", 0), FramingMode.LENGTH_PREFIXED, "bad_frame"),
        (struct.pack(">I", LIMIT + 1), FramingMode.LENGTH_PREFIXED, "frame_too_large"),
        (b"\x00", FramingMode.FRAMELESS, "bad_frame"),
        (b"\xff\xff\xff\xff\x7f", FramingMode.FRAMELESS, "frame_too_large"),
        (b"\xff\xff\xff\xff\xff", FramingMode.FRAMELESS, "bad_frame"),
        (b"\x05", None, "bad_frame"),
    ],
)
def test_a_wrong_length_is_refused_from_its_bytes_alone_and_for_ever(
    stream: bytes, mode: FramingMode | None, code: str
):
    cutter = MessageCutter(mode, LIMIT)
    cutter.feed(stream)
    for _ in range(2):
        with pytest.raises(FramingError) as caught:
            cutter.next_message()
        assert (caught.value.code, caught.value.offset, caught.value.raw) == (code, 0, stream)
    cutter.feed(encode_frame(b"good"))  # a later message does not bring it back
    with pytest.raises(FramingError):
        cutter.next_message()
