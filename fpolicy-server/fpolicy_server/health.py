"""The health endpoint: `/livez`, `/readyz`, `/metrics`. HTTP/1.1, GET only, one request per connection.

`/readyz` answers 200 while nodes may be sent here: from listening until shutdown begins.
`/livez` is the container's health check: 200 when the process listens and a node has been connected, or when
120 s have passed. So a deployment keeps the old task until a node has found the new one, and a task that
nobody is pointed at yet is not replaced for ever.
"""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fpolicy_server.settings import Address

FIRST_SESSION_SECONDS: Final = 120.0
REQUEST_SECONDS: Final = 5.0
MAX_REQUEST_BYTES: Final = 8192


@dataclass(frozen=True, slots=True)
class Condition:
    """What the endpoint tells about the process at one moment."""

    is_listening: bool
    is_stopping: bool
    has_had_session: bool
    age_seconds: float


def status_of(path: str, condition: Condition) -> tuple[int, str]:
    """Say status and text of a health path. Pure."""
    if path == "/readyz":
        if condition.is_stopping:
            return 503, "stopping\n"
        return (200, "ready\n") if condition.is_listening else (503, "not listening\n")
    if path == "/livez":
        if not condition.is_listening and not condition.is_stopping:
            return 503, "not listening\n"
        if condition.has_had_session or condition.age_seconds >= FIRST_SESSION_SECONDS:
            return 200, "alive\n"
        return 503, "no session yet\n"
    return 404, "not found\n"


async def serve(
    address: Address, condition: Callable[[], Condition], metrics: Callable[[], str]
) -> asyncio.Server:
    """Open the endpoint. Raises OSError when the address cannot be used."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
                path = rest.partition(" ")[0].partition("?")[0]
                if method != "GET":
                    status, text = 405, "GET only\n"
                elif path == "/metrics":
                    status, text = 200, metrics()
                else:
                    status, text = status_of(path, condition())
                writer.write(_response(status, text))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked is gone or speaks no HTTP
        finally:
            writer.close()

    return await asyncio.start_server(answer, address.host, address.port, limit=MAX_REQUEST_BYTES)


def ask(address: Address, path: str) -> bool:
    """Ask a running server, as the container's health check does. True when it answers 200."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=REQUEST_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _response(status: int, text: str) -> bytes:
    body = text.encode()
    reason = http.client.responses[status]
    return (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body
