"""How sound input is broken. Pure; the dice decide."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

# What makes a difference to XML, to JSON, to UTF-8, to HTTP and to frames.
TOKENS: Final = (
    b'"', b"\0", b"\n\n", b"<", b">", b"&", b"&#0;", b"&#xD800;", b"]]>", b"<!DOCTYPE a>", b"\xff\xfe",
    b"\xc0\x80", b"\xf4\x8f\xbc\x80", b"<?xml version='1.0' encoding='utf-16'?>", b"9" * 30, b"-1", b"\r",
)  # fmt: skip
JSON_TOKENS: Final = (
    b"{", b"[", b"]", b"}", b",", b":", b'"', b"\\", b"\\ud800", b"null", b"NaN", b"-0", b"1e999", b"true",
    b"9" * 400, b"\xff", b"\0", b'{"a":1,"a":2}', b"[" * 2000,
)  # fmt: skip
HTTP_TOKENS: Final = (
    b"\r\n", b"\r\n\r\n", b"\n", b" ", b"GET ", b"POST ", b"HTTP/1.1", b"HTTP/9", b"%00", b"?", b"\xff", b":",
    b"content-length: -1\r\n", b"transfer-encoding: chunked\r\n", b"a" * 9000,
)  # fmt: skip


def mutated(message: bytes, dice: random.Random, tokens: Sequence[bytes] = TOKENS) -> bytes:
    """Break the content of one message: bytes flipped, put in, taken out, repeated."""
    payload = bytearray(message)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(payload) + 1)
        match dice.randrange(5):
            case 0:
                payload[place : place + 1] = dice.randbytes(1)
            case 1:
                payload[place:place] = dice.choice(tokens)
            case 2:
                del payload[place : place + dice.randint(1, 40)]
            case 3:
                payload[place:place] = payload[place : place + dice.randint(1, 200)]
            case _:
                payload[place:place] = dice.choice(tokens) * dice.randint(1, 300)
    return bytes(payload)


def pieces(data: bytes, most: int, dice: random.Random) -> list[bytes]:
    """Cut data into pieces of up to `most` bytes."""
    found, place = [], 0
    while place < len(data):
        found.append(data[place : place + dice.randint(1, most)])
        place += len(found[-1])
    return found
