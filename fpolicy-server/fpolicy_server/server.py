"""The listener and all sessions: accepting, pressure over all of them, and the order of ending."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import socket
import weakref
from collections.abc import Callable
from functools import partial
from typing import Final

from fsxn_runtime.edge.log import Logger

from fpolicy_server import statistics
from fpolicy_server.capture import Captures
from fpolicy_server.delivery import Accounting, Delivery, Fate, Owner, Spool
from fpolicy_server.delivery.lane import Queue
from fpolicy_server.measures import RecentIds, Source
from fpolicy_server.reconnects import Reconnects
from fpolicy_server.session import Services, Session
from fpolicy_server.settings import Settings
from fpolicy_server.statistics import Statistics
from fpolicy_server.tls import TlsKeeper
from fpolicy_server.volume_keeper import VolumeKeeper

# Each call takes some 10 ms with SQS, most of it waiting; more calls at once only make smaller batches.
CALLS_IN_FLIGHT: Final = 8
BACKLOG: Final = 128  # nodes reconnect all at once after a restart
TICK_SECONDS: Final = 1.0  # time-outs are whole seconds
ANSWER_TICK_SECONDS: Final = 0.1  # deadlines of answers are given in milliseconds, 100 at least
ACCEPT_PAUSE_SECONDS: Final = 1.0  # after an error of accept itself, such as no file descriptors
# Parts of the shutdown deadline: a node that sends on in spite of back pressure is told by the end of our
# stream, early enough to read all that its buffers hold; reading may go on until the second mark; the rest
# is for the last batches.
HALF_CLOSE_SHARE: Final = 0.2
READING_SHARE: Final = 0.8
KEEPING_SHARE: Final = 0.05  # the last part of the deadline, for writing what is left to a lasting spool
CLOSING_SECONDS: Final = 2.0  # for closing the spool, after the deadline; a kill there loses nothing
IDS_PER_LINE: Final = 100
MAX_IDS_FROM_DISK: Final = 100_000  # log lines must not take longer than the container has to stop


class Server:
    """One process's service to every node. Must be made and used in the event loop."""

    def __init__(
        self,
        settings: Settings,
        queue: Queue,
        quarantine: Queue,
        volumes: VolumeKeeper,
        tls: TlsKeeper,
        counters: Statistics,
        now_us: Callable[[], int],
        log: Logger,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self._log = log
        self._counters = counters
        self._tls = tls
        self._sessions: set[Session] = set()
        # Those too whose connection has ended and whose events, which know their session, have not.
        self._unended: weakref.WeakSet[Session] = weakref.WeakSet()
        self._numbers = itertools.count(1)
        self._listener: socket.socket | None = None
        self._all_ended = asyncio.Event()
        self._all_ended.set()
        self._ended_replay_seconds = 0.0  # of sessions that have ended since the last report
        self.has_had_session = False
        self.accounting = Accounting(
            settings.max_unacked_events,
            settings.high_water_percent,
            settings.low_water_percent,
            on_pressure=self._pressure_changed,
            on_room=self._room_came,
            on_high=self._wake_spool if settings.spool else None,
        )
        self.delivery = Delivery(
            queue,
            quarantine,
            linger_seconds=settings.batch_linger_ms / 1000,
            events_per_message=settings.events_per_message,
            calls_in_flight=CALLS_IN_FLIGHT,
            on_retry=lambda: counters.count(statistics.RETRIES),
            log=log,
        )
        self._spool = self._make_spool()
        self._captures = None
        if settings.capture_dir is not None:
            self._captures = Captures(
                settings.capture_dir,
                lambda reason: counters.count(statistics.CAPTURE_FAILURES, reason=reason),
                log,
            )
        self._services = Services(
            settings=settings,
            delivery=self.delivery,
            accounting=self.accounting,
            statistics=counters,
            volumes=volumes,
            tls=tls,
            reconnects=Reconnects(),
            recent=RecentIds(),
            now_us=now_us,
            on_begin=self._session_began,
            on_end=self._session_ended,
        )

    @property
    def is_listening(self) -> bool:
        """Whether nodes can connect."""
        return self._listener is not None

    @property
    def active_sessions(self) -> int:
        """Sessions with a finished handshake."""
        return sum(session.is_active for session in self._sessions)

    @property
    def unacked_on_disk(self) -> int:
        """Events on a spool that dies with the host: they count as not acknowledged."""
        return 0 if self._spool is None or self._spool.is_lasting else self._spool.waiting

    @property
    def spool_bytes(self) -> int:
        """What events fill on the spool."""
        return 0 if self._spool is None else self._spool.used_bytes

    def take_replay_seconds(self) -> float:
        """Give the longest replay time of all sessions since the last call; 0 without a replay."""
        now = self._loop.time()
        longest = max((session.replay.take(now) for session in self._sessions), default=0.0)
        longest, self._ended_replay_seconds = max(longest, self._ended_replay_seconds), 0.0
        return longest

    def source_gauges(self) -> dict[str, dict[Source, float]]:
        """Give, for each SVM and policy: sessions, events not accepted yet, seconds of the longest replay.

        One that was there and is gone has zeros. Events on disk belong to none.
        """
        now, known = self._loop.time(), self._counters.sources.known
        opened, unacked, replays = (dict.fromkeys(known, 0.0) for _ in range(3))
        for session in self._unended:
            source = session.source
            if session.is_active:
                opened[source] = opened.get(source, 0) + 1
                seconds = session.replay.running_seconds(now)
                replays[source] = max(seconds, replays.get(source, 0.0))
            if session.unacked:
                unacked[source] = unacked.get(source, 0) + session.unacked
        return {
            statistics.SOURCE_OPEN: opened,
            statistics.SOURCE_UNACKED: unacked,
            statistics.SOURCE_REPLAY: replays,
        }

    def listen(self) -> None:
        """Open the listener. Raises OSError when the address cannot be used."""
        address = self._settings.listen
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Set before listening, so that accepted sockets have it from their first byte. It bounds what
            # a node may have written and we have not read (README, loss contract).
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._settings.recv_buffer_bytes)
            listener.bind((address.host, address.port))
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        listener.setblocking(False)
        self._listener = listener
        self._loop.add_reader(listener, self._accept)
        self._log.info("server.listening", host=address.host, port=address.port)

    async def tick(self) -> None:
        """Let every session's clock advance, until cancelled."""
        is_synchronous = self._settings.answer_deadline_ms is not None
        while True:
            await asyncio.sleep(ANSWER_TICK_SECONDS if is_synchronous else TICK_SECONDS)
            self._tls.refresh()
            for session in list(self._sessions):
                session.tick()

    async def overflow(self) -> None:
        """Move events between memory and the spool until cancelled, if there is a spool."""
        if self._spool is not None:
            await self._spool.run()

    async def drain(self) -> list[str]:
        """End everything in the order that loses nothing. Gives the ids of what could not be delivered.

        Stop listening; ask every node to pause; read on. When a node has been silent for the idle time (or
        a part of the deadline is over) it is told by the end of our stream; when it has closed in turn, or
        is silent again, its connection is closed. Then wait for the queue; what it did not take by then is
        written to a lasting spool.
        """
        began = self._loop.time()
        deadline = began + self._settings.shutdown_deadline_seconds
        self._stop_listening()
        self.delivery.flush()
        for session in list(self._sessions):
            session.drain()
        await self._read_to_the_end(
            half_close_at=began + self._settings.shutdown_deadline_seconds * HALF_CLOSE_SHARE,
            until=began + self._settings.shutdown_deadline_seconds * READING_SHARE,
        )
        for session in list(self._sessions):
            session.close("shutdown_deadline")
        undelivered = await self._deliver_the_rest(deadline)
        if self._captures is not None:
            await self._captures.close()
        for first in range(0, len(undelivered), IDS_PER_LINE):
            self._log.error("events.undelivered", event_ids=undelivered[first : first + IDS_PER_LINE])
        self._log.info(
            "server.drained",
            seconds=round(self._loop.time() - began, 3),
            received=self._counters.total(statistics.RECEIVED),
            delivered=self._counters.total(statistics.DELIVERED),
            quarantined=self._counters.total(statistics.QUARANTINED),
            undelivered=len(undelivered),
        )
        return undelivered

    async def _deliver_the_rest(self, deadline: float) -> list[str]:
        """Empty memory, and a spool that dies with us, until the deadline. Gives the ids of what is lost."""
        spool = self._spool
        if spool is None:
            await self.delivery.wait_until_empty(deadline - self._loop.time())
            return self.delivery.abandon()
        lost: list[str] = []
        if spool.is_lasting:
            spool.stop_loading()
            keep_at = deadline - self._settings.shutdown_deadline_seconds * KEEPING_SHARE
            await self.delivery.wait_until_empty(keep_at - self._loop.time())
            await spool.keep(deadline - self._loop.time())
        else:
            await spool.wait_until_empty(deadline - self._loop.time())
            self._counters.count(statistics.UNDELIVERED, spool.waiting)
            lost = await spool.left(MAX_IDS_FROM_DISK)
        lost += self.delivery.abandon()
        await spool.close(CLOSING_SECONDS)
        return lost

    async def _read_to_the_end(self, *, half_close_at: float, until: float) -> None:
        idle_seconds = self._settings.drain_idle_ms / 1000
        while self._sessions and (now := self._loop.time()) < until:
            for session in list(self._sessions):
                is_silent = session.is_silent_since(now - idle_seconds) and not session.owes_answers
                if session.is_half_closed and is_silent:
                    session.close("drained")
                elif is_silent or now >= half_close_at:
                    session.half_close()
            due = min((session.heard_at for session in self._sessions), default=now) + idle_seconds
            # A session that waits for room has no time at which it becomes silent; look again after a while.
            wake_at = min(until, due if due > now else now + idle_seconds)
            await _wait(self._all_ended, wake_at - now)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _make_spool(self) -> Spool | None:
        settings = self._settings.spool
        if settings is None:
            return None
        counters = self._counters
        return Spool(
            settings.directory,
            max_bytes=settings.max_bytes,
            is_lasting=settings.is_lasting,
            owner=Owner.here(),
            accounting=self.accounting,
            delivery=self.delivery,
            on_spooled=partial(counters.count, statistics.SPOOLED),
            on_failure=lambda reason: counters.count(statistics.SPOOL_FAILURES, reason=reason),
            on_end=self._ended_from_disk,
            log=self._log,
        )

    def _wake_spool(self) -> None:
        if self._spool is not None:
            self._spool.wake()

    def _ended_from_disk(self, fate: Fate, reason: str) -> None:
        if fate is Fate.ACCEPTED:
            self._counters.count(statistics.DELIVERED)
        elif fate is Fate.QUARANTINED:
            self._counters.count(statistics.QUARANTINED, reason=reason)
        elif fate is Fate.ABANDONED and self._settings.spool and not self._settings.spool.is_lasting:
            self._counters.count(statistics.UNDELIVERED)

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            accepted, address = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as exc:
            self._log.error("accept.failed", error=exc)
            self._loop.remove_reader(self._listener)
            self._loop.call_later(ACCEPT_PAUSE_SECONDS, self._accept_again)
            return
        self._counters.count(statistics.OPENED)
        refusal = self._refusal(address[0])
        if refusal:
            self._log.warning("connection.refused", peer=address[0], reason=refusal)
            self._counters.count(statistics.CLOSED, reason=refusal)
            accepted.close()
            return
        accepted.setblocking(False)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        log = self._log.bind(connection=next(self._numbers), peer=f"{address[0]}:{address[1]}")
        capture = None
        if self._captures is not None:
            capture = self._captures.begin(f"{address[0]}-{address[1]}", self._services.now_us())
        session = Session(accepted, self._services, log, capture)
        self._sessions.add(session)
        self._unended.add(session)
        self._all_ended.clear()
        log.info("connection.accepted")
        session.start()

    def _accept_again(self) -> None:
        if self._listener is not None:
            self._loop.add_reader(self._listener, self._accept)

    def _refusal(self, host: str) -> str:
        if len(self._sessions) >= self._settings.max_connections:
            return "too_many_connections"
        peer = ipaddress.ip_address(host.partition("%")[0])
        # A listener on :: sees IPv4 peers as ::ffff:a.b.c.d.
        peer = getattr(peer, "ipv4_mapped", None) or peer
        allowed = self._settings.allowed_peers
        if allowed and not any(peer in network for network in allowed):
            return "peer_not_allowed"
        return ""

    def _session_began(self) -> None:
        self.has_had_session = True

    def _session_ended(self, session: Session) -> None:
        self._sessions.discard(session)
        replay_seconds = session.replay.take(self._loop.time())
        self._ended_replay_seconds = max(self._ended_replay_seconds, replay_seconds)
        if not self._sessions:
            self._all_ended.set()

    def _pressure_changed(self, is_pressing: bool) -> None:
        if is_pressing:
            self._counters.count(statistics.BACK_PRESSURE)
        self._log.warning("pressure.changed", is_pressing=is_pressing, unacked=self.accounting.count)
        for session in list(self._sessions):
            session.apply_back_pressure(is_pressing)

    def _room_came(self) -> None:
        # Later, not now: whoever closed the account that made room is in the middle of closing others.
        self._loop.call_soon(self._resume_reading)

    def _resume_reading(self) -> None:
        for session in list(self._sessions):
            session.resume()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most so long."""
    try:
        await asyncio.wait_for(event.wait(), max(0.0, seconds))
    except TimeoutError:
        pass  # the caller looks at what is left
