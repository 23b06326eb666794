"""Throw broken streams at the connection core for a while: `make fuzz SECONDS=60`, SEED=n to repeat a run.

Whole conversations out of the messages in tests/data/wire, XML and protobuf (by an invented field map), are
mutated (bytes flipped, cut, repeated, lengths made wrong, messages swapped), put into any framing and fed in
pieces to a core in any framing mode. Whatever comes, the core may only give events or raise
PeerError, holds no more than one frame and one piece, and gives no token twice. A stream that does otherwise
is written to build/fuzz/ and becomes a test.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path
from typing import Final

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))  # started as a script, only tools/ is on the path

from fpolicy_server.translate import PathRoot, SessionFacts, translate  # noqa: E402
from fpolicy_server.volumes import VolumeMap  # noqa: E402
from fpolicy_server.wire import (  # noqa: E402
    Connection,
    FramingMode,
    HandshakeReceived,
    NotificationReceived,
    Outcome,
    PeerError,
    UndecodableReceived,
    field_map_from_json,
)
from fpolicy_server.wire.framings import Framing, encode_message  # noqa: E402

CORPUS: Final = REPOSITORY / "tests/data/wire"
FIELD_MAP: Final = field_map_from_json((CORPUS / "protobuf/invented_field_map.json").read_text())
LIMIT_BYTES: Final = 32 * 1024
PIECE_BYTES: Final = 4096
_PROTOBUF_FRAMINGS: Final = (Framing.LENGTH_PREFIXED, Framing.FRAMELESS)
# What makes a difference to XML, to UTF-8 and to the frame.
TOKENS: Final = (
    b'"', b"\0", b"\n\n", b"<", b">", b"&", b"&#0;", b"&#xD800;", b"]]>", b"<!DOCTYPE a>", b"\xff\xfe",
    b"\xc0\x80", b"\xf4\x8f\xbc\x80", b"<?xml version='1.0' encoding='utf-16'?>", b"9" * 30, b"-1", b"\r",
)  # fmt: skip


def corpus() -> list[bytes]:
    """Every XML payload that a node can send, the handshake request first."""
    paths = sorted([*CORPUS.glob("server/*.bin"), *CORPUS.glob("types/*.frame")])
    return [path.read_bytes()[6:] for path in (CORPUS / "server/handshake_request.bin", *paths)]


def protobuf_corpus() -> list[bytes]:
    """Every protobuf message of the invented map, the handshake request first."""
    paths = sorted((CORPUS / "protobuf").glob("*.message"))
    return [path.read_bytes() for path in (CORPUS / "protobuf/handshake.message", *paths)]


def stream_of(messages: list[bytes], framing: Framing, dice: random.Random) -> bytes:
    """Make one broken conversation; most begin with a sound handshake, to get further."""
    chosen = [messages[0], *dice.choices(messages, k=dice.randint(1, 6))]
    stream, first = b"", dice.random() < 0.1
    for number, message in enumerate(chosen):
        is_broken = (number > 0 or first) and dice.random() < 0.7
        sent = mutated(message, dice) if is_broken else message
        if is_broken and dice.random() < 0.1:
            length = dice.choice([0, 1, 2**31, 2**32 - 1, len(sent) + 1])
            stream += encode_message(b"", framing)[:1] + length.to_bytes(4, "big") + b'"' + sent
        else:
            stream += encode_message(sent, framing)
    return stream


def mutated(message: bytes, dice: random.Random) -> bytes:
    """Break the content of one message."""
    payload = bytearray(message)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(payload) + 1)
        match dice.randrange(5):
            case 0:
                payload[place : place + 1] = dice.randbytes(1)
            case 1:
                payload[place:place] = dice.choice(TOKENS)
            case 2:
                del payload[place : place + dice.randint(1, 40)]
            case 3:
                payload[place:place] = payload[place : place + dice.randint(1, 200)]
            case _:
                payload[place:place] = dice.choice(TOKENS) * dice.randint(1, 300)
    return bytes(payload)


def check(stream: bytes, mode: FramingMode | None, dice: random.Random) -> int:
    """Feed one stream; give the number of events. Raises whatever is wrong, but no PeerError."""
    connection = Connection(
        max_frame_bytes=LIMIT_BYTES,
        handshake_timeout_seconds=5,
        read_timeout_seconds=300,
        answer_deadline_seconds=dice.choice([None, 5.0]),
        framing_mode=mode,
        field_map=FIELD_MAP if dice.random() < 0.9 else None,
    )
    facts = SessionFacts("", "", "", 0)
    tokens: set[int] = set()
    count = place = 0
    try:
        while place < len(stream):
            piece = stream[place : place + dice.randint(1, PIECE_BYTES)]
            place += len(piece)
            connection.receive_data(piece)
            while (event := connection.next_event()) is not None:
                count += 1
                if isinstance(event, HandshakeReceived):
                    connection.accept()
                elif isinstance(event, NotificationReceived | UndecodableReceived):
                    assert event.token not in tokens, "a token was given twice"
                    tokens.add(event.token)
                    if isinstance(event, NotificationReceived):
                        translate(event.notification, facts, VolumeMap(), PathRoot.VOLUME, 0)
                    connection.resolve(event.token, dice.choice(list(Outcome)))
            assert connection.held_bytes <= LIMIT_BYTES + PIECE_BYTES, "more is held than a frame and a piece"
            connection.data_to_send()
        connection.receive_eof()
        while connection.next_event() is not None:
            count += 1
    except PeerError:
        assert connection.next_event() is None, "a failed connection goes on"
    return count


def fuzz(seconds: float, seed: int) -> tuple[int, int]:
    """Try streams for so long; give the numbers of streams and of events. Raises on the first defect."""
    streams = events = 0
    sources = {Framing.QUOTED: corpus(), **dict.fromkeys(_PROTOBUF_FRAMINGS, protobuf_corpus())}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        dice = random.Random(f"{seed}:{streams}")  # noqa: S311 - repeatable on purpose
        framing = dice.choice(list(sources))
        stream = stream_of(sources[framing], framing, dice)
        try:
            events += check(stream, dice.choice([None, *FramingMode]), dice)
        except Exception:
            found = REPOSITORY / "build" / "fuzz" / f"{seed}-{streams}.stream"
            found.parent.mkdir(parents=True, exist_ok=True)
            found.write_bytes(stream)
            sys.stderr.write(f"fuzz: seed {seed}, stream {streams} is in {found}\n")
            raise
        streams += 1
    return streams, events


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    tried, seen = fuzz(options.seconds, options.seed)
    sys.stdout.write(f"fuzz: seed {options.seed}: {tried} streams, {seen} events, no defect\n")
