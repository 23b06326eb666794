"""A small HTTP/1.1 server on asyncio for JSON interfaces (h11 speaks the protocol)."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

_MAX_BODY_BYTES = 16 << 20  # a long list of operations; nothing else is large
_READ_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A complete request. Path segments are decoded one by one, names of lower case."""

    method: str
    path: str
    segments: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A JSON answer."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class AbortConnection(Exception):  # noqa: N818 (no error: the wanted end of a connection)
    """Raised by a handler: the connection breaks, and the client gets no answer."""


Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


Connections = set[asyncio.StreamWriter]


async def serve(
    handler: Handler,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    connections: Connections | None = None,
) -> asyncio.Server:
    """Listen and answer every request with the handler; it raises nothing but AbortConnection.

    The set is kept to what is connected.
    """
    opened = set() if connections is None else connections

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.add(writer)
        try:
            await _answer_all(handler, reader, writer)
        except AbortConnection:
            writer.transport.abort()
        except (OSError, h11.RemoteProtocolError):
            pass  # the client went away or does not speak HTTP
        finally:
            opened.discard(writer)
            writer.close()

    return await asyncio.start_server(connected, host, port, ssl=tls)


async def _answer_all(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection = h11.Connection(h11.SERVER)
    while True:
        request = await _next_request(connection, reader)
        if request is None:
            return
        response = await handler(request)
        payload = json.dumps(response.body).encode()
        headers = {"content-type": "application/json", **response.headers}
        headers["content-length"] = str(len(payload))
        for event in (
            h11.Response(status_code=response.status, headers=list(headers.items())),
            h11.Data(payload if request.method != "HEAD" else b""),
            h11.EndOfMessage(),
        ):
            writer.write(connection.send(event) or b"")
        await writer.drain()
        if connection.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            return  # one side wants the connection closed
        connection.start_next_cycle()


async def _next_request(connection: h11.Connection, reader: asyncio.StreamReader) -> HttpRequest | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _MAX_BODY_BYTES:
                raise h11.RemoteProtocolError(f"body above {_MAX_BODY_BYTES} bytes")
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _request(head, bytes(body))
        else:
            return None  # closed


def _request(head: h11.Request, body: bytes) -> HttpRequest:
    url = urlsplit(head.target.decode("ascii"))
    return HttpRequest(
        method=head.method.decode("ascii"),
        path=url.path,
        segments=tuple(unquote(part) for part in url.path.split("/") if part),
        query=tuple(parse_qsl(url.query, keep_blank_values=True)),
        headers={name.decode("ascii"): value.decode("latin-1") for name, value in head.headers},
        body=body,
    )
