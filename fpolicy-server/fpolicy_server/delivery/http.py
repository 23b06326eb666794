"""An HTTP/1.1 client for one endpoint, in the event loop: POST, known lengths, kept connections.

The caller bounds how many requests run at once, and so the number of connections.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

import httptools
from fsxn_runtime.errors import TransientError

# An answer about ten messages has some 4 KB. Whoever sends more is not the queue.
MAX_ANSWER_BYTES: Final = 1024 * 1024
# NAT gateways and interface endpoints forget a connection after 350 s without a word, and some say nothing
# when it is used then (Amazon VPC guide, NAT gateways); a new connection costs less than waiting for that.
MAX_IDLE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Response:
    """What was answered. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """Posts to one URL. Every failure of the network is a TransientError.

    `tls` is None for http. A connection that its peer closed while it was idle is replaced without a word;
    the request may then arrive twice.
    """

    def __init__(
        self,
        url: str,
        tls: ssl.SSLContext | None,
        *,
        connect_timeout_seconds: float,
        answer_timeout_seconds: float,
    ) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc  # as the header says it
        self.path = parts.path or "/"
        self._name = parts.hostname or ""
        self._port = parts.port or (443 if tls else 80)
        self._tls = tls
        self._connect_timeout_seconds = connect_timeout_seconds
        self._answer_timeout_seconds = answer_timeout_seconds
        self._idle: list[_Connection] = []

    async def post(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Send one request and give its answer, whatever its status. Raises TransientError."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {self.path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
        request = head.encode("latin-1") + body
        while (connection := self._take_idle()) is not None:
            try:
                return await self._exchange(connection, request)
            except _ClosedWhileIdleError:
                pass  # the next one, or a new one
        return await self._exchange(await self._connect(), request)

    def close(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            self._idle.pop().abort()

    def _take_idle(self) -> _Connection | None:
        oldest = asyncio.get_running_loop().time() - MAX_IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and connection.used_at > oldest:
                return connection
            connection.abort()
        return None

    async def _connect(self) -> _Connection:
        try:
            async with asyncio.timeout(self._connect_timeout_seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    _Connection, self._name, self._port, ssl=self._tls
                )
        except TimeoutError as exc:
            raise self._unreachable(f"no connection within {self._connect_timeout_seconds} s") from exc
        except OSError as exc:
            raise self._unreachable(str(exc)) from exc
        return connection

    async def _exchange(self, connection: _Connection, request: bytes) -> Response:
        try:
            response = await connection.ask(request, self._answer_timeout_seconds)
        except _BrokenError as exc:
            raise self._unreachable(str(exc)) from exc
        except asyncio.CancelledError:
            connection.abort()
            raise
        if connection.is_open:
            self._idle.append(connection)
        return response

    def _unreachable(self, why: str) -> TransientError:
        return TransientError(f"{self.host}: {why}", code="queue_unreachable")


class _ClosedWhileIdleError(Exception):
    """A used connection ended before a byte of its next answer came."""


class _BrokenError(Exception):
    """The answer is no HTTP, too long, too late, or ended before its end."""


class _Connection(asyncio.Protocol):
    """One connection, and one request on it at a time.

    Methods whose names begin with `on_` are called by httptools' parser.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Response] | None = None
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._is_kept = True  # as the last answer says
        self._has_heard = False  # of the answer that is due
        self.is_open = False
        self.used_at = 0.0  # loop time of the last answer; 0 before the first

    async def ask(self, request: bytes, timeout_seconds: float) -> Response:
        """Send a request and give its answer. Raises _ClosedWhileIdleError and _BrokenError."""
        assert self._answer is None and self._transport is not None
        self._has_heard = False
        self._answer = self._loop.create_future()
        self._transport.write(request)
        # Several microseconds less than asyncio.timeout.
        timer = self._loop.call_later(timeout_seconds, self._give_up, timeout_seconds)
        try:
            return await self._answer
        finally:
            timer.cancel()
            self._answer = None

    def abort(self) -> None:
        """End the connection at once."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """End; whoever waits for an answer is told."""
        if self.used_at and not self._has_heard:
            self._fail(_ClosedWhileIdleError())
        else:
            self._fail(_BrokenError(f"connection ended before the answer: {exc or 'closed by the peer'}"))

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        self._has_heard = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as exc:
            self._fail(_BrokenError(f"the answer is no HTTP: {exc}"))

    def on_message_begin(self) -> None:
        """Nobody asked for it: that could be taken for the next answer, so the connection ends."""
        if self._answer is None or self._answer.done():
            self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Look whether the connection will live on."""
        self._is_kept = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body += body
        if len(self._body) > MAX_ANSWER_BYTES:
            self._fail(_BrokenError(f"the answer has more than {MAX_ANSWER_BYTES} bytes"))

    def on_message_complete(self) -> None:
        """Give the answer to whoever waits, unless it only says that another one follows."""
        status = self._parser.get_status_code()
        headers, self._headers = self._headers, {}
        body, self._body = bytes(self._body), bytearray()
        if status < 200:
            return
        self.used_at = self._loop.time()
        if not self._is_kept:
            self.abort()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Response(status, headers, body))

    def _give_up(self, after_seconds: float) -> None:
        self._fail(_BrokenError(f"no answer within {after_seconds} s"))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.abort()
