"""The health port: any bytes are answered in HTTP or not at all, and the next question is answered."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Final

from fpolicy_server import health
from fpolicy_server.health import Condition
from fpolicy_server.settings import Address

from tools.fuzz.mutation import HTTP_TOKENS, mutated

_REQUESTS: Final = (
    b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /metrics?a=b HTTP/1.0\r\n\r\n",
    b"POST /readyz HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}",
    b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 50 + b"\r\n",
)
_READY: Final = Condition(is_listening=True, is_stopping=False, has_had_session=True, age_seconds=1.0)


def make(dice: random.Random) -> bytes:
    """Make a request, broken somewhere."""
    return mutated(dice.choice(_REQUESTS), dice, HTTP_TOKENS)


def check(request: bytes, _: random.Random) -> int:
    """Send it to an endpoint of its own; 1 when it was answered."""
    return asyncio.run(_ask(request))


async def _ask(request: bytes) -> int:
    problems: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: problems.append(str(context)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", probe.getsockname()[1])
    async with await health.serve(address, lambda: _READY, lambda: "m 1\n"):
        answer = await _exchange(address, request)
        assert not answer or answer.startswith(b"HTTP/1.1 "), "an answer that is no HTTP"
        sound = await _exchange(address, _REQUESTS[0])
        assert sound.startswith(b"HTTP/1.1 200 "), "the next question is not answered"
    assert not problems, problems
    return int(bool(answer))


async def _exchange(address: Address, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(request)
        writer.write_eof()
        return await reader.read()
    except ConnectionError:  # closed with bytes unread
        return b""
    finally:
        writer.close()
