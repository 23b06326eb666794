"""A TCP proxy that makes the network difficult: splits, merges, delays and cuts.

    with Proxy(target_port, Faults(piece_bytes=7, cut_after_bytes=5000)) as proxy:
        socket.create_connection(("127.0.0.1", proxy.port))

Faults apply to what the client sends; answers pass unchanged. `cut_after_bytes` resets both sides of each
connection once so many bytes of it were forwarded; `hold_seconds` collects what arrives meanwhile and
forwards it in one piece. A function in place of faults gives each connection its own.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BYTES_ACKED = 120  # offset of tcpi_bytes_acked in Linux's struct tcp_info; the first one is the SYN


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong. Zero means: nothing of that kind."""

    piece_bytes: int = 0
    hold_seconds: float = 0.0
    cut_after_bytes: int = 0


class Proxy:
    """Listens on a free loopback port and forwards to `target_port` of this host.

    `on_end(client_port, acknowledged_bytes)` is told of each connection's end, from a thread: how many of the
    client's bytes the target's TCP has acknowledged. Those are the target's, even if it was reset before it
    read them; of what was only forwarded a reset may have thrown away a part.
    """

    def __init__(
        self,
        target_port: int,
        faults: Faults | Callable[[], Faults],
        on_end: Callable[[int, int], None] | None = None,
    ) -> None:
        self._target_port = target_port
        self._faults = faults if callable(faults) else lambda: faults
        self._on_end = on_end
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._links: set[_Link] = set()
        self._closing = threading.Event()
        self._cuts = 0

    @property
    def port(self) -> int:
        """Where to connect instead of the target."""
        return int(self._listener.getsockname()[1])

    @property
    def cuts(self) -> int:
        """How many connections were reset on purpose."""
        return self._cuts

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        _end(self._listener)
        for link in list(self._links):
            link.end()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target_port))
            except OSError:  # nobody listens there now: the client is told by the end of its connection
                self._tell(int(client.getpeername()[1]), 0)
                client.close()
                continue
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(client, server, self._faults(), self._closing, self._ended)
            self._links.add(link)
            link.start()

    def _ended(self, link: _Link) -> None:
        self._links.discard(link)
        self._cuts += link.was_cut
        self._tell(link.client_port, link.acknowledged)

    def _tell(self, client_port: int, acknowledged: int) -> None:
        if self._on_end is not None:
            self._on_end(client_port, acknowledged)


class _Link:
    """One connection: a thread for each direction. The last to end closes both sockets and says so."""

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        faults: Faults,
        closing: threading.Event,
        on_end: Callable[[_Link], None],
    ) -> None:
        self._client, self._server = client, server
        self._faults = faults
        self._closing = closing
        self._on_end = on_end
        self._lock = threading.Lock()
        self._running = 2
        self._forwarded = 0
        self.client_port = int(client.getpeername()[1])
        self.acknowledged = 0
        self.was_cut = False

    def start(self) -> None:
        """Begin to forward."""
        for work in (self._forward, self._answer):
            threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def end(self) -> None:
        """Wake both threads, which then end."""
        # close() alone does not wake a thread that is blocked in recv() on the same socket.
        for sock in (self._client, self._server):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _run(self, work: Callable[[], None]) -> None:
        with contextlib.suppress(OSError):
            work()
        with self._lock:
            self._running -= 1
            if self._running:
                return
        if not self.was_cut:
            self.acknowledged = self._acknowledged()
        self._client.close()
        self._server.close()
        self._on_end(self)

    def _forward(self) -> None:
        faults = self._faults
        while data := self._client.recv(65536):
            if faults.hold_seconds:
                self._closing.wait(faults.hold_seconds)
                data += _waiting(self._client)
            if faults.cut_after_bytes and self._forwarded + len(data) >= faults.cut_after_bytes:
                self._send(data[: faults.cut_after_bytes - self._forwarded])
                self._cut()
                return
            self._send(data)
        self._server.shutdown(socket.SHUT_WR)

    def _answer(self) -> None:
        while data := self._server.recv(65536):
            self._client.sendall(data)
        self._client.shutdown(socket.SHUT_WR)

    def _send(self, data: bytes) -> None:
        step = self._faults.piece_bytes or max(len(data), 1)
        for begin in range(0, len(data), step):
            piece = data[begin : begin + step]
            self._server.sendall(piece)
            self._forwarded += len(piece)

    def _cut(self) -> None:
        """Reset both sides. What the target acknowledged before that is already its own."""
        self.was_cut = True
        self.acknowledged = self._acknowledged()
        for sock in (self._client, self._server):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            # SHUT_RD wakes the other thread too, and sends nothing; closing without lingering then resets.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RD)
            sock.close()

    def _acknowledged(self) -> int:
        info = self._server.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED + 8)
        acknowledged: int = struct.unpack_from("=Q", info, _BYTES_ACKED)[0]
        return min(acknowledged - 1, self._forwarded)  # neither the SYN nor the FIN


def _waiting(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 20, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return b""


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
