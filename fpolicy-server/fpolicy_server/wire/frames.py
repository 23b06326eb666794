"""The quoted frame: `"`, four bytes of length, `"`, payload (docs/wire/frame.md).

The length counts the payload only. It is binary and may itself contain the byte of a quote, so the closing
quote is never searched for: it is always at offset 5. `framings.py` cuts streams into payloads.
"""

from __future__ import annotations

import struct
from typing import Final

QUOTE: Final = 0x22
HEADER_BYTES: Final = 6
# A NEGO_REQ with its UUIDs has some 400 bytes, and four names of 4 KiB make a rename of 16 KiB.
SMALLEST_LIMIT_BYTES: Final = 32 * 1024

HEADER: Final = struct.Struct(">BIB")


def encode_frame(payload: bytes) -> bytes:
    """Put a payload (which must not be empty) into one frame."""
    return HEADER.pack(QUOTE, len(payload), QUOTE) + payload
