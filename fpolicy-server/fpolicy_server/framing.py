"""Read whole messages from an asyncio stream, whatever stands in front of each.

The public reader over `wire/framings.py`, for tools and for whoever embeds the protocol. The server itself
reads its sockets by callback (`session.py`) and uses the same cutter.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncIterator, Mapping
from typing import Final

from fsxn_runtime.edge.settings import text
from fsxn_runtime.errors import MisconfiguredError

from fpolicy_server.wire.framings import Framing, FramingError, FramingMode, MessageCutter

__all__ = [
    "ENV_PROTOBUF_FRAMING_MODE",
    "FramingError",
    "FramingMode",
    "ProtobufFrameReader",
    "create_fpolicy_reader",
    "framing_mode",
    "read_fpolicy_message_v2",
]

ENV_PROTOBUF_FRAMING_MODE: Final = "PROTOBUF_FRAMING_MODE"
MAX_MESSAGE_BYTES: Final = 1024 * 1024  # a node's send buffer; four names of 4 KiB make 16 KiB
READ_BYTES: Final = 64 * 1024


class ProtobufFrameReader:
    """Reads the messages of one stream.

    mode None reads quoted frames only. max_message_size is in bytes and counts the message alone.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        mode: FramingMode | None = FramingMode.AUTO_DETECT,
        max_message_size: int = MAX_MESSAGE_BYTES,
    ) -> None:
        self._reader = reader
        self._cutter = MessageCutter(mode, max_message_size)
        self._messages = 0

    @property
    def detected_framing(self) -> Framing | None:
        """How the stream is cut; None while AUTO_DETECT has too few bytes to say."""
        return self._cutter.framing

    @property
    def bytes_read(self) -> int:
        """Bytes of the stream that made whole messages."""
        return self._cutter.offset

    @property
    def messages_read(self) -> int:
        """Messages given out."""
        return self._messages

    async def read_message(self) -> bytes | None:
        """Give the next message, or None when the stream has ended between two messages.

        Raises FramingError when it ended within one, was reset, or cannot be read; then again at every call.
        """
        while (message := self._cutter.next_message()) is None:
            try:
                if data := await self._reader.read(READ_BYTES):
                    self._cutter.feed(data)
                    continue
                self._cutter.feed_eof()
            except ConnectionError as exc:
                self._cutter.feed_reset(str(exc) or type(exc).__name__)
            message = self._cutter.next_message()
            if message is None:
                return None
            break
        self._messages += 1
        return message

    async def read_messages(self) -> AsyncIterator[bytes]:
        """Give all messages up to the clean end. Raises as `read_message` does."""
        while (message := await self.read_message()) is not None:
            yield message


def framing_mode(env: Mapping[str, str]) -> FramingMode | None:
    """Read PROTOBUF_FRAMING_MODE in any case; None when it is not set. Raises MisconfiguredError."""
    value = text(env, ENV_PROTOBUF_FRAMING_MODE, "").upper()
    if not value:
        return None
    try:
        return FramingMode(value)
    except ValueError:
        raise MisconfiguredError(
            f"{ENV_PROTOBUF_FRAMING_MODE} is {value!r}; it must be {', '.join(FramingMode)}, or not set for "
            "quoted frames only",
            code="wrong_setting",
        ) from None


def create_fpolicy_reader(
    stream: asyncio.StreamReader, max_message_size: int = MAX_MESSAGE_BYTES
) -> ProtobufFrameReader:
    """Make a reader for a stream, in the mode that the environment names. Raises MisconfiguredError."""
    return ProtobufFrameReader(stream, framing_mode(os.environ), max_message_size)


# What was read beyond a message, and how the stream is cut, belong to the stream and last as long as it.
_readers: weakref.WeakKeyDictionary[asyncio.StreamReader, ProtobufFrameReader] = weakref.WeakKeyDictionary()


async def read_fpolicy_message_v2(
    source: ProtobufFrameReader | asyncio.StreamReader, max_message_size: int = MAX_MESSAGE_BYTES
) -> bytes | None:
    """Read one message from a reader, or from a stream by the environment's mode (`read_message`)."""
    if isinstance(source, ProtobufFrameReader):
        return await source.read_message()
    reader = _readers.get(source)
    if reader is None:
        reader = _readers[source] = create_fpolicy_reader(source, max_message_size)
    return await reader.read_message()
