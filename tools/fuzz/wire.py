"""The server's connection core and the public framing reader.

Whole conversations out of the messages in tests/data/wire, XML and protobuf (by an invented field map), are
mutated (bytes flipped, cut, repeated, lengths made wrong, messages swapped), put into any framing and fed in
pieces in any framing mode. The core may only give events or raise PeerError, holds no more than one frame and
one piece, and gives no token twice. The reader gives messages, then None or the same FramingError for ever.
"""

from __future__ import annotations

import asyncio
import random
from functools import cache
from pathlib import Path
from typing import Final

from fpolicy_server.framing import FramingError, ProtobufFrameReader
from fpolicy_server.translate import PathRoot, SessionFacts, translate
from fpolicy_server.volumes import VolumeMap
from fpolicy_server.wire import (
    Connection,
    FramingMode,
    HandshakeReceived,
    NotificationReceived,
    Outcome,
    PeerError,
    UndecodableReceived,
    field_map_from_json,
)
from fpolicy_server.wire.framings import Framing, encode_message

from tools.fuzz.mutation import mutated, pieces

CORPUS: Final = Path(__file__).resolve().parents[2] / "tests/data/wire"
FIELD_MAP: Final = field_map_from_json((CORPUS / "protobuf/invented_field_map.json").read_text())
LIMIT_BYTES: Final = 32 * 1024
PIECE_BYTES: Final = 4096


@cache
def corpus() -> list[bytes]:
    """Every XML payload that a node can send, the handshake request first."""
    paths = sorted([*CORPUS.glob("server/*.bin"), *CORPUS.glob("types/*.frame")])
    return [path.read_bytes()[6:] for path in (CORPUS / "server/handshake_request.bin", *paths)]


@cache
def protobuf_corpus() -> list[bytes]:
    """Every protobuf message of the invented map, the handshake request first."""
    paths = sorted((CORPUS / "protobuf").glob("*.message"))
    return [path.read_bytes() for path in (CORPUS / "protobuf/handshake.message", *paths)]


def make(dice: random.Random) -> bytes:
    """Make one broken conversation in any framing."""
    framing = dice.choice(list(Framing))
    return stream_of(corpus() if framing is Framing.QUOTED else protobuf_corpus(), framing, dice)


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


def check(stream: bytes, dice: random.Random) -> int:
    """Feed one stream; give the number of events. Raises whatever is wrong, but no PeerError."""
    connection = Connection(
        max_frame_bytes=LIMIT_BYTES,
        handshake_timeout_seconds=5,
        read_timeout_seconds=300,
        answer_deadline_seconds=dice.choice([None, 5.0]),
        framing_mode=dice.choice([None, *FramingMode]),
        field_map=FIELD_MAP if dice.random() < 0.9 else None,
    )
    facts = SessionFacts("", "", "", 0)
    tokens: set[int] = set()
    count = 0
    try:
        for piece in pieces(stream, PIECE_BYTES, dice):
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


def check_reader(stream: bytes, dice: random.Random) -> int:
    """Read one stream to its end; give the number of messages."""
    return asyncio.run(_read_all(stream, dice))


async def _read_all(stream: bytes, dice: random.Random) -> int:
    source = asyncio.StreamReader()
    reader = ProtobufFrameReader(source, dice.choice([None, *FramingMode]), max_message_size=LIMIT_BYTES)
    for piece in pieces(stream, PIECE_BYTES, dice):
        source.feed_data(piece)
    source.feed_eof()
    try:
        while (message := await reader.read_message()) is not None:
            assert len(message) <= LIMIT_BYTES, "a message is larger than allowed"
    except FramingError as first:
        try:
            await reader.read_message()
        except FramingError as again:
            assert str(again) == str(first), "a broken stream is broken in another way"
        else:
            raise AssertionError("a broken stream goes on") from first
    assert reader.bytes_read <= len(stream), "more was read than there is"
    return reader.messages_read
