"""The quoted frame: `"`, four bytes of length, `"`, payload (docs/wire/frame.md).

The length counts the payload only. It is binary and may itself contain the byte of a quote, so the closing
quote is never searched for: it is always at offset 5.
"""

from __future__ import annotations

import struct
from typing import Final

from fpolicy_server.wire.errors import PeerError

QUOTE: Final = 0x22
HEADER_BYTES: Final = 6
# A NEGO_REQ with its UUIDs has some 400 bytes, and four names of 4 KiB make a rename of 16 KiB.
SMALLEST_LIMIT_BYTES: Final = 32 * 1024

_HEADER: Final = struct.Struct(">BIB")


def encode_frame(payload: bytes) -> bytes:
    """Put a payload (which must not be empty) into one frame."""
    return _HEADER.pack(QUOTE, len(payload), QUOTE) + payload


class FrameReader:
    """Cuts a byte stream into payloads.

    Holds at most one incomplete frame (`max_payload_bytes` + 6) plus what the last `feed` brought beyond
    it, as long as the caller takes every frame before it feeds again. A length over the limit is refused
    from the six header bytes alone: nothing is allocated for it.
    """

    __slots__ = ("_buffer", "_max_payload_bytes", "_start")

    def __init__(self, max_payload_bytes: int) -> None:
        self._max_payload_bytes = max_payload_bytes
        self._buffer = bytearray()
        self._start = 0

    @property
    def held_bytes(self) -> int:
        """Bytes received that are not yet given out as a payload."""
        return len(self._buffer) - self._start

    def feed(self, data: bytes) -> None:
        """Take bytes as they came from the peer, cut anywhere."""
        # Dropping the consumed front here, once per read, keeps the cost linear in the bytes read.
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += data

    def next_payload(self) -> bytes | None:
        """Give the next complete payload, or None when more bytes are needed.

        Raises PeerError (bad_frame, frame_too_large); the stream cannot be read any further after that.
        """
        available = self.held_bytes
        if available and self._buffer[self._start] != QUOTE:
            raise PeerError(
                f"frame begins with byte {self._buffer[self._start]:#04x}; it must be 0x22", code="bad_frame"
            )
        if available < HEADER_BYTES:
            return None
        _, length, closing = _HEADER.unpack_from(self._buffer, self._start)
        if closing != QUOTE:
            raise PeerError(f"sixth byte of a frame is {closing:#04x}; it must be 0x22", code="bad_frame")
        if length == 0:
            raise PeerError("frame has the length 0; it must have a payload", code="bad_frame")
        if length > self._max_payload_bytes:
            raise PeerError(
                f"frame has {length} bytes; at most {self._max_payload_bytes} are allowed",
                code="frame_too_large",
            )
        if available < HEADER_BYTES + length:
            return None
        begin = self._start + HEADER_BYTES
        self._start = begin + length
        return bytes(self._buffer[begin : self._start])
