"""The reader over asyncio streams and its public names."""

from __future__ import annotations

import asyncio
import struct

import pytest
from fpolicy_server.framing import (
    FramingError,
    FramingMode,
    ProtobufFrameReader,
    create_fpolicy_reader,
    framing_mode,
    read_fpolicy_message_v2,
)
from fpolicy_server.wire.frames import encode_frame
from fpolicy_server.wire.framings import Framing
from fsxn_runtime.errors import MisconfiguredError


def stream_of(data: bytes, *, ends: bool = True) -> asyncio.StreamReader:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    if ends:
        stream.feed_eof()
    return stream


def prefixed(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


async def read_all(source: ProtobufFrameReader | asyncio.StreamReader) -> list[bytes]:
    found = []
    while (message := await read_fpolicy_message_v2(source)) is not None:
        found.append(message)
    return found


@pytest.mark.parametrize(
    ("data", "framing"),
    [
        (encode_frame(b"one") + encode_frame(b"two"), Framing.QUOTED),
        (prefixed(b"one") + prefixed(b"two"), Framing.LENGTH_PREFIXED),
        (b"\x03one\x03two", Framing.FRAMELESS),
    ],
)
def test_auto_detect_reads_every_framing_and_counts(data: bytes, framing: Framing):
    async def run() -> None:
        reader = ProtobufFrameReader(stream_of(data))
        assert [message async for message in reader.read_messages()] == [b"one", b"two"]
        assert reader.detected_framing is framing
        assert (reader.messages_read, reader.bytes_read) == (2, len(data))

    asyncio.run(run())


def test_without_a_mode_only_quoted_frames_are_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PROTOBUF_FRAMING_MODE", raising=False)

    async def run() -> None:
        assert await read_all(create_fpolicy_reader(stream_of(encode_frame(b"xml")))) == [b"xml"]
        with pytest.raises(FramingError):
            await create_fpolicy_reader(stream_of(prefixed(b"proto"))).read_message()

    asyncio.run(run())


def test_a_stream_keeps_its_reader_between_two_calls(monkeypatch: pytest.MonkeyPatch):
    """What was read beyond the first message is the second; a new reader would begin in the middle."""
    monkeypatch.setenv("PROTOBUF_FRAMING_MODE", "length_prefixed")

    async def run() -> None:
        assert await read_all(stream_of(prefixed(b"one") + prefixed(b"two"))) == [b"one", b"two"]

    asyncio.run(run())


def test_truncation_and_reset_are_errors_a_clean_end_is_none():
    async def run() -> None:
        assert await ProtobufFrameReader(stream_of(b"")).read_message() is None
        with pytest.raises(FramingError) as caught:
            await ProtobufFrameReader(stream_of(prefixed(b"whole")[:-1])).read_message()
        assert (caught.value.code, caught.value.offset) == ("truncated_frame", 0)
        reset = stream_of(prefixed(b"one") + b"\x00", ends=False)
        reader = ProtobufFrameReader(reset)
        assert await reader.read_message() == b"one"
        reset.set_exception(ConnectionResetError("by peer"))
        with pytest.raises(FramingError) as caught:
            await reader.read_message()
        assert (caught.value.code, caught.value.offset, caught.value.raw) == ("connection_reset", 7, b"\x00")

    asyncio.run(run())


@pytest.mark.parametrize("value", ["AUTO_DETECT", "auto_detect", "Frameless", "LENGTH_PREFIXED"])
def test_the_mode_is_read_in_any_case(value: str):
    assert framing_mode({"PROTOBUF_FRAMING_MODE": value}) is FramingMode(value.upper())


def test_no_mode_is_none_and_a_wrong_one_is_named_with_what_is_allowed():
    assert framing_mode({}) is None
    assert framing_mode({"PROTOBUF_FRAMING_MODE": " "}) is None
    with pytest.raises(
        MisconfiguredError, match="it must be AUTO_DETECT, LENGTH_PREFIXED, FRAMELESS, or not"
    ):
        framing_mode({"PROTOBUF_FRAMING_MODE": "guess"})
