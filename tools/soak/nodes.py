"""Nodes that write for as long as the soak lasts, over the proxy, and connect again after every end."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Final

from lab.ontap_sim.dialect import Dialect
from tools.bench.nodes import SVM_UUID, notification
from tools.soak.ledger import Ledger, Written

HANDSHAKE_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 0.2  # what a node waits before it dials again
BURST_SECONDS: Final = 0.05  # writing happens in bursts, as file servers write
CLOSING_SECONDS: Final = 30.0  # a server that drains reads on for so long


class SoakNode:
    """One node in a thread. Paths are `soak-<node>-<number>`, by which the queue knows an event again."""

    def __init__(
        self,
        number: int,
        port: int,
        dialect: Dialect,
        ledger: Ledger,
        rate: float,
        *,
        obeys: bool,
        most: int = 0,
    ) -> None:
        self._number = number
        self._port = port
        self._dialect = dialect
        self._ledger = ledger
        self._rate = rate  # events a second while it may write
        self._most = most  # events to write in all; 0: until it is stopped
        self._obeys = obeys  # whether back pressure makes it pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._lock = threading.Lock()
        self._written: dict[int, Written] = {}  # by our port, until the proxy says what was acknowledged
        self.sessions = 0
        self.is_finished = False  # has written all of its events

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Stop writing and wait for the orderly end."""
        self._stop.set()
        self._thread.join(CLOSING_SECONDS + 10)

    def ended(self, port: int, acknowledged: int) -> bool:
        """Take the proxy's word for a connection; False when it was not ours."""
        with self._lock:
            connection = self._written.pop(port, None)
        if connection is None:
            return False
        self._ledger.acknowledge(self._number, connection, acknowledged)
        return True

    @property
    def is_settled(self) -> bool:
        """Whether every connection's end is known."""
        with self._lock:
            return not self._written

    def _run(self) -> None:
        while not self._stop.is_set() and not self.is_finished:
            with contextlib.suppress(OSError):
                self._session()
            self._stop.wait(RETRY_SECONDS)

    def _session(self) -> None:
        with contextlib.closing(socket.socket()) as sock:
            sock.bind(("127.0.0.1", 0))
            connection = Written(self._ledger.next_number(self._number))
            with self._lock:
                self._written[sock.getsockname()[1]] = connection
            sock.settimeout(HANDSHAKE_SECONDS)
            try:
                sock.connect(("127.0.0.1", self._port))
            except OSError:
                self.ended(sock.getsockname()[1], 0)
                raise
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            names = (SVM_UUID, f"soak{self._number}", f"session-{self._number}")
            hello = self._dialect.handshake(*names, ("1.2",))
            sock.sendall(hello)
            listener = _Listener(sock, self._dialect)
            if not listener.is_answered():
                return
            self.sessions += 1
            sock.settimeout(None)  # a server at its bound reads nothing until the queue is back
            threading.Thread(target=listener.run, daemon=True).start()
            self._write(sock, connection, len(hello), listener)
            sock.shutdown(socket.SHUT_WR)
            listener.over.wait(CLOSING_SECONDS)

    def _write(self, sock: socket.socket, connection: Written, offset: int, listener: _Listener) -> None:
        due, request = 0.0, 0
        while not self._stop.is_set() and not listener.over.is_set():
            if self._obeys and listener.is_pressed.is_set():
                listener.over.wait(BURST_SECONDS)
                continue
            due += self._rate * BURST_SECONDS
            burst = b""
            if self._most and self._ledger.next_number(self._number) + due >= self._most:
                due = float(self._most - self._ledger.next_number(self._number))
                self.is_finished = True
            while due >= 1:
                due -= 1
                request += 1
                number = self._ledger.next_number(self._number)
                frame = notification(request, f"soak-{self._number}-{number}", self._dialect)
                offset += len(frame)
                self._ledger.write(self._number, connection, offset)
                burst += frame
            sock.sendall(burst)
            if self.is_finished:
                return
            time.sleep(BURST_SECONDS)


class _Listener:
    """Hears what the server says on one connection."""

    def __init__(self, sock: socket.socket, dialect: Dialect) -> None:
        self._sock = sock
        self._dialect = dialect
        self._reader = dialect.reader()
        self.is_pressed = threading.Event()
        self.over = threading.Event()  # the server says no more

    def is_answered(self) -> bool:
        """Read until the handshake is answered; False at the end of the stream."""
        while data := self._sock.recv(65536):
            if "NEGO_RESP" in self._kinds(data):
                return True
        return False

    def run(self) -> None:
        """Note back pressure until the stream ends."""
        with contextlib.suppress(OSError):
            while data := self._sock.recv(65536):
                self._kinds(data)
        self.over.set()

    def _kinds(self, data: bytes) -> list[str]:
        kinds = [self._dialect.parse(payload).kind for payload in self._reader.feed(data)]
        for kind in kinds:
            if kind == "BACK_PRESSURE_APPLY":
                self.is_pressed.set()
            elif kind == "BACK_PRESSURE_REM":
                self.is_pressed.clear()
        return kinds
