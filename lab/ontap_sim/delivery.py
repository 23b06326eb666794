"""One node's way to the servers of one policy: connections, what waits for them, store and replay.

The delivery model is the worst case that the references allow: for the node a notification is gone once it
is written to the socket (FPolicy wire reference 7.1, 7.3). What is not yet written when a connection ends
goes to another connection, else into the persistent store, else it is dropped and counted.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lab.ontap_sim import wire
from lab.ontap_sim.config import Switches
from lab.ontap_sim.ems import EmsLog
from lab.ontap_sim.fpolicy_fields import seconds
from lab.ontap_sim.ledger import Ledger
from lab.ontap_sim.link import Link, Session
from lab.ontap_sim.model import Operation, Svm
from lab.ontap_sim.store import Key, PersistentStore

_BATCH = 64  # about 70 KB of frames: one write, then other connections get their turn
_STALLS_TO_LOCK = 4  # breaks by a full send buffer ...
_STALL_WINDOW_SECONDS = 120.0  # ... within two minutes, after which a node does not reconnect by itself
_CODE_TCP_FAILED = 9370  # "TCP Connection to FPolicy server failed.", REST reference 13.5


@dataclass(slots=True)
class Delivery:
    """What all channels share."""

    ledger: Ledger
    switches: Switches
    counts: Counter[str] = field(default_factory=Counter)
    ems: EmsLog = field(default_factory=EmsLog)


class Channel:
    """One node and one enabled policy: a connection to every primary server."""

    def __init__(
        self,
        node: int,
        svm: Svm,
        policy: str,
        engine: Mapping[str, Any],
        store: PersistentStore | None,
        delivery: Delivery,
    ) -> None:
        self.key: Key = (node, policy)
        self.svm = svm
        self.engine = dict(engine)
        self.store = store
        self.delivery = delivery
        self.connections = [Connection(self, server) for server in engine["primary_servers"]]
        self._turn = 0

    def open(self) -> None:
        """Dial every server."""
        for connection in self.connections:
            connection.dial()

    def close(self, reason: str) -> None:
        """End every connection; what was not written is kept or dropped."""
        for connection in self.connections:
            connection.stop(reason)

    def offer(self, operation: Operation) -> None:
        """Send one notification, or keep it, or drop it."""
        mode = self.delivery.switches.on_back_pressure
        ready = [connection for connection in self.connections if connection.is_ready]
        free = [connection for connection in ready if not connection.throttled or mode == "ignore"]
        if not free and mode == "hold":
            free = ready  # waits in the connection's outbox until the pressure is taken away
        if free:
            self._turn += 1
            free[self._turn % len(free)].enqueue(operation)
        elif ready and mode == "drop":
            self.record(operation, "dropped")
        else:
            self.keep(operation)

    def keep(self, operation: Operation) -> None:
        """Put a notification into the store, or drop it."""
        stored = self.store is not None and self.store.put(self.key, operation)
        self.record(operation, "stored" if stored else "dropped")

    def record(self, operation: Operation, outcome: str) -> None:
        """Write what happened to a notification that was not sent."""
        self.delivery.counts[outcome] += 1
        self.delivery.ledger.append([self.row(operation, outcome)])

    def row(
        self,
        operation: Operation,
        outcome: str,
        session: str = "",
        request: int = 0,
        replayed: bool = False,
    ) -> dict[str, object]:
        """Build a ledger row; `seq` is that of the operation."""
        return {
            "kind": "notification",
            "seq": operation.seq,
            "node": self.key[0],
            "policy": self.key[1],
            "session_id": session,
            "request_id": request,
            "replayed": replayed,
            "outcome": outcome,
            "at_us": time.time_ns() // 1000,
        }


class Connection:
    """A node's wish to be connected to one server of a policy, over as many links as it takes."""

    def __init__(self, channel: Channel, server: str) -> None:
        self.server = server
        self.session_id = ""
        self.throttled = False
        self.reason: dict[str, object] = {}
        self.updated_at = datetime.now(UTC)
        self._channel = channel
        self._outbox: deque[Operation] = deque()
        self._link: Link | None = None
        self._request_id = 0
        self._lost_at = float("-inf")
        self._failures = 0
        self._stalls: deque[float] = deque(maxlen=_STALLS_TO_LOCK)
        self._wanted = True
        self._dialling: asyncio.Task[None] | None = None
        self._pump_due = False

    @property
    def is_ready(self) -> bool:
        """Say whether the handshake is done and the connection stands."""
        return self._link is not None and bool(self._link.version)

    @property
    def waiting(self) -> int:
        """Count notifications not yet written to the socket."""
        return len(self._outbox)

    def dial(self) -> None:
        """Connect now and forget earlier failures (enabling a policy, or PATCH connected)."""
        self._wanted = True
        self._failures = 0
        self._stalls.clear()
        self._dial_after(0.0)

    def stop(self, reason: str) -> None:
        """Disconnect and stay so until `dial`."""
        self._wanted = False
        self._set_reason(reason)
        if self._dialling:
            self._dialling.cancel()
        if self._link:
            self._link.close(reason)
            self._drop_link()

    def enqueue(self, operation: Operation) -> None:
        """Take a live notification; it is written as soon as the socket has room."""
        self._outbox.append(operation)
        self._schedule_pump()

    # Link's owner ------------------------------------------------------------------------------------

    def link_ready(self) -> None:
        self._failures = 0
        self.reason = {}
        self.updated_at = datetime.now(UTC)
        self.throttled = False
        self._schedule_pump()

    def link_writable(self) -> None:
        self._schedule_pump()

    def link_message(self, message: wire.Message) -> None:
        self._channel.delivery.counts[f"received_{message.kind}"] += 1
        if message.kind in ("BACK_PRESSURE_APPLY", "BACK_PRESSURE_REM"):
            self.throttled = message.kind == "BACK_PRESSURE_APPLY"
            self._schedule_pump()

    def link_closed(self, link: Link, reason: str) -> None:
        if link is not self._link:
            return  # replaced or stopped before
        if link.stalled:
            self._stalls.append(time.monotonic())
        self._set_reason(reason)
        self._drop_link()
        self._retry()

    # connecting --------------------------------------------------------------------------------------

    def _dial_after(self, delay: float) -> None:
        if self._link or (self._dialling and not self._dialling.done()):
            return
        self._dialling = asyncio.get_running_loop().create_task(self._dial(delay))

    async def _dial(self, delay: float) -> None:
        await asyncio.sleep(delay)
        switches, engine = self._channel.delivery.switches, self._channel.engine
        if time.monotonic() - self._lost_at > seconds("session_timeout", engine["session_timeout"]):
            self.session_id = str(uuid.uuid4())
            self._request_id = 0
        session = Session(
            svm_uuid=self._channel.svm.uuid,
            policy=self._channel.key[1],
            session_id=self.session_id,
            versions=switches.protocol_versions,
            send_buffer_bytes=engine["buffer_size"]["send_buffer"],
            keep_alive_seconds=seconds("keep_alive_interval", engine["keep_alive_interval"]),
            handshake_seconds=switches.handshake_seconds,
            stall_seconds=switches.stall_seconds,
        )
        link = Link(session, self)
        self._link = link
        try:
            async with asyncio.timeout(switches.handshake_seconds):
                await asyncio.get_running_loop().create_connection(lambda: link, self.server, engine["port"])
        except OSError:  # refused, unreachable; TimeoutError is one too
            if self._link is link:
                self._link = None
                self._set_reason("TCP Connection to FPolicy server failed.")
                self._dialling = None
                self._retry()

    def _retry(self) -> None:
        switches = self._channel.delivery.switches
        self._failures += 1
        spent = self._failures > self._channel.engine["max_connection_retries"]
        if not self._wanted or (spent and switches.retry_limit == "stop") or self._locked_out():
            return
        delay = switches.retry_initial_seconds * 2 ** min(self._failures - 1, 16)
        self._dialling = None
        self._dial_after(min(delay, switches.retry_max_seconds))

    def _locked_out(self) -> bool:
        full = len(self._stalls) == _STALLS_TO_LOCK
        return full and self._stalls[-1] - self._stalls[0] <= _STALL_WINDOW_SECONDS

    def _drop_link(self) -> None:
        self._link = None
        self._lost_at = time.monotonic()
        waiting, self._outbox = self._outbox, deque()
        for operation in waiting:
            self._channel.offer(operation)

    def _set_reason(self, reason: str) -> None:
        self.reason = {"code": _CODE_TCP_FAILED, "message": reason}
        self.updated_at = datetime.now(UTC)

    # writing -----------------------------------------------------------------------------------------

    def _schedule_pump(self) -> None:
        if not self._pump_due:
            self._pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        """Write one batch: live notifications first, then what the store holds for this node and policy."""
        self._pump_due = False
        link, delivery = self._link, self._channel.delivery
        held = self.throttled and delivery.switches.on_back_pressure != "ignore"
        if link is None or not link.version or link.full or held:
            return
        frames: list[bytes] = []
        rows: list[dict[str, object]] = []
        store, key = self._channel.store, self._channel.key
        while len(frames) < _BATCH:
            if self._outbox:
                operation, replayed = self._outbox.popleft(), False
            elif store is not None and store.backlog(key):
                operation, replayed = store.take(key), True
            else:
                break
            self._request_id += 1
            frames.append(self._frame(operation, link.version, replayed=replayed))
            rows.append(self._channel.row(operation, "sent", self.session_id, self._request_id, replayed))
            delivery.counts["sent"] += 1
            delivery.counts["replayed"] += replayed
        if frames:
            delivery.ledger.append(rows)
            link.write(b"".join(frames))
            self._schedule_pump()

    def _frame(self, operation: Operation, version: str, *, replayed: bool) -> bytes:
        switches = self._channel.delivery.switches
        time_us: int | None = None
        if version not in ("1.0", "1.1"):
            fresh = replayed and switches.replay_time == "replay"
            time_us = time.time_ns() // 1000 if fresh else operation.time_us
        return wire.screen(
            operation,
            self._request_id,
            time_us=time_us,
            version=version,
            namespace_paths=switches.path_root == "namespace",
        )
