"""How messages may be cut out of a stream: the quoted frame of XML engines, and what is guessed for protobuf.

A server may serve both at once: `is_quoted_too` recognises a quoted frame whatever the mode says of the
others. A prefix that begins with a quote would be a length above 500 MiB, and a varint with that byte would
stand before a tag of field 0, because a quoted length below 16 MiB begins with a zero: nothing is mistaken.

ONTAP's protobuf engines send no quoted frame; what comes in front of a message instead is not public
(docs/wire/protobuf.md). Two guesses are offered, and the recognition of all three by the first bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from fpolicy_server.wire.errors import PeerError
from fpolicy_server.wire.frames import HEADER, HEADER_BYTES, QUOTE, encode_frame
from fpolicy_server.wire.protobuf import varint

PREFIX_BYTES: Final = 4
MAX_VARINT_BYTES: Final = 5  # 35 bits, more than any size that is allowed
RAW_BYTES: Final = 64  # of the bytes that could not be read, enough to see what they are


class FramingMode(StrEnum):
    """What `PROTOBUF_FRAMING_MODE` may say. Unset means quoted frames only."""

    AUTO_DETECT = "AUTO_DETECT"
    LENGTH_PREFIXED = "LENGTH_PREFIXED"  # four bytes of length, big-endian, then the message
    FRAMELESS = "FRAMELESS"  # a varint of length, then the message, as protobuf libraries delimit


class Framing(StrEnum):
    """How one stream is cut."""

    QUOTED = "QUOTED"
    LENGTH_PREFIXED = "LENGTH_PREFIXED"
    FRAMELESS = "FRAMELESS"


class FramingError(PeerError):
    """The stream cannot be read any further.

    offset: where in the stream the message begins that could not be read. raw: its first bytes, at most 64.
    """

    def __init__(self, message: str, *, code: str, offset: int, raw: bytes) -> None:
        super().__init__(message, code=code)
        self.offset = offset
        self.raw = raw


class MessageCutter:
    """Cuts a byte stream into messages, sans-IO.

    mode None knows quoted frames only; `is_quoted_too` lets every mode know them beside its own. Holds at
    most one incomplete message and what the last `feed` brought beyond it. After an error every call raises
    the same error: a wrong offset is never read on from.
    """

    def __init__(
        self, mode: FramingMode | None, max_message_bytes: int, *, is_quoted_too: bool = False
    ) -> None:
        self._mode = mode
        self._is_quoted_too = is_quoted_too
        self._max_message_bytes = max_message_bytes
        self._buffer = bytearray()
        self._start = 0
        self._is_at_end = False
        self._reset_reason: str | None = None
        self._error: FramingError | None = None
        self.offset = 0  # in the stream, of the next message
        self.framing: Framing | None = None  # not known yet
        if mode is None:
            self.framing = Framing.QUOTED
        elif not is_quoted_too:
            self.framing = _FIXED.get(mode)

    @property
    def held_bytes(self) -> int:
        """Bytes received that belong to no message given out."""
        return len(self._buffer) - self._start

    def feed(self, data: bytes) -> None:
        """Take bytes as they came, cut anywhere."""
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += data

    def feed_eof(self) -> None:
        """Take the end of the stream."""
        self._is_at_end = True

    def feed_reset(self, reason: str) -> None:
        """Take the loss of the connection, which is no clean end wherever it comes."""
        self._is_at_end = True
        self._reset_reason = reason

    def next_message(self) -> bytes | None:
        """Give the next complete message; None when more is needed, or at a clean end.

        Raises FramingError (bad_frame, frame_too_large, truncated_frame, connection_reset).
        """
        if self._error is not None:
            raise self._error
        try:
            return self._next()
        except FramingError as exc:
            self._error = exc
            raise

    def _next(self) -> bytes | None:
        if self.framing is None:
            self.framing = self._recognise()
        if self.framing is not None and (measured := self._measure(self.framing)) is not None:
            header_bytes, length = measured
            if not 0 < length <= self._max_message_bytes:
                raise self._wrong(length)
            begin = self._start + header_bytes
            if len(self._buffer) >= begin + length:
                self._start = begin + length
                self.offset += header_bytes + length
                return bytes(self._buffer[begin : self._start])
        if self._reset_reason is not None:
            raise self._failed(
                f"connection lost {self.held_bytes} bytes into a message: {self._reset_reason}",
                "connection_reset",
            )
        if self._is_at_end and self.held_bytes:
            raise self._failed(f"stream ended {self.held_bytes} bytes into a message", "truncated_frame")
        return None

    def _recognise(self) -> Framing | None:
        """Decide by the first bytes, once. None when there are too few of them yet."""
        head = bytes(self._buffer[self._start : self._start + HEADER_BYTES])
        if self._is_quoted_too:
            if (is_quoted := self._is_quoted(head)) is not False:
                return Framing.QUOTED if is_quoted else None
            if self._mode in _FIXED:
                return _FIXED[self._mode]
        enough = HEADER_BYTES if head[:1] == bytes([QUOTE]) else PREFIX_BYTES
        if len(head) < enough:
            return Framing.FRAMELESS if self._is_at_end and head else None
        length = int.from_bytes(head[1:5], "big")
        if (
            len(head) == HEADER_BYTES
            and head[0] == head[5] == QUOTE
            and 0 < length <= self._max_message_bytes
        ):
            return Framing.QUOTED
        is_plausible = 0 < int.from_bytes(head[:PREFIX_BYTES], "big") <= self._max_message_bytes
        return Framing.LENGTH_PREFIXED if is_plausible else Framing.FRAMELESS

    def _is_quoted(self, head: bytes) -> bool | None:
        """Whether a quoted frame begins here; None when there are too few bytes to say."""
        if head[:1] not in (b"", b'"') or head[1:2] not in (b"", b"\0") or head[5:6] not in (b"", b'"'):
            return False
        return True if len(head) == HEADER_BYTES or (head and self._is_at_end) else None

    def _measure(self, framing: Framing) -> tuple[int, int] | None:
        """Give the bytes in front of the message and its length; None when they are not all there."""
        match framing:
            case Framing.QUOTED:
                return self._quoted()
            case Framing.LENGTH_PREFIXED:
                if self.held_bytes < PREFIX_BYTES:
                    return None
                prefix = self._buffer[self._start : self._start + PREFIX_BYTES]
                return PREFIX_BYTES, int.from_bytes(prefix, "big")
            case _:
                return self._varint()

    def _quoted(self) -> tuple[int, int] | None:
        if self.held_bytes and self._buffer[self._start] != QUOTE:
            hint = "" if self.offset else " (an engine whose format is protobuf begins otherwise)"
            raise self._failed(
                f"frame begins with byte {self._buffer[self._start]:#04x}; it must be 0x22{hint}"
            )
        if self.held_bytes < HEADER_BYTES:
            return None
        _, length, closing = HEADER.unpack_from(self._buffer, self._start)
        if closing != QUOTE:
            raise self._failed(f"sixth byte of a frame is {closing:#04x}; it must be 0x22")
        return HEADER_BYTES, length

    def _varint(self) -> tuple[int, int] | None:
        length = 0
        for place, byte in enumerate(self._buffer[self._start : self._start + MAX_VARINT_BYTES]):
            length |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return place + 1, length
        if self.held_bytes >= MAX_VARINT_BYTES:
            raise self._failed(f"the length has more than {MAX_VARINT_BYTES} bytes")
        return None

    def _wrong(self, length: int) -> FramingError:
        if length == 0:
            return self._failed("message has the length 0; it must have content")
        return self._failed(
            f"message has {length} bytes; at most {self._max_message_bytes} are allowed", "frame_too_large"
        )

    def _failed(self, message: str, code: str = "bad_frame") -> FramingError:
        raw = bytes(self._buffer[self._start : self._start + RAW_BYTES])
        return FramingError(f"at byte {self.offset}: {message}", code=code, offset=self.offset, raw=raw)


def encode_message(payload: bytes, framing: Framing) -> bytes:
    """Put a message into the framing of its stream."""
    match framing:
        case Framing.QUOTED:
            return encode_frame(payload)
        case Framing.LENGTH_PREFIXED:
            return len(payload).to_bytes(PREFIX_BYTES, "big") + payload
        case _:
            return varint(len(payload)) + payload


_FIXED: Final[Mapping[FramingMode | None, Framing]] = {
    FramingMode.LENGTH_PREFIXED: Framing.LENGTH_PREFIXED,
    FramingMode.FRAMELESS: Framing.FRAMELESS,
}
