from __future__ import annotations

import asyncio
import socket

import pytest
from fpolicy_server import health
from fpolicy_server.health import Condition, status_of
from fpolicy_server.settings import Address


def condition(
    *, listening: bool = True, stopping: bool = False, session: bool = False, age: float = 0.0
) -> Condition:
    return Condition(listening, stopping, session, age)


@pytest.mark.parametrize(
    ("path", "now", "status"),
    [
        ("/readyz", condition(), 200),
        ("/readyz", condition(listening=False), 503),
        ("/readyz", condition(stopping=True), 503),
        ("/livez", condition(), 503),
        ("/livez", condition(session=True), 200),
        ("/livez", condition(age=119.9), 503),
        ("/livez", condition(age=120.0), 200),
        ("/livez", condition(listening=False, age=500), 503),
        ("/livez", condition(listening=False, stopping=True, session=True), 200),
        ("/", condition(), 404),
    ],
)
def test_what_each_path_says(path: str, now: Condition, status: int) -> None:
    assert status_of(path, now)[0] == status


async def exchange(address: Address, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(request)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def test_the_endpoint_answers_http() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", probe.getsockname()[1])

    async def scenario() -> None:
        async with await health.serve(address, lambda: condition(session=True), lambda: "m 1\n"):
            assert await asyncio.to_thread(health.ask, address, "/livez")
            assert not await asyncio.to_thread(health.ask, address, "/nothing")
            assert (await exchange(address, b"GET /metrics?x HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\nm 1\n")
            assert b" 405 " in await exchange(address, b"POST /livez HTTP/1.1\r\n\r\n")
            assert await exchange(address, b"nonsense") == b""
            assert await exchange(address, b"GET /" + b"x" * 20_000 + b"\r\n\r\n") == b""
        assert not await asyncio.to_thread(health.ask, address, "/livez")

    asyncio.run(scenario())
