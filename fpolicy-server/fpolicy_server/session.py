"""One connection: its socket, the protocol core, and the account of every event it brought.

The socket is read by callback as soon as it is readable, and written by itself: a node that does not read,
or that is gone, never keeps us from taking what it has sent. That is why no asyncio transport is used here:
a transport gives up reading when a write fails, with bytes still waiting in the socket.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import orjson
from fsxn_runtime.events import EventType

from fpolicy_server import statistics
from fpolicy_server.capture import Capture
from fpolicy_server.delivery import Accounting, Delivery, Fate, Parcel
from fpolicy_server.logs import Log
from fpolicy_server.measures import OTHER, RecentIds, ReplayClock, Source
from fpolicy_server.reconnects import Reconnects
from fpolicy_server.settings import Settings
from fpolicy_server.statistics import Statistics
from fpolicy_server.tls import TlsKeeper
from fpolicy_server.translate import SessionFacts, translate
from fpolicy_server.verdict import verdict
from fpolicy_server.volume_keeper import VolumeKeeper
from fpolicy_server.wire import (
    ALLOW,
    UNBROKEN_CODES,
    AlertReceived,
    Connection,
    Event,
    HandshakeReceived,
    IgnoreReason,
    MessageIgnored,
    NotificationReceived,
    OutageReported,
    Outcome,
    PeerClosed,
    PeerError,
    RequestCancelled,
    State,
    StatusQueried,
    UndecodableReceived,
    VolumeChanged,
)

# What one read takes: some 65 notifications, about 5 ms of work. At the hard bound so much may be held in
# memory beyond the events that are counted (README, loss contract).
READ_BYTES: Final = 64 * 1024

# A node that sends requests and does not read our answers. ONTAP has at most 10,000 requests outstanding
# (docs/wire/synchronous.md), each answered by some 260 bytes; twice that is no node any more.
MAX_UNREAD_BYTES: Final = 5 * 1024 * 1024

_OUTCOMES: Final = {
    Fate.ACCEPTED: Outcome.DELIVERED,
    Fate.QUARANTINED: Outcome.QUARANTINED,
    Fate.SPOOLED: Outcome.DELIVERED,  # as far as the node is concerned; it is sent from the disk
    Fate.ABANDONED: Outcome.FAILED,
}


@dataclass(frozen=True, slots=True)
class Services:
    """What every session shares."""

    settings: Settings
    delivery: Delivery
    accounting: Accounting
    statistics: Statistics
    volumes: VolumeKeeper
    tls: TlsKeeper
    reconnects: Reconnects
    recent: RecentIds
    now_us: Callable[[], int]  # microseconds since 1970
    on_begin: Callable[[], None]  # a handshake is done
    on_end: Callable[[Session], None]


class Session:
    """Reads one connection until it ends. All methods run in the event loop."""

    def __init__(
        self, sock: socket.socket, services: Services, log: Log, capture: Capture | None = None
    ) -> None:
        settings = services.settings
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._services = services
        self._log = log
        self._connection = Connection(
            max_frame_bytes=settings.max_frame_bytes,
            handshake_timeout_seconds=settings.handshake_timeout_seconds,
            read_timeout_seconds=settings.read_timeout_seconds,
            answer_deadline_seconds=(
                None if settings.answer_deadline_ms is None else settings.answer_deadline_ms / 1000
            ),
            framing_mode=settings.framing_mode,
            field_map=settings.field_map,
        )
        self._layer = services.tls.layer()
        self._capture = capture
        self._facts = SessionFacts("", "", "", 0)
        self._measure_as(OTHER)
        self._outgoing = b""
        self._is_reading = False
        self._is_looking_again = False
        self._is_open = True
        self._is_half_closed = False
        self._is_answering = False  # answers will be written in this turn of the loop
        self.replay = ReplayClock(self._loop.time())
        self.heard_at = self._loop.time()
        self._read_at = 0.0  # of the last bytes, by the loop's clock
        self._read_at_us = 0  # the same as microseconds since 1970
        self._taken = 0  # events that the statistics do not know yet

    @property
    def is_active(self) -> bool:
        """Whether the handshake is done and the connection not ended."""
        return self._is_open and self._connection.state in (State.ACTIVE, State.DRAINING)

    def is_silent_since(self, moment: float) -> bool:
        """Whether nothing came from the node after `moment` (loop time), as far as we read it.

        Looks at the socket once more: it may be this process that stood still. Silence at the hard bound,
        where we do not read, means nothing.
        """
        if self._is_reading and self.heard_at <= moment:
            self._readable()
        return self._is_reading and self.heard_at <= moment

    @property
    def unacked(self) -> int:
        """Events that came over this connection and are not accepted yet."""
        return self._connection.unresolved_count

    def start(self) -> None:
        """Begin to read."""
        self._connection.tick(self._loop.time())
        self.resume()

    def resume(self) -> None:
        """Take what was received, then read on, as long as there is room for events."""
        if not self._is_open:
            return
        self._take_events()
        if self._is_open and not self._is_reading and self._may_take:
            self._is_reading = True
            self._loop.add_reader(self._socket, self._readable)

    @property
    def owes_answers(self) -> bool:
        """Whether the node waits for answers that can still be given on this connection."""
        requests = self._connection.requests
        return self._is_open and not self._is_half_closed and requests is not None and not requests.is_empty

    def tick(self) -> None:
        """Let the protocol's clock advance."""
        if not self._is_open:
            return
        try:
            late = self._connection.tick(self._loop.time(), is_reading=self._is_reading)
        except PeerError as exc:
            self._fail(exc)
            return
        if late:
            self._services.statistics.count(statistics.ANSWERS, late, reason="late")

    def apply_back_pressure(self, wanted: bool) -> None:
        """Ask the node to pause, or to go on."""
        if self.is_active:
            if wanted:
                self._connection.apply_back_pressure()
            else:
                self._connection.remove_back_pressure()
            self._send()

    def drain(self) -> None:
        """Ask the node to pause, and keep reading. A connection without handshake ends at once."""
        if not self._is_open:
            return
        self._connection.drain()
        self._send()
        if self._connection.state is State.CLOSED:
            self._end("drained")

    def half_close(self) -> None:
        """Tell the node that nothing more comes from us. It closes in turn; until then we read."""
        if self._is_open and not self._is_half_closed:
            self._is_half_closed = True
            self.heard_at = self._loop.time()
            # What could not be written is dropped, and a socket that is shut counts as writable for ever.
            is_cut, self._outgoing = bool(self._outgoing), b""
            self._loop.remove_writer(self._socket)
            try:
                if not is_cut and (ending := self._layer.ending()):
                    self._socket.send(ending)
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the node is gone already

    @property
    def is_half_closed(self) -> bool:
        """Whether `half_close` was called."""
        return self._is_half_closed

    def close(self, reason: str) -> None:
        """End the connection from our side."""
        if self._is_open:
            self._connection.close()
            self._end(reason)

    def _count_taken(self) -> None:
        """Tell the statistics once for all events of a read."""
        services, taken, self._taken = self._services, self._taken, 0
        if taken:
            services.statistics.count(statistics.RECEIVED, taken, source=self.source)
            unacked = services.accounting.count
            services.statistics.peak_unacked = max(services.statistics.peak_unacked, unacked)

    @property
    def _may_take(self) -> bool:
        """Whether the next event may be taken. A handshake always: a node waits only 2 s for its answer."""
        return self._services.accounting.has_room or self._connection.state is State.NEW

    def _readable(self) -> None:
        """Read once, and look again in the next turn of the loop until nothing is there.

        uvloop watches a socket no more once it has an error, after one last call: what was received before a
        reset, and the reset itself, must be fetched without being called (tests/server/test_shutdown.py).
        """
        if not self._is_reading:
            return
        lost = ""
        try:
            data = self._socket.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            # Everything that had arrived before is already read: the kernel reports an error only then.
            lost = str(exc)
            data = b""
        try:
            plain = self._layer.received(data)
        except PeerError as exc:
            self._send()  # TLS tells the peer why
            self._fail(exc)
            return
        if data:
            self.heard_at = self._read_at = self._loop.time()
            self._read_at_us = self._services.now_us()
        if plain:
            if self._capture is not None:
                self._capture.take(plain)
            self._connection.receive_data(plain)
        self._send()  # what TLS has to say
        if not data or self._layer.is_ended:
            self._stop_reading()
            if lost:
                self._connection.receive_reset(lost)
            else:
                self._connection.receive_eof()
        self._take_events()
        if data and self._is_reading and not self._is_looking_again:
            self._is_looking_again = True
            self._loop.call_soon(self._look_again)

    def _look_again(self) -> None:
        self._is_looking_again = False
        self._readable()

    def _take_events(self) -> None:
        """Turn what was received into events while there is room; stop reading when there is none."""
        try:
            while self._is_open and self._may_take:
                event = self._connection.next_event()
                if event is None:
                    break
                self._handle(event)
        except PeerError as exc:
            self._fail(exc)
        self._count_taken()
        if self._is_open and not self._may_take and self._is_reading:
            self._stop_reading()
            self._services.statistics.count(statistics.READS_PAUSED)

    def _handle(self, event: Event) -> None:
        match event:
            case NotificationReceived():
                self._deliver(event)
            case UndecodableReceived():
                self._keep(event)
            case HandshakeReceived():
                self._greet(event)
            case MessageIgnored():
                if event.reason is not IgnoreReason.KEEP_ALIVE:
                    self._services.statistics.count(statistics.FILTERED, reason=event.reason)
                self._log.debug("message.ignored", type=event.raw_type[:40], reason=event.reason)
            case AlertReceived():
                self._services.statistics.count(statistics.ALERTS)
                self._log.warning("node.alert", severity=event.severity[:40], text=event.text[:500])
            case VolumeChanged():
                self._log.info("volume.changed", volume_msid=event.volume_msid, action=event.action[:40])
                self._services.volumes.expect_change()
            case RequestCancelled():
                self._services.statistics.count(statistics.CANCELLED)
                self._log.info(
                    "request.cancelled",
                    request_id=event.request_id,
                    reason=event.reason[:40],
                    was_waiting=event.was_waiting,
                )
            case StatusQueried():
                self._send()
                self._log.info("request.queried", request_id=event.request_id, is_waiting=event.is_waiting)
            case OutageReported():
                self._note_outage(event)
            case PeerClosed():
                self._end("peer")

    def _measure_as(self, source: Source) -> None:
        """Count and measure for this SVM and policy from now on."""
        known = self._services.statistics
        self.source = source
        self._delivery_latency = known.latency_of(statistics.LATENCY, source)
        self._operation_latency = known.latency_of(statistics.OPERATION_LATENCY, source)

    def _greet(self, event: HandshakeReceived) -> None:
        settings, handshake = self._services.settings, event.handshake
        if settings.allowed_policies and handshake.policy_name not in settings.allowed_policies:
            self._log.warning("policy.refused", policy=handshake.policy_name[:256])
            self.close("policy_not_allowed")
            return
        self._connection.accept(self._services.reconnects.claim(handshake, self._loop.time()))
        if self._connection.requests is not None:
            self._connection.requests.on_answer = self._answer_soon
        self._facts = SessionFacts(
            handshake.svm_uuid, handshake.policy_name, handshake.session_id, self._services.now_us()
        )
        svm_name = self._services.volumes.current.svm_name(handshake.svm_uuid) or handshake.svm_uuid
        self._measure_as(self._services.statistics.sources.label(svm_name, handshake.policy_name))
        self.replay = ReplayClock(self._loop.time())
        self._send()
        self._log.info(
            "session.began",
            svm_uuid=handshake.svm_uuid,
            policy=handshake.policy_name,
            session_id=handshake.session_id,
            version=event.version,
        )
        self._services.on_begin()
        if self._services.accounting.is_pressing:
            self.apply_back_pressure(True)

    def _deliver(self, event: NotificationReceived) -> None:
        services = self._services
        self._take_account()
        try:
            translation = translate(
                event.notification,
                self._facts,
                services.volumes.current,
                services.settings.path_root,
                self._read_at_us,
            )
            body = event_body(translation.event.to_dict())
        except Exception as exc:  # noqa: BLE001 - whatever is wrong with it, its bytes must not be lost
            self._quarantine(event.token, event.payload, "untranslatable", repr(exc))
            return
        file_event = translation.event
        if rules := services.settings.deny_rules:
            answer = verdict(rules, file_event.file_path, file_event.target_path)
            if answer != ALLOW:
                self._deny(event.token, answer)
                return
        if file_event.replayed:
            services.statistics.count(statistics.REPLAYED)
            self.replay.note(self._read_at)
        if not translation.is_resolved:
            services.statistics.count(statistics.UNRESOLVED_NAMES)
            services.volumes.want_refresh()
        if file_event.event_type is EventType.UNKNOWN:
            services.statistics.count(statistics.UNKNOWN_OPERATIONS)
        if services.recent.is_repeat(file_event.event_id):
            services.statistics.count(statistics.DUPLICATES, source=self.source)
        # A replayed event was late before it came, and the difference says nothing about this path.
        operated_at_us = None if file_event.replayed else translation.operated_at_us
        parcel = Parcel(
            id=file_event.event_id,
            event_type=file_event.event_type._value_,  # without the descriptor that is written in Python
            body=body,
            payload=event.payload,
            on_end=partial(self._resolve, event.token, self._read_at, operated_at_us),
        )
        services.delivery.submit(parcel)

    def _keep(self, event: UndecodableReceived) -> None:
        self._take_account()
        self._quarantine(event.token, event.payload, "undecodable", event.reason)

    def _quarantine(self, token: int, payload: bytes, reason: str, detail: str) -> None:
        parcel = Parcel(
            id=f"{self._facts.session_id}:{token}",
            event_type="",
            body=b"",
            payload=payload,
            on_end=partial(self._resolve, token, self._read_at, None),
        )
        self._services.delivery.quarantine(parcel, reason, detail)

    def _take_account(self) -> None:
        self._taken += 1
        self._services.accounting.add()

    def _deny(self, token: int, answer: int) -> None:
        """Refuse an operation: it will not happen, so it is no event."""
        services = self._services
        services.statistics.count(statistics.FILTERED, reason="denied")
        if self._connection.resolve(token, Outcome.FILTERED, answer):
            services.statistics.count(statistics.ANSWERS, reason="denied")
        services.accounting.remove()

    def _note_outage(self, event: OutageReported) -> None:
        """A node kept notifications in a file of its own, in a format that is not public."""
        if event.is_done:
            self._log.info("outage.reported")
            return
        self._services.statistics.count(statistics.OUTAGE_FILES)
        self._log.warning("outage.file", policy=event.policy_name[:256])
        self._log.debug("outage.file_path", path=event.path[:500])

    def _answer_soon(self) -> None:
        """Write answers once in this turn of the loop: a batch of the queue makes many at a time."""
        if not self._is_answering:
            self._is_answering = True
            self._loop.call_soon(self._write_answers)

    def _write_answers(self) -> None:
        self._is_answering = False
        if not self._is_open:
            return
        self._send()
        if len(self._outgoing) > MAX_UNREAD_BYTES:
            self._fail(PeerError(f"{len(self._outgoing)} bytes of answers not read", code="answers_unread"))

    def _resolve(
        self, token: int, received_at: float, operated_at_us: int | None, fate: Fate, reason: str
    ) -> None:
        """Close the account of one event, also long after the connection has ended."""
        services = self._services
        if fate is Fate.ACCEPTED:
            services.statistics.count(statistics.DELIVERED, source=self.source)
            self._delivery_latency.add((self._loop.time() - received_at) * 1000)
            if operated_at_us is not None:
                self._operation_latency.add((services.now_us() - operated_at_us) / 1000)
        elif fate is Fate.QUARANTINED:
            services.statistics.count(statistics.QUARANTINED, reason=reason, source=self.source)
        elif fate is Fate.SPOOLED:
            services.statistics.count_of_source(statistics.SPOOLED, self.source)
        elif fate is Fate.ABANDONED:
            services.statistics.count(statistics.UNDELIVERED)
        if self._connection.resolve(token, _OUTCOMES[fate]):
            services.statistics.count(statistics.ANSWERS, reason="allowed")
        services.accounting.remove()

    def _send(self) -> None:
        """Write what the protocol has to say, as far as the socket takes it."""
        said = self._connection.data_to_send()
        if self._is_half_closed:
            return
        self._outgoing += self._layer.sent(said)
        if not self._outgoing:
            return
        try:
            self._outgoing = self._outgoing[self._socket.send(self._outgoing) :]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as exc:
            self._log.info("connection.unwritable", error=exc)
            self._outgoing = b""  # reading goes on to its own end
        if self._outgoing:
            self._loop.add_writer(self._socket, self._send)
        else:
            self._loop.remove_writer(self._socket)

    def _stop_reading(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._socket)

    def _fail(self, exc: PeerError) -> None:
        if exc.code not in UNBROKEN_CODES:
            self._services.statistics.count(statistics.MALFORMED, reason=exc.code)
        self._log.warning("peer.failed", error=exc)
        self._end(exc.code)

    def _end(self, reason: str) -> None:
        self._stop_reading()
        self._loop.remove_writer(self._socket)
        self._is_open = False
        self._socket.close()
        if self._connection.requests is not None and self._connection.handshake is not None:
            self._services.reconnects.leave(
                self._connection.handshake, self._connection.requests, self._loop.time()
            )
        self._services.statistics.count(statistics.CLOSED, reason=reason)
        self._log.info("connection.ended", reason=reason, unresolved=self._connection.unresolved_count)
        self._services.on_end(self)


def event_body(event: dict[str, object]) -> bytes:
    """Write an event as the text of a queue message.

    SQS refuses U+FFFE and U+FFFF (Amazon SQS SendMessage reference); JSON can write them as escapes, which
    they mean the same in. Control characters JSON escapes anyway.
    """
    # orjson leaves the spare room of its buffer in the object, 4 KiB and more; a copy has the right size.
    body = memoryview(orjson.dumps(event)).tobytes()
    if b"\xef\xbf" in body:
        body = body.replace(b"\xef\xbf\xbe", b"\\ufffe").replace(b"\xef\xbf\xbf", b"\\uffff")
    return body
