"""A TCP proxy that makes the network difficult: splits, merges, delays and cuts.

    with Proxy(target_port, Faults(piece_bytes=7, cut_after_bytes=5000)) as proxy:
        socket.create_connection(("127.0.0.1", proxy.port))

Faults apply to what the client sends; answers pass unchanged. `cut_after_bytes` resets both sides of each
connection once so many bytes of it were forwarded; `hold_seconds` collects what arrives meanwhile and
forwards it in one piece.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong. Zero means: nothing of that kind."""

    piece_bytes: int = 0
    hold_seconds: float = 0.0
    cut_after_bytes: int = 0


class Proxy:
    """Listens on a free loopback port and forwards to `target_port` of this host."""

    def __init__(self, target_port: int, faults: Faults) -> None:
        self._target_port = target_port
        self._faults = faults
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self._closing = threading.Event()
        self.cuts = 0

    @property
    def port(self) -> int:
        """Where to connect instead of the target."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        for sock in self._sockets:
            _end(sock)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self._target_port))
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets += [client, server]
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=_copy, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        faults, forwarded = self._faults, 0
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if faults.hold_seconds:
                    self._closing.wait(faults.hold_seconds)
                    data += _waiting(client)
                if faults.cut_after_bytes and forwarded + len(data) >= faults.cut_after_bytes:
                    server.sendall(data[: faults.cut_after_bytes - forwarded])
                    self.cuts += 1
                    for sock in (client, server):
                        _reset(sock)
                    return
                step = faults.piece_bytes or len(data)
                for begin in range(0, len(data), step):
                    server.sendall(data[begin : begin + step])
                forwarded += len(data)
            server.shutdown(socket.SHUT_WR)


def _waiting(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 20, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return b""


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _end(sock: socket.socket) -> None:
    # close() alone does not wake a thread that is blocked in recv() on the same socket.
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def _reset(sock: socket.socket) -> None:
    # SHUT_RD wakes such a thread too, and sends nothing; closing without lingering then sends a reset.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RD)
    sock.close()
