"""A node's wish to be connected to one server of a policy: dialling, sessions, lock-out, and what is written.

By default a notification is gone for the node once it is written to the socket, the worst case that the
references allow (FPolicy wire reference 7.1, 7.3); the switch `delivered` has kinder readings.
"""

from __future__ import annotations

import asyncio
import time
import uuid
import zlib
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lab.ontap_sim.asking import Pending, Timers
from lab.ontap_sim.config import Switches
from lab.ontap_sim.fpolicy_fields import seconds
from lab.ontap_sim.link import Link, Session
from lab.ontap_sim.model import Operation
from lab.ontap_sim.wire import Message

if TYPE_CHECKING:
    from lab.ontap_sim.delivery import Channel

_BATCH = 64  # about 70 KB of frames: one write, then other connections get their turn
_BREAKS_TO_LOCK = 4  # breaks by a full send buffer ...
_BREAK_WINDOW_SECONDS = 120.0  # ... within two minutes, after which a node does not reconnect by itself
_BY_HAND = "FPolicy server was disconnected by an administrator."
# `delivered: repeat` sends so much again: more than a send buffer (1 MiB) and Linux's largest receive buffer.
_REPEATED_BYTES = 8 << 20


class Connection:
    """One node, one policy, one server, over as many links as it takes."""

    def __init__(self, channel: Channel, server: str) -> None:
        self.server = server
        self.session_id = ""
        self.throttled = False
        self.wanted = False
        self.is_down_by_hand = False
        self.reason: dict[str, object] = {}
        self.updated_at = datetime.now(UTC)
        self._channel = channel
        self._outbox: deque[Operation] = deque()
        self._written: deque[tuple[int, Operation]] = (
            deque()
        )  # end in the stream; empty when `delivered: written`
        self._link: Link | None = None
        self._request_id = 0
        self._lost_at = float("-inf")
        self._failures = 0
        self._told_failure = False  # once for each outage, or retries would be all that the log holds
        self._breaks: deque[float] = deque(maxlen=_BREAKS_TO_LOCK)
        self._dialling: asyncio.Task[None] | None = None
        self._pump_due = False
        self._pending = Pending(self._tell_request, channel.dialect)

    @property
    def _switches(self) -> Switches:
        return self._channel.delivery.switches  # some may change while we stand

    @property
    def is_ready(self) -> bool:
        """Say whether the handshake is done and the connection stands."""
        return self._link is not None and bool(self._link.version)

    @property
    def has_failed(self) -> bool:
        """Say whether the server could not be reached, or was left, since it was last connected."""
        return not self.is_ready and (self._failures > 0 or not self.wanted)

    @property
    def waiting(self) -> int:
        """Count notifications not yet written to the socket, and requests without an answer."""
        return len(self._outbox) + self._pending.count

    def dial(self) -> None:
        """Connect now and forget earlier failures (enabling a policy, or PATCH connected)."""
        self.wanted, self.is_down_by_hand = True, False
        self._failures, self._told_failure = 0, False
        self._breaks.clear()
        self._dial_after(0.0)

    def disconnect(self) -> None:
        """Disconnect because an administrator said so (PATCH disconnected)."""
        self.is_down_by_hand = True
        self.stop(_BY_HAND)
        self._channel.changed()

    def stop(self, reason: str) -> None:
        """End the connection in order and stay so until `dial`."""
        self.wanted = False
        self._set_reason(reason)
        if self._dialling:
            self._dialling.cancel()
        if self._link:
            if self._link.version:
                self._tell_broken(reason)
            self._link.close(reason)
            self._written.clear()  # still goes out before the end of the stream
            self._drop_link()

    def crash(self) -> None:
        """Break the connection; only what a store would have kept until its delivery survives."""
        self.wanted = False
        if self._dialling:
            self._dialling.cancel()
        for operation in self._outbox:
            self._channel.drop(operation, "node_crash")
        self._outbox.clear()
        if self._link:
            self._take_back(self._link)
            if self._link.version:
                self._channel.connection_row(self, "disconnected", "node crash")
            self._link.abort("The node crashed.")
            self._drop_link()

    def enqueue(self, operation: Operation) -> bool:
        """Take a live notification, written as soon as the socket has room. False: no room here either."""
        if len(self._outbox) >= self._switches.outbox_notifications:
            return False
        self._outbox.append(operation)
        self._schedule_pump()
        return True

    async def ask(self, operation: Operation) -> int | None:
        """Ask the server about an operation and wait. None: it gave no answer in time."""
        link = self._link
        assert link is not None and link.version
        self._request_id += 1
        request_id = self._request_id
        channel = self._channel
        channel.delivery.ledger.append([channel.row(operation, "asked", self.session_id, request_id)])
        channel.delivery.count(channel.svm.name, channel.key[1], "sent")
        link.write(self._frame(operation, link.version, replayed=False, request_id=request_id))
        return await self._pending.wait(request_id, operation.code, Timers.of(channel.engine), self._say)

    def _say(self, frame: bytes) -> None:
        """Write a message if the connection stands; it is not kept for another one."""
        if self._link is not None and self._link.version:
            self._link.write(frame)

    def _tell_request(self, request_id: int, outcome: str, detail: object) -> None:
        self._channel.request_row(self, request_id, outcome, detail)

    # Link's owner ------------------------------------------------------------------------------------

    def link_ready(self) -> None:
        self._failures, self._told_failure = 0, False
        self.reason = {}
        self.updated_at = datetime.now(UTC)
        self.throttled = False
        text = f'Connection to the FPolicy server "{self.server}" is established.'
        self._channel.tell("fpolicy.server.connect", "notice", text, fpserver=self.server)
        self._channel.connection_row(self, "connected")
        self._channel.changed()
        self._schedule_pump()

    def link_full(self) -> None:
        text = f'Connection to the FPolicy server "{self.server}" has no room in its send buffer.'
        self._channel.tell("fpolicy.eagain.on.write", "notice", text, fpserver=self.server)

    def link_writable(self) -> None:
        self._schedule_pump()

    def link_message(self, message: Message) -> None:
        self._channel.delivery.counts[f"received_{message.kind}"] += 1
        if message.kind in ("BACK_PRESSURE_APPLY", "BACK_PRESSURE_REM"):
            self.throttled = message.kind == "BACK_PRESSURE_APPLY"
            name = f"fpolicy.server.bkPress{'Apply' if self.throttled else 'Remove'}"
            text = f'FPolicy server "{self.server}" asks to {"stop" if self.throttled else "resume"}.'
            self._channel.tell(name, "informational", text, fpserver=self.server)
            self._schedule_pump()
        elif message.kind in ("SCREEN_RESP", "STATUS_QUERY_RESP") and self._channel.is_synchronous:
            self._pending.take(message)

    def link_closed(self, link: Link, reason: str) -> None:
        if link is not self._link:
            return  # replaced or stopped before
        if link.stalled or (link.was_ready and self._switches.lockout_counts == "any_break"):
            self._breaks.append(time.monotonic())
        if link.was_ready:
            self._tell_broken(reason)
        else:
            self._tell_failed(reason)
        self._set_reason(reason)
        self._take_back(link)
        self._drop_link()
        self._retry()

    # connecting --------------------------------------------------------------------------------------

    def _dial_after(self, delay: float) -> None:
        if self._link or (self._dialling and not self._dialling.done()):
            return
        self._dialling = asyncio.get_running_loop().create_task(self._dial(delay))

    async def _dial(self, delay: float) -> None:
        await asyncio.sleep(delay)
        switches, channel, engine = self._switches, self._channel, self._channel.engine
        if time.monotonic() - self._lost_at > seconds("session_timeout", engine["session_timeout"]):
            self.session_id = str(uuid.uuid4())
            self._request_id = 0
            self._pending.give_up()
        session = Session(
            svm_uuid=channel.svm.uuid,
            policy=channel.key[1],
            session_id=self.session_id,
            versions=switches.protocol_versions,
            dialect=channel.dialect,
            send_buffer_bytes=engine["buffer_size"]["send_buffer"],
            keep_alive_seconds=seconds("keep_alive_interval", engine["keep_alive_interval"]),
            handshake_seconds=switches.handshake_seconds,
            stall_seconds=switches.stall_seconds,
        )
        link = Link(session, self)
        self._link = link
        try:
            async with asyncio.timeout(switches.handshake_seconds):
                await asyncio.get_running_loop().create_connection(
                    lambda: link,
                    self.server,
                    engine["port"],
                    ssl=channel.tls() if channel.tls else None,
                    server_hostname="" if channel.tls else None,
                )
        except OSError as exc:  # refused, unreachable; TimeoutError and a failed TLS handshake are such too
            if self._link is link:
                self._link = None
                self._dialling = None
                self._tell_failed(str(exc))
                self._set_reason("TCP Connection to FPolicy server failed.")
                self._retry()

    def _retry(self) -> None:
        self._failures += 1
        spent = self._failures > self._channel.engine["max_connection_retries"]
        locked = self._is_locked_out()
        if locked:
            text = f'FPolicy server "{self.server}" was disconnected {_BREAKS_TO_LOCK} times in two minutes.'
            self._channel.tell("fpolicy.eagain.disconnect", "alert", text, fpserver=self.server)
        if self.wanted and not locked and not (spent and self._switches.retry_limit == "stop"):
            delay = self._switches.retry_initial_seconds * 2 ** min(self._failures - 1, 16)
            self._dialling = None
            self._dial_after(min(delay, self._switches.retry_max_seconds))
        self._channel.changed()

    def _is_locked_out(self) -> bool:
        full = len(self._breaks) == _BREAKS_TO_LOCK
        return full and self._breaks[-1] - self._breaks[0] <= _BREAK_WINDOW_SECONDS

    def _drop_link(self) -> None:
        """Forget the link and let what waits find another way."""
        self._link = None
        self._lost_at = time.monotonic()
        waiting, self._outbox = self._outbox, deque()
        for operation in waiting:
            self._channel.offer(operation)

    def _take_back(self, link: Link) -> None:
        """Keep what was written and, by the switch `delivered`, does not count as delivered."""
        acknowledged = link.acknowledged_bytes if self._switches.delivered == "acknowledged" else 0
        written, self._written = self._written, deque()
        for end, operation in written:
            if end > acknowledged:
                self._channel.keep(operation)

    def _set_reason(self, reason: str) -> None:
        self.reason = {"code": self._switches.tcp_failed_code, "message": reason}
        self.updated_at = datetime.now(UTC)

    def _tell_broken(self, reason: str) -> None:
        text = f'Connection to the FPolicy server "{self.server}" is broken ( reason: "{reason}" ).'
        self._channel.tell("fpolicy.server.disconnect", "error", text, fpserver=self.server)
        self._channel.connection_row(self, "disconnected", reason)

    def _tell_failed(self, reason: str) -> None:
        if not self._told_failure:
            self._told_failure = True
            text = f'Connection to the FPolicy server "{self.server}" could not be established ( {reason} ).'
            self._channel.tell("fpolicy.server.connectError", "error", text, fpserver=self.server)

    # writing -----------------------------------------------------------------------------------------

    def _schedule_pump(self) -> None:
        if not self._pump_due:
            self._pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        """Write one batch: live notifications first, then what the store holds for this node and policy."""
        self._pump_due = False
        link, channel = self._link, self._channel
        held = self.throttled and self._switches.on_back_pressure != "ignore"
        if link is None or not link.version or link.full or held:
            return
        frames: list[bytes] = []
        rows: list[dict[str, object]] = []
        end = link.written_bytes
        while len(frames) < _BATCH:
            if self._outbox:
                operation, replayed = self._outbox.popleft(), False
            elif channel.store is not None and channel.store.backlog(channel.key):
                operation, replayed = channel.store.take(channel.key), True
            else:
                break
            self._request_id += 1
            frames.append(
                self._frame(operation, link.version, replayed=replayed, request_id=self._request_id)
            )
            rows.append(channel.row(operation, "sent", self.session_id, self._request_id, replayed))
            end += len(frames[-1])
            if self._switches.delivered != "written":
                self._written.append((end, operation))
            channel.delivery.count(channel.svm.name, channel.key[1], "sent")
            channel.delivery.counts["replayed"] += replayed
        if frames:
            channel.delivery.ledger.append(rows)
            link.write(b"".join(frames))
            self._forget_delivered(link)
            self._schedule_pump()

    def _forget_delivered(self, link: Link) -> None:
        if self._switches.delivered == "acknowledged":
            delivered = link.acknowledged_bytes
        else:
            delivered = link.written_bytes - _REPEATED_BYTES
        while self._written and self._written[0][0] <= delivered:
            self._written.popleft()

    def _frame(self, operation: Operation, version: str, *, replayed: bool, request_id: int) -> bytes:
        time_us: int | None = None
        if version not in ("1.0", "1.1"):
            fresh = replayed and self._switches.replay_time == "replay"
            time_us = time.time_ns() // 1000 if fresh else operation.time_us
            if self._switches.policy_time == "own":  # a constant for each policy: its times stay increasing
                time_us += zlib.crc32(self._channel.key[1].encode()) % 997
        return self._channel.dialect.screen(
            operation,
            request_id,
            time_us=time_us,
            version=version,
            namespace_paths=self._switches.path_root == "namespace",
        )
