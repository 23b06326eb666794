"""The HTTP client against a peer whose every byte is scripted, over real sockets."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
import uvloop
from fpolicy_server.delivery import http
from fpolicy_server.delivery.http import HttpClient, Response
from fsxn_runtime.errors import TransientError
from hypothesis import given
from hypothesis import strategies as st

from tests.support.certificates import Authority

CA = Authority()
Loop = Callable[[], asyncio.AbstractEventLoop]
CLOSE = b""
SILENCE = b"\0"


class Peer:
    """Answers each request with the next bytes of the script: CLOSE closes instead, SILENCE says nothing."""

    def __init__(self, script: Sequence[bytes]) -> None:
        self._script = itertools.chain(script, itertools.repeat(ok(b"later")))
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.splitlines() if line.startswith(b"content-length"))
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(int(length.split()[1])))
                answer = next(self._script)
                if answer == CLOSE:
                    return
                writer.write(b"" if answer == SILENCE else answer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client is gone
        finally:
            writer.close()


Scenario = Callable[[HttpClient, Peer], Awaitable[None]]


def talk(
    script: Sequence[bytes],
    scenario: Scenario,
    *,
    loop: Loop = uvloop.new_event_loop,
    tls: ssl.SSLContext | None = None,
    trusted: ssl.SSLContext | None = None,
    answer_timeout_seconds: float = 20,
) -> Peer:
    """Run a scenario between a client and a peer."""
    peer = Peer(script)

    async def main() -> None:
        server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=tls)
        client = HttpClient(
            f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            trusted,
            connect_timeout_seconds=20,
            answer_timeout_seconds=answer_timeout_seconds,
        )
        try:
            await asyncio.wait_for(scenario(client, peer), 30)
        finally:
            client.close()
            server.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())
    return peer


def ok(body: bytes, status: int = 200, more: bytes = b"") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"HTTP/1.1 %d Fine\r\nX-Thing: Some\r\n%s%s\r\n\r\n%s" % (status, more, length, body)


async def post(client: HttpClient, body: bytes = b"{}") -> bytes:
    return (await client.post({"host": client.host, "x-a": "b"}, body)).body


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_requests_one_after_the_other_use_one_connection(loop: Loop) -> None:
    async def scenario(client: HttpClient, peer: Peer) -> None:
        for number in range(3):
            response = await client.post({"host": client.host, "x-a": "b"}, b"%d" % number)
            assert (response.status, response.headers["x-thing"]) == (200, "Some")
            assert response.body == b"answer %d" % number
        assert len(peer.writers) == 1

    peer = talk([ok(b"answer %d" % number) for number in range(3)], scenario, loop=loop)
    assert peer.bodies == [b"0", b"1", b"2"]
    assert peer.heads[0].startswith(b"POST / HTTP/1.1\r\nhost: 127.0.0.1:")
    assert b"\r\nx-a: b\r\n" in peer.heads[0]


def test_requests_at_the_same_time_have_a_connection_each() -> None:
    async def scenario(client: HttpClient, peer: Peer) -> None:
        await asyncio.gather(post(client), post(client), post(client))
        await post(client)
        assert len(peer.writers) == 3

    talk([], scenario)


def test_a_connection_that_was_closed_while_idle_is_replaced_without_a_word() -> None:
    async def scenario(client: HttpClient, peer: Peer) -> None:
        await post(client)
        peer.writers[0].close()
        await post(client)
        assert len(peer.writers) == 2

    talk([], scenario)


def test_a_kept_connection_that_ends_at_its_next_request_is_replaced_without_a_word() -> None:
    """The peer closes when it reads the second request: it cannot be told from a close while idle."""

    async def scenario(client: HttpClient, _: Peer) -> None:
        assert await post(client) == b"first"
        assert await post(client) == b"third"

    talk([ok(b"first"), CLOSE, ok(b"third")], scenario)


def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(client: HttpClient, peer: Peer) -> None:
        await post(client)
        monkeypatch.setattr(http, "MAX_IDLE_SECONDS", -1.0)
        await post(client)
        assert len(peer.writers) == 2

    talk([], scenario)


def test_a_connection_that_the_peer_will_close_is_not_used_again() -> None:
    async def scenario(client: HttpClient, peer: Peer) -> None:
        assert await post(client) == b"bye"
        assert await post(client) == b"later"
        assert len(peer.writers) == 2

    talk([ok(b"bye", more=b"Connection: close\r\n")], scenario)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (CLOSE, "ended before the answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "no HTTP"),
        (b"220 mail ready\r\n", "no HTTP"),
        (ok(b"x" * (http.MAX_ANSWER_BYTES + 1)), "more than"),
    ],
)
def test_an_answer_that_is_none_is_a_failure_that_may_heal(answer: bytes, said: str) -> None:
    async def scenario(client: HttpClient, _: Peer) -> None:
        with pytest.raises(TransientError, match=said) as failure:
            await post(client)
        assert failure.value.code == "queue_unreachable"
        assert await post(client) == b"later"

    talk([answer], scenario)


def test_a_late_answer_is_never_taken_for_the_next_one() -> None:
    async def scenario(client: HttpClient, peer: Peer) -> None:
        with pytest.raises(TransientError, match="no answer within"):
            await post(client)
        peer.writers[0].write(ok(b"late"))
        assert await post(client) == b"later"

    talk([SILENCE], scenario, answer_timeout_seconds=0.2)


def test_an_answer_that_nobody_asked_for_is_never_taken_for_the_next_one() -> None:
    async def scenario(client: HttpClient, _: Peer) -> None:
        assert await post(client) == b"first"
        assert await post(client) == b"later"

    talk([ok(b"first") + ok(b"second")], scenario)


def test_a_request_that_is_cancelled_leaves_no_connection_behind() -> None:
    async def scenario(client: HttpClient, peer: Peer) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(post(client), 0.2)
        assert await post(client) == b"later"
        assert len(peer.writers) == 2

    talk([SILENCE], scenario)


def test_an_answer_may_be_announced_and_come_in_chunks() -> None:
    async def scenario(client: HttpClient, _: Peer) -> None:
        assert await post(client) == b"abcde"
        assert await post(client) == b"later"

    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"
    talk([b"HTTP/1.1 100 Continue\r\n\r\n" + chunks], scenario)


@given(st.lists(st.integers(0, 80), max_size=6), st.binary(max_size=20))
def test_how_an_answer_is_cut_never_changes_it(places: list[int], body: bytes) -> None:
    answer = ok(body, 404)
    cuts = [0, *sorted(min(place, len(answer)) for place in places), len(answer)]

    async def main() -> Response:
        connection = http._Connection()
        connection.connection_made(_Transport())
        asked = asyncio.ensure_future(connection.ask(b"", 20))
        await asyncio.sleep(0)
        for begin, end in itertools.pairwise(cuts):
            connection.data_received(answer[begin:end])
        return await asked

    assert asyncio.run(main()) == Response(404, {"x-thing": "Some", "content-length": str(len(body))}, body)


class _Transport(asyncio.Transport):
    def write(self, data: object) -> None:
        pass


def test_nobody_listening_is_a_failure_that_may_heal() -> None:
    async def scenario(client: HttpClient, _: Peer) -> None:
        client._port = 1
        with pytest.raises(TransientError):
            await post(client)

    talk([], scenario)


def tls_of(tmp_path: Path, authority: Authority) -> ssl.SSLContext:
    pair = authority.sign("queue")
    path = tmp_path / "queue.pem"
    path.write_text(pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_tls_is_spoken_and_verified(tmp_path: Path) -> None:
    async def good(client: HttpClient, _: Peer) -> None:
        assert await post(client, b"x" * 200_000) == b"later"

    async def bad(client: HttpClient, _: Peer) -> None:
        with pytest.raises(TransientError, match="CERTIFICATE_VERIFY_FAILED"):
            await post(client)

    trusted = ssl.create_default_context(cadata=CA.certificate)
    assert talk([], good, tls=tls_of(tmp_path, CA), trusted=trusted).bodies == [b"x" * 200_000]
    assert talk([], bad, tls=tls_of(tmp_path, Authority("other")), trusted=trusted).bodies == []
