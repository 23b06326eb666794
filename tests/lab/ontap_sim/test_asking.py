"""Synchronous policies on the node's side: who is asked, how long, and what the client gets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.lab.ontap_sim.conftest import World
from tests.lab.ontap_sim.fake_server import FakeServer, Peer, text
from tests.support.waiting import wait_until

Start = Callable[..., World]
EVENTS = ({"name": "ev", "protocol": "nfsv3", "file_operations": {"create": True, "write": True}},)
TIMERS = {"type": "synchronous", "status_request_interval": "PT1S", "request_cancel_timeout": "PT2S"}


def connect(world: World, *servers: FakeServer, mandatory: bool = False, **engine: Any) -> None:
    world.client.configure_fpolicy(
        "svm1",
        [server.host for server in servers],
        servers[0].port,
        events=EVENTS,
        store=None,
        mandatory=mandatory,
        engine_settings={**TIMERS, **engine},
    )
    world.client.wait_connected("svm1")


class Creating:
    """A client that creates a file and waits, in a thread."""

    def __init__(self, world: World, path: str) -> None:
        self.rows: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=lambda: self.rows.extend(world.create(path)))
        self._thread.start()

    def row(self) -> dict[str, Any]:
        """Wait for the end of it."""
        self._thread.join(20)
        return self.rows[-1]


def asked(*servers: FakeServer) -> tuple[Peer, str]:
    """Wait until one of the servers has a request; give its connection and the request's id."""
    wait_until(lambda: any(server.notifications for server in servers))
    peer = next(peer for server in servers for peer in server.peers if peer.notifications)
    return peer, text(peer.notifications[-1], "ReqId")


@pytest.mark.parametrize(
    ("code", "kind", "status"),
    [(1, "operation", "allowed"), (2, "refusal", "denied"), (4, "refusal", "quota_exceeded")],
)
def test_the_answer_decides_whether_it_happens(
    start: Start, server: FakeServer, code: int, kind: str, status: str
) -> None:
    world = start()
    connect(world, server)
    creating = Creating(world, "/a")
    peer, request_id = asked(server)
    assert not (world.volume / "a").exists()
    peer.answer(request_id, code)
    row = creating.row()
    assert (row["kind"], row["status"]) == (kind, status)
    assert (world.volume / "a").exists() == (code == 1)


def test_a_request_without_answer_is_asked_for_then_cancelled(start: Start, server: FakeServer) -> None:
    world = start()
    connect(world, server, mandatory=True)
    creating = Creating(world, "/a")
    peer, request_id = asked(server)
    row = creating.row()
    assert (row["kind"], row["status"]) == ("refusal", "no_server")
    wait_until(lambda: peer.of("SCREEN_CANCEL"))
    assert [text(item, "ReqId") for item in peer.of("STATUS_QUERY_REQ")] == [request_id]
    assert text(peer.of("SCREEN_CANCEL")[0], "ReqId") == request_id


def test_a_lost_request_goes_to_another_server(start: Start, server: FakeServer) -> None:
    world = start()
    other = FakeServer("127.0.0.2", server.port)
    connect(world, server, other)
    creating = Creating(world, "/a")
    peer, request_id = asked(server, other)
    peer.tell_status(request_id, 2)
    second = other if peer in server.peers else server
    peer, request_id = asked(second)
    peer.answer(request_id, 1)
    assert creating.row()["status"] == "allowed"
    other.close()


def test_an_answer_over_the_next_connection_of_the_session_counts(start: Start, server: FakeServer) -> None:
    world = start()
    connect(world, server, request_cancel_timeout="PT20S")
    creating = Creating(world, "/a")
    peer, request_id = asked(server)
    server.stop()
    server.start()
    wait_until(lambda: any(item.session_id == peer.session_id for item in server.peers if item is not peer))
    back = next(item for item in server.peers if item is not peer and item.session_id == peer.session_id)
    back.answer(request_id, 1)
    assert creating.row()["status"] == "allowed"


def test_what_a_foreign_program_did_is_told_and_not_waited_for(start: Start, server: FakeServer) -> None:
    world = start()
    connect(world, server)
    (world.volume / "b").write_text("")
    peer, request_id = asked(server)
    peer.answer(request_id, 2)
    wait_until(lambda: world.rows("request", outcome="unawaited", detail=2))
    assert world.rows("operation", path="/vol1/b")
