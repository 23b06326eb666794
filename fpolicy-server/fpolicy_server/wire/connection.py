"""The server's side of one connection, without any input or output of its own.

Give it what was read (`receive_data`, `receive_eof`), take events until `next_event` gives None, write what
`data_to_send` gives, and call `tick` now and then. It raises `PeerError` for anything the peer does wrong,
after which the state is FAILED, and `LocalError` when it is misused.

Every notification gets a token. The core never says that something is delivered: the caller does, once per
token, with `resolve`. An asynchronous engine expects no answer (docs/wire/messages.md), so resolving sends
nothing; it closes the account. For a synchronous engine (docs/wire/synchronous.md) resolving is what answers.
"""

from __future__ import annotations

from typing import Final, Protocol

from fpolicy_server.wire import codec
from fpolicy_server.wire.codec import UndecodableError
from fpolicy_server.wire.errors import LocalError, PeerError
from fpolicy_server.wire.events import (
    AlertReceived,
    Event,
    HandshakeReceived,
    IgnoreReason,
    MessageIgnored,
    NotificationReceived,
    OutageReported,
    Outcome,
    PeerClosed,
    RequestCancelled,
    StatusQueried,
    UndecodableReceived,
    VolumeChanged,
)
from fpolicy_server.wire.field_map import SETTING as FIELD_MAP_SETTING
from fpolicy_server.wire.field_map import FieldMap
from fpolicy_server.wire.framings import Framing, FramingMode, MessageCutter, encode_message
from fpolicy_server.wire.messages import (
    Alert,
    Cancel,
    FileNotification,
    Handshake,
    Header,
    MessageType,
    Outage,
    StatusQuery,
    VolumeChange,
)
from fpolicy_server.wire.protobuf_codec import ProtobufCodec
from fpolicy_server.wire.requests import ALLOW, ANSWERS_OF_1_0, DENY, Request, Requests
from fpolicy_server.wire.states import Input, State, after

VERSIONS: Final = ("2.0", "1.2", "1.1", "1.0")  # best first (docs/wire/versions.md)

_WITHOUT_EFFECT: Final = {
    MessageType.KEEP_ALIVE: IgnoreReason.KEEP_ALIVE,
    MessageType.NEGO_REQ: IgnoreReason.REPEATED_HANDSHAKE,
    MessageType.NEGO_RESP: IgnoreReason.WRONG_DIRECTION,
    MessageType.BACK_PRESSURE_APPLY: IgnoreReason.WRONG_DIRECTION,
    MessageType.BACK_PRESSURE_REM: IgnoreReason.WRONG_DIRECTION,
    MessageType.SCREEN_RESP: IgnoreReason.WRONG_DIRECTION,
    MessageType.STATUS_QUERY_RESP: IgnoreReason.WRONG_DIRECTION,
}
_OF_SYNCHRONOUS: Final = frozenset({MessageType.SCREEN_CANCEL, MessageType.STATUS_QUERY_REQ})
_OUTAGE_DONE: Final = "done"  # written Done in the schema document's sample: compared without case
_READING: Final = frozenset({State.NEW, State.ACTIVE, State.DRAINING})


class Codec(Protocol):
    """Payloads to messages and back: the module `codec` for XML, or a `ProtobufCodec`."""

    def split(self, payload: bytes) -> tuple[bytes, bytes]: ...
    def decode_header(self, data: bytes) -> Header: ...
    def decode_handshake(self, body: bytes) -> Handshake: ...
    def decode_notification(self, body: bytes) -> FileNotification: ...
    def decode_request_id(self, body: bytes) -> tuple[int, str]: ...
    def decode_cancel(self, body: bytes) -> Cancel: ...
    def decode_status_query(self, body: bytes) -> StatusQuery: ...
    def decode_alert(self, body: bytes) -> Alert: ...
    def decode_volume_change(self, body: bytes) -> VolumeChange: ...
    def decode_outage(self, body: bytes) -> Outage: ...
    def encode_handshake_response(self, handshake: Handshake, version: str) -> bytes: ...
    def encode_answer(self, request_id: int, request_type: str, answer: int) -> bytes: ...
    def encode_status(self, query: StatusQuery, *, is_waiting: bool) -> bytes: ...
    def encode_back_pressure(self, session_id: str, *, apply: bool) -> bytes: ...


class Connection:
    """One connection: one policy of one SVM. Times are seconds of any monotonic clock.

    `answer_deadline_seconds` is None for an asynchronous engine. The mode is not on the wire.
    A stream in quoted frames is XML. `framing_mode` says how protobuf may be framed (None: there is none),
    `field_map` what its fields mean.
    """

    def __init__(
        self,
        *,
        max_frame_bytes: int,
        handshake_timeout_seconds: float,
        read_timeout_seconds: float,
        answer_deadline_seconds: float | None = None,
        framing_mode: FramingMode | None = None,
        field_map: FieldMap | None = None,
    ) -> None:
        self.state = State.NEW
        self.handshake: Handshake | None = None
        self.version = ""
        self.wrong_content_lengths = 0  # tolerated (docs/wire/frame.md), but worth knowing
        self.requests = None if answer_deadline_seconds is None else Requests()
        self._answer_deadline_seconds = answer_deadline_seconds or 0.0
        self._frames = MessageCutter(framing_mode, max_frame_bytes, is_quoted_too=True)
        self._field_map = field_map
        self._codec: Codec = codec
        self._handshake_timeout_seconds = handshake_timeout_seconds
        self._read_timeout_seconds = read_timeout_seconds
        self._outgoing = bytearray()
        self._is_at_end = False
        self._is_throttling = False
        self._next_token = 1
        self._unresolved: dict[int, Request | None] = {}  # None: no answer is expected
        self._opened_at: float | None = None
        self._heard_at = 0.0
        self._now = 0.0
        self._has_heard = False

    @property
    def unresolved_count(self) -> int:
        """Tokens given out and not resolved yet."""
        return len(self._unresolved)

    @property
    def held_bytes(self) -> int:
        """Bytes received that no event was made of yet."""
        return self._frames.held_bytes

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer. Raises LocalError after the end of the stream."""
        if self._is_at_end or self.state in (State.CLOSED, State.FAILED):
            raise LocalError(f"data after the end, in state {self.state}")
        self._has_heard = True
        self._frames.feed(data)

    def receive_eof(self) -> None:
        """Take the end of the stream. Whole frames that came before it are still given out first."""
        self._is_at_end = True
        self._frames.feed_eof()

    def receive_reset(self, reason: str) -> None:
        """Take the loss of the connection. Whole frames come first, then PeerError (connection_reset)."""
        self._is_at_end = True
        self._frames.feed_reset(reason)

    def next_event(self) -> Event | None:
        """Give the next event, or None when there is nothing to say before more is received.

        Raises PeerError.
        """
        if self.state not in _READING:
            return None
        try:
            payload = self._frames.next_message()
            if payload is not None:
                return self._event_of(payload)
            if not self._is_at_end:
                return None
        except PeerError:
            self._step(Input.ERROR)
            raise
        self._step(Input.EOF)
        return PeerClosed()

    def accept(self, inherited: Requests | None = None) -> None:
        """Answer the handshake with the version of HandshakeReceived.

        `inherited` is what still waits for an answer from a connection of the same session that broke.
        """
        self._step(Input.ACCEPT)
        if inherited is not None:
            self.requests = inherited
        assert self.handshake is not None
        self._send(self._codec.encode_handshake_response(self.handshake, self.version))

    def apply_back_pressure(self) -> None:
        """Ask the node to pause. Asking twice sends one message."""
        self._throttle(wanted=True)

    def remove_back_pressure(self) -> None:
        """Tell the node to go on, if it was asked to pause. Not while draining: then it shall pause."""
        if self.state is not State.DRAINING:
            self._throttle(wanted=False)

    def drain(self) -> None:
        """Start to end: ask the node to pause, and keep taking what it still sends."""
        self._step(Input.DRAIN)
        if self.state is State.DRAINING:
            self.apply_back_pressure()

    def close(self) -> None:
        """End the connection from our side. Unresolved tokens stay resolvable."""
        self._step(Input.CLOSE)

    def data_to_send(self) -> bytes:
        """Give the bytes to write to the peer, each once."""
        if self.requests is not None and self.state in (State.ACTIVE, State.DRAINING):
            for request, answer in self.requests.take_answers():
                known = answer if self.version != "1.0" or answer in ANSWERS_OF_1_0 else DENY
                self._send(self._codec.encode_answer(request.request_id, request.request_type, known))
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def resolve(self, token: int, outcome: Outcome, answer: int = ALLOW) -> bool:
        """Close the account of one token, in any state; say whether an answer goes to the node.

        None goes out for FAILED (nobody has the event: the node shall ask elsewhere), nor when the request
        was cancelled or answered at its deadline. Raises LocalError if the token is not open.
        """
        try:
            request = self._unresolved.pop(token)
        except KeyError:
            raise LocalError(f"token {token} is not unresolved") from None
        if request is None or self.requests is None or outcome is Outcome.FAILED:
            return False
        return self.requests.answer(request, answer)

    def tick(self, now: float, *, is_reading: bool = True) -> int:
        """Let time pass; give the number of requests that were allowed because their deadline is over.

        Silence while we do not read ourselves is not held against the peer. Raises PeerError
        (handshake_timeout, read_timeout).
        """
        self._now = now
        if self._opened_at is None:
            self._opened_at = self._heard_at = now
        if self._has_heard or not is_reading:
            self._heard_at = now
            self._has_heard = False
        if self.state is State.NEW and now - self._opened_at > self._handshake_timeout_seconds:
            self._step(Input.ERROR)
            raise PeerError(
                f"no handshake within {self._handshake_timeout_seconds} s", code="handshake_timeout"
            )
        if self.state is State.ACTIVE and now - self._heard_at > self._read_timeout_seconds:
            self._step(Input.ERROR)
            raise PeerError(f"nothing read for {self._read_timeout_seconds} s", code="read_timeout")
        return 0 if self.requests is None else self.requests.answer_overdue(now)

    def _event_of(self, payload: bytes) -> Event:
        if self.state is State.NEW and self._frames.framing is not Framing.QUOTED:
            self._codec = self._protobuf_codec(len(payload))
        header_bytes, body = self._codec.split(payload)
        try:
            header = self._codec.decode_header(header_bytes)
        except UndecodableError as exc:
            if self.state is State.NEW:
                raise PeerError(f"first message: {exc}", code="message_before_handshake") from exc
            return self._undecodable(payload, exc)
        if self.state is State.NEW:
            return self._begin(header, body)
        self._step(Input.HANDSHAKE if header.type is MessageType.NEGO_REQ else Input.MESSAGE)
        if header.content_bytes != len(body):
            self.wrong_content_lengths += 1
        if header.type is MessageType.SCREEN_REQ:
            try:
                notification = self._codec.decode_notification(body)
            except UndecodableError as exc:
                return self._undecodable(payload, exc, self._request_of(body))
            request = self._open_request(notification.request_id, notification.request_type)
            return NotificationReceived(self._take_token(request), notification, payload)
        return self._other(header, body)

    def _protobuf_codec(self, message_bytes: int) -> ProtobufCodec:
        if self._field_map is None:
            raise PeerError(
                f"first message ({message_bytes} bytes) is not in XML's frame and {FIELD_MAP_SETTING} is not "
                "set. If the engine's format is protobuf: set it to xml, or keep the bytes "
                "(FPOLICY_CAPTURE_DIR), look at them (fpolicy-server inspect FILE) and write the map "
                "(docs/wire/protobuf.md)",
                code="protobuf_unmapped",
            )
        return ProtobufCodec(self._field_map)

    def _begin(self, header: Header, body: bytes) -> HandshakeReceived:
        if header.type is not MessageType.NEGO_REQ:
            raise PeerError(
                f"first message is {header.raw_type[:40]!r}; it must be NEGO_REQ",
                code="message_before_handshake",
            )
        try:
            handshake = self._codec.decode_handshake(body)
        except UndecodableError as exc:
            raise PeerError(str(exc), code="bad_handshake") from exc
        version = next((version for version in VERSIONS if version in handshake.versions), None)
        if version is None:
            raise PeerError(
                f"versions offered are {handshake.versions[:10]}; one of {VERSIONS} must be there",
                code="no_common_version",
            )
        self._step(Input.HANDSHAKE)
        self.handshake = handshake
        self.version = version
        return HandshakeReceived(handshake, version)

    def _undecodable(
        self, payload: bytes, exc: UndecodableError, request: Request | None = None
    ) -> UndecodableReceived:
        return UndecodableReceived(self._take_token(request), payload, str(exc))

    def _take_token(self, request: Request | None) -> int:
        token = self._next_token
        self._next_token += 1
        self._unresolved[token] = request
        return token

    def _open_request(self, request_id: int, request_type: str) -> Request | None:
        if self.requests is None:
            return None
        return self.requests.open(request_id, request_type, self._now + self._answer_deadline_seconds)

    def _request_of(self, body: bytes) -> Request | None:
        """Find out whom to answer in a notification that cannot be read; without an id, nobody."""
        if self.requests is None:
            return None
        try:
            return self._open_request(*self._codec.decode_request_id(body))
        except UndecodableError:
            return None

    def _other(self, header: Header, body: bytes) -> Event:
        """Read a message that carries no file operation."""
        if header.type is None:
            return MessageIgnored(header.raw_type, IgnoreReason.UNKNOWN_TYPE)
        if header.type in _WITHOUT_EFFECT:
            return MessageIgnored(header.raw_type, _WITHOUT_EFFECT[header.type])
        if header.type in _OF_SYNCHRONOUS and self.requests is None:
            return MessageIgnored(header.raw_type, IgnoreReason.NOT_ASYNCHRONOUS)
        try:
            return self._read_other(header.type, body)
        except UndecodableError:
            return MessageIgnored(header.raw_type, IgnoreReason.UNDECODABLE)

    def _read_other(self, kind: MessageType, body: bytes) -> Event:
        match kind:
            case MessageType.ALERT_MSG:
                alert = self._codec.decode_alert(body)
                return AlertReceived(alert.severity, alert.text)
            case MessageType.OUTAGE_MSG:
                outage = self._codec.decode_outage(body)
                return OutageReported(outage.path, outage.policy_name, outage.status.lower() == _OUTAGE_DONE)
            case MessageType.SCREEN_CANCEL:
                return self._cancel(body)
            case MessageType.STATUS_QUERY_REQ:
                return self._tell_status(body)
            case _:
                change = self._codec.decode_volume_change(body)
                return VolumeChanged(change.volume_msid, change.action)

    def _cancel(self, body: bytes) -> RequestCancelled:
        assert self.requests is not None
        cancel = self._codec.decode_cancel(body)
        was_waiting = self.requests.cancel(cancel.request_id)
        return RequestCancelled(cancel.request_id, cancel.reason, was_waiting)

    def _tell_status(self, body: bytes) -> StatusQueried:
        assert self.requests is not None
        query = self._codec.decode_status_query(body)
        is_waiting = self.requests.is_waiting(query.request_id)
        self._send(self._codec.encode_status(query, is_waiting=is_waiting))
        return StatusQueried(query.request_id, is_waiting)

    def _throttle(self, *, wanted: bool) -> None:
        if self.state not in (State.ACTIVE, State.DRAINING):
            raise LocalError(f"back pressure in state {self.state}")
        if wanted != self._is_throttling:
            assert self.handshake is not None
            self._is_throttling = wanted
            self._send(self._codec.encode_back_pressure(self.handshake.session_id, apply=wanted))

    def _send(self, payload: bytes) -> None:
        """Put a message into the stream's framing. What a field map does not have is empty: nothing goes."""
        if payload:
            self._outgoing += encode_message(payload, self._frames.framing or Framing.QUOTED)

    def _step(self, happening: Input) -> None:
        state = after(self.state, happening)
        if state is None:
            raise LocalError(f"{happening.value} is not possible in state {self.state}")
        self.state = state
