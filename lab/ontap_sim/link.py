"""One TCP connection of a node to an FPolicy server: handshake, keep-alive, writing while there is room."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lab.ontap_sim import wire
from lab.ontap_sim.dialect import Dialect

# What may wait in this process: writing stops above it, so that (with the kernel's part, below) a node never
# holds more unsent bytes than the engine's send buffer.
_USER_BUFFER_BYTES = 64 * 1024
_BYTES_ACKED = 120  # offset of tcpi_bytes_acked in Linux's struct tcp_info; the first one is the SYN
_CLOSE_SECONDS = 5.0  # an orderly end waits this long for a peer that does not read


@dataclass(frozen=True, slots=True)
class Session:
    """What the handshake says, and the engine's values that the connection needs."""

    svm_uuid: str
    policy: str
    session_id: str
    versions: tuple[str, ...]
    dialect: Dialect
    send_buffer_bytes: int
    keep_alive_seconds: float
    handshake_seconds: float
    stall_seconds: float


class Owner(Protocol):
    """Who is told about the connection."""

    def link_ready(self) -> None:
        """Handle the end of the handshake."""

    def link_full(self) -> None:
        """Handle a send buffer without room; once for each connection."""

    def link_writable(self) -> None:
        """Handle room in the send buffer after it was full."""

    def link_message(self, message: wire.Message) -> None:
        """Handle a message of the server after the handshake."""

    def link_closed(self, link: Link, reason: str) -> None:
        """Handle the end of a connection, however far it had come."""


class Link(asyncio.Protocol):
    """A connection that is ready once `version` is set."""

    def __init__(self, session: Session, owner: Owner) -> None:
        self.session = session
        self.version = ""
        self.full = False
        self.stalled = False
        self.was_ready = False
        self.was_full = False
        self.written_bytes = 0
        self._owner = owner
        self._reader = session.dialect.reader()
        self._reason = "TCP Connection to FPolicy server failed."
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._transport: asyncio.Transport | None = None

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket. Look at `full` before writing more."""
        if self._transport:
            self.written_bytes += len(data)
            self._transport.write(data)

    @property
    def acknowledged_bytes(self) -> int:
        """Count what the peer's TCP has acknowledged; with TLS, where that is not known, what was written."""
        if self._transport is None or self._transport.get_extra_info("ssl_object"):
            return self.written_bytes
        sock = self._transport.get_extra_info("socket")
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED + 8)
        acknowledged: int = struct.unpack_from("=Q", info, _BYTES_ACKED)[0]
        return acknowledged - 1

    def close(self, reason: str) -> None:
        """End the connection in order: what was written still goes out, then the end of the stream."""
        self._reason = reason
        if self._transport:
            self._transport.close()
            self._after("close", _CLOSE_SECONDS, self._transport.abort)

    def abort(self, reason: str) -> None:
        """Break the connection: what the peer has not taken is lost."""
        self._reason = reason
        if self._transport:
            sock: socket.socket = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=_USER_BUFFER_BYTES)
        kernel_bytes = max(self.session.send_buffer_bytes - 4 * _USER_BUFFER_BYTES, _USER_BUFFER_BYTES)
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, kernel_bytes // 2)  # the kernel doubles it
        self._after("handshake", self.session.handshake_seconds, self._handshake_late)
        offer = self.session
        self.write(offer.dialect.handshake(offer.svm_uuid, offer.policy, offer.session_id, offer.versions))

    def data_received(self, data: bytes) -> None:
        try:
            for payload in self._reader.feed(data):
                self._message(self.session.dialect.parse(payload))
        except wire.WireError as exc:
            self.abort(f"FPolicy server sent what is no message: {exc}")

    def pause_writing(self) -> None:
        self.full = True
        if not self.was_full:
            self.was_full = True
            self._owner.link_full()
        self._after("stall", self.session.stall_seconds, self._stall)

    def resume_writing(self) -> None:
        self.full = False
        self._cancel("stall")
        self._owner.link_writable()

    def connection_lost(self, _: Exception | None) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self.version = ""
        self._owner.link_closed(self, self._reason)
        self._transport = None

    def _message(self, message: wire.Message) -> None:
        if self.version:
            if message.kind != "NEGO_RESP":  # the first response counts, further ones are discarded
                self._owner.link_message(message)
            return
        version = message.fields.get("ProtVersion", "")
        agreed = (
            message.kind == "NEGO_RESP"
            and message.fields.get("PolicyName") == self.session.policy
            and version in self.session.versions
        )
        if not agreed:
            self.write(self.session.dialect.alert(self.session.session_id, "FPolicy Handshake failed."))
            self.close(f"FPolicy Handshake failed. ({message.kind} with version {version!r})")
            return
        self._cancel("handshake")
        self.version = version
        self.was_ready = True
        self._keep_alive()
        self._owner.link_ready()

    def _keep_alive(self) -> None:
        if self._timers.get("keep_alive"):
            self.write(self.session.dialect.keep_alive())
        self._after("keep_alive", self.session.keep_alive_seconds, self._keep_alive)

    def _handshake_late(self) -> None:
        self.abort("FPolicy server did not answer the handshake in time.")

    def _stall(self) -> None:
        self.stalled = True
        self.abort("The send buffer of the connection stayed full.")

    def _after(self, name: str, delay: float, call: Callable[[], None]) -> None:
        self._cancel(name)
        self._timers[name] = asyncio.get_running_loop().call_later(delay, call)

    def _cancel(self, name: str) -> None:
        if name in self._timers:
            self._timers.pop(name).cancel()
