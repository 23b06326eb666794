"""What the proxy says of a connection's end: the bytes that the target's host has taken."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from lab.proxy import Faults, Proxy
from tests.support.waiting import wait_until


@pytest.fixture
def target() -> Iterator[socket.socket]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def test_an_orderly_end_is_told_with_everything_that_was_sent(target: socket.socket) -> None:
    ended: dict[int, int] = {}
    with Proxy(port_of(target), Faults(piece_bytes=7), ended.__setitem__) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as client:
            mine = port_of(client)
            client.sendall(b"x" * 1000)
            client.shutdown(socket.SHUT_WR)
            accepted = target.accept()[0]
            received = b""
            while data := accepted.recv(4096):
                received += data
            accepted.close()
            assert client.recv(1) == b""
        wait_until(lambda: ended)
    assert (ended, len(received)) == ({mine: 1000}, 1000)


def test_a_reset_is_told_with_what_the_target_may_still_read(target: socket.socket) -> None:
    """The target reads nothing before the reset: what it finds afterwards is at least what was told."""
    ended: dict[int, int] = {}
    with Proxy(port_of(target), Faults(cut_after_bytes=500), ended.__setitem__) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as client:
            client.sendall(b"x" * 300)
            accepted = target.accept()[0]
            wait_until(lambda: len(accepted.recv(4096, socket.MSG_PEEK)) == 300)
            client.sendall(b"x" * 300)
            wait_until(lambda: ended)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while data := accepted.recv(4096):
                received += data
        accepted.close()
        assert proxy.cuts == 1
    (told,) = ended.values()
    assert 300 <= told <= len(received) <= 500


def test_a_target_that_is_away_ends_the_connection_and_the_proxy_goes_on(target: socket.socket) -> None:
    ended: dict[int, int] = {}
    port = port_of(target)
    target.close()
    with Proxy(port, Faults(), ended.__setitem__) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as client:
            assert client.recv(1) == b""
            assert ended == {port_of(client): 0}
        with (
            contextlib.closing(socket.create_server(("127.0.0.1", port))) as back,
            socket.create_connection(("127.0.0.1", proxy.port)) as client,
        ):
            accepted = back.accept()[0]
            accepted.sendall(b"here")
            assert client.recv(4) == b"here"
            accepted.close()
