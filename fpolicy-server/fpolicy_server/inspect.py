"""`fpolicy-server inspect FILE`: what captured bytes may be, tried in every framing, without a schema.

With a field map in the environment it also says what the server would make of each protobuf message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fsxn_runtime.errors import MisconfiguredError

from fpolicy_server.wire import FieldMap, MessageType
from fpolicy_server.wire.codec import UndecodableError
from fpolicy_server.wire.framings import Framing, FramingError, FramingMode, MessageCutter
from fpolicy_server.wire.protobuf import Field, ProtobufError, lines, parse
from fpolicy_server.wire.protobuf_codec import ProtobufCodec

MAX_FILE_BYTES = 64 * 1024 * 1024
SHOWN_MESSAGES = 20

# A name in a capture may hold what a terminal obeys instead of showing.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_MODES: dict[Framing, FramingMode | None] = {
    Framing.QUOTED: None,
    Framing.LENGTH_PREFIXED: FramingMode.LENGTH_PREFIXED,
    Framing.FRAMELESS: FramingMode.FRAMELESS,
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a capture: XML, or a protobuf tree, or neither."""

    offset: int
    content: bytes
    tree: tuple[Field, ...] | None
    text: str  # the XML, or why it is no protobuf

    @property
    def size(self) -> int:
        """Bytes, without the framing."""
        return len(self.content)


@dataclass(slots=True)
class Reading:
    """A capture in one framing. `error`: where it ended to fit; `cut`: it ends within a message."""

    name: str
    messages: list[Message] = field(default_factory=list)
    covered_bytes: int = 0
    error: str = ""
    cut: str = ""

    @property
    def understood(self) -> int:
        """Messages that are XML or a protobuf tree."""
        return sum(message.tree is not None or message.text.startswith("<") for message in self.messages)


def read_capture(path: Path) -> bytes:
    """Read a capture. Raises MisconfiguredError when it cannot be read or is too large."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise MisconfiguredError(
                f"{path} has {path.stat().st_size} bytes; at most {MAX_FILE_BYTES} are inspected",
                code="capture_unreadable",
            )
        return path.read_bytes()
    except OSError as exc:
        raise MisconfiguredError(f"cannot read {path}: {exc.strerror}", code="capture_unreadable") from exc


def readings(data: bytes, max_message_bytes: int) -> list[Reading]:
    """Read the bytes in every framing, and as one bare message; the most convincing first.

    Convincing is what understands most messages and covers most bytes, in this order.
    """
    found = [_framed(data, framing, max_message_bytes) for framing in Framing]
    bare = Reading("one bare protobuf message", [_message(data, 0)], len(data))
    if bare.messages[0].tree is None:
        bare.error = bare.messages[0].text
    found.append(bare)
    return sorted(
        found,
        key=lambda reading: (not reading.error, reading.understood, reading.covered_bytes),
        reverse=True,
    )


def _framed(data: bytes, framing: Framing, max_message_bytes: int) -> Reading:
    cutter = MessageCutter(_MODES[framing], max_message_bytes)
    cutter.feed(data)
    cutter.feed_eof()
    reading = Reading(framing.value)
    try:
        while (content := cutter.next_message()) is not None:
            reading.messages.append(_message(content, cutter.offset - len(content)))
            reading.covered_bytes = cutter.offset
    except FramingError as exc:
        # The server keeps only so many bytes of a connection: such a file ends anywhere.
        if exc.code == "truncated_frame" and reading.messages:
            reading.cut = str(exc)
        else:
            reading.error = str(exc)
    return reading


def _message(content: bytes, offset: int) -> Message:
    if content.startswith(b"<?xml"):
        text = content.rstrip(b"\0").decode("utf-8", "backslashreplace")
        return Message(offset, content, None, _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text))
    try:
        return Message(offset, content, parse(content), "")
    except ProtobufError as exc:
        return Message(offset, content, None, f"no protobuf: {exc}")


def report(data: bytes, found: list[Reading], field_map: FieldMap | None = None) -> Iterator[str]:
    """Say for every framing how far it fits, then draw the first messages of the best one."""
    yield f"{len(data)} bytes, begins with {data[:32].hex(' ')}"
    for reading in found:
        state = reading.error or reading.cut or "fits to the last byte"
        yield (
            f"{reading.name}: {len(reading.messages)} messages, {reading.understood} understood, "
            f"{reading.covered_bytes} bytes; {state}"
        )
    best = found[0]
    if not best.understood:
        yield "no framing fits: please keep the capture; docs/wire/protobuf.md says what is known"
        return
    yield f"the first messages as {best.name}; a line is: offset, field number, kind (a guess), value"
    codec = None if field_map is None else ProtobufCodec(field_map)
    for message in best.messages[:SHOWN_MESSAGES]:
        yield f"-- message at byte {message.offset}, {message.size} bytes"
        if message.tree is None:
            yield message.text
            continue
        yield from lines(message.tree)
        if codec is not None:
            yield f"by the field map: {_meaning(codec, message.content)}"


def _meaning(codec: ProtobufCodec, content: bytes) -> str:
    """Say what the server makes of a protobuf message, or why it makes nothing of it."""
    try:
        kind = codec.decode_header(content).type
        match kind:
            case MessageType.NEGO_REQ:
                value: object = codec.decode_handshake(content)
            case MessageType.SCREEN_REQ:
                value = codec.decode_notification(content)
            case MessageType.SCREEN_CANCEL:
                value = codec.decode_cancel(content)
            case MessageType.STATUS_QUERY_REQ:
                value = codec.decode_status_query(content)
            case MessageType.ALERT_MSG:
                value = codec.decode_alert(content)
            case MessageType.VOL_NOTFICATION:
                value = codec.decode_volume_change(content)
            case MessageType.OUTAGE_MSG:
                value = codec.decode_outage(content)
            case _:
                value = ""
    except UndecodableError as exc:
        return f"cannot be read: {exc}"
    return f"{kind} {value!r}" if value else str(kind)
