"""What a peer that means harm gets, over real sockets; docs/topics/threat-model.md has the boundaries."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
from pathlib import Path

import pytest
from fpolicy_server import health, statistics
from fpolicy_server.health import Condition
from fpolicy_server.settings import Address

from tests.server.bench import bench, run
from tests.server.frames import frame, handshake, notification

# Each is ten of the one before: ten thousand letters, which a parser that obeys gives out without a word.
LAUGHS = b"<!DOCTYPE FscreenReq [<!ENTITY x0 'lol'>%s<!ENTITY x '&x4;'>]>" % b"".join(
    b"<!ENTITY x%d '%s'>" % (number, b"&x%d;" % (number - 1) * 10) for number in range(1, 5)
)


def with_doctype(doctype: bytes) -> bytes:
    """A notification like any other, whose path is the entity x of its document type."""
    declaration = b'<?xml version="1.0"?>'
    header, _, body = notification(1, path=b"/&x;", raw=True)[6:].partition(b"\n\n")
    return frame(header + b"\n\n" + body.replace(declaration, declaration + doctype))


def external(url: str) -> bytes:
    return f'<!DOCTYPE FscreenReq SYSTEM "{url}" [<!ENTITY x SYSTEM "{url}">]>'.encode()


def test_entities_that_grow_are_quarantined_as_they_came_and_the_connection_lives() -> None:
    """Billion laughs: what is kept is what was sent, and the next notification is an event."""

    async def scenario() -> None:
        async with bench() as b:
            _, writer = await b.node()
            writer.write(with_doctype(LAUGHS) + notification(2, path="/after"))
            await b.until(lambda: b.quarantine.accepted and b.queue.accepted)
            (record,) = (json.loads(body) for body in b.quarantine.accepted)
            assert record["reason"] == "undecodable"
            assert LAUGHS in base64.b64decode(record["payload_base64"])
            assert b.paths() == ["/vol1/after"]

    run(scenario)


def test_an_external_entity_is_asked_for_nowhere(tmp_path: Path) -> None:
    """Neither a file nor an address that a document names is opened, in the header or in the body."""

    async def scenario() -> None:
        asked: list[str] = []
        secret = tmp_path / "file"
        secret.write_text("a file of the host")
        listener = await asyncio.start_server(lambda r, w: asked.append("here"), "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        async with listener, bench() as b:
            _, writer = await b.node()
            for url in (f"http://127.0.0.1:{port}/a.dtd", secret.as_uri()):
                writer.write(with_doctype(external(url)))
            writer.write(notification(3, path="/after"))
            await b.until(lambda: len(b.quarantine.accepted) == 2 and b.queue.accepted)
            kept = b"".join(
                base64.b64decode(json.loads(body)["payload_base64"]) for body in b.quarantine.accepted
            )
            assert b"of the host" not in kept
            assert b.paths() == ["/vol1/after"]
            assert asked == []

    run(scenario)


def test_a_frame_that_claims_two_gigabytes_is_refused_before_it_comes() -> None:
    async def scenario() -> None:
        async with bench() as b:
            reader, writer = await b.node()
            writer.write(b'"' + (2**31 - 1).to_bytes(4, "big") + b'"')
            assert await reader.read() == b""
            assert b.counters.totals[statistics.MALFORMED, "frame_too_large"] == 1

    run(scenario)


def test_a_handshake_that_comes_byte_by_byte_has_the_same_time_as_any_other() -> None:
    """Each byte is progress, and still the connection ends at the handshake's time limit."""

    async def scenario() -> None:
        async with bench(FPOLICY_HANDSHAKE_TIMEOUT_SECONDS="1") as b:
            reader, writer = await b.connect()

            async def trickle() -> None:
                for place in range(len(handshake())):
                    writer.write(handshake()[place : place + 1])
                    await asyncio.sleep(0.1)

            began, task = time.monotonic(), asyncio.create_task(trickle())
            assert await reader.read() == b""
            task.cancel()
            assert time.monotonic() - began > 0.9
            assert b.counters.totals[statistics.CLOSED, "handshake_timeout"] == 1

    run(scenario)


def test_peers_that_say_nothing_take_no_place_for_longer_than_a_handshake() -> None:
    """Two silent peers fill a server for two; after the time limit a node gets in."""

    async def scenario() -> None:
        async with bench(FPOLICY_MAX_CONNECTIONS="2", FPOLICY_HANDSHAKE_TIMEOUT_SECONDS="1") as b:
            silent = [await b.connect() for _ in range(2)]
            for reader, _ in silent:
                assert await reader.read() == b""
            _, writer = await b.node()
            writer.write(notification(1, path="/in"))
            await b.until(lambda: b.paths() == ["/vol1/in"])

    run(scenario)


@pytest.mark.parametrize(
    "path", ["/../svm2/vol9/a", "//vol9/a", "/..", "/./a", "/%2e%2e/a", "/a/../../../etc/passwd"]
)
def test_a_path_that_leaves_its_volume_stays_below_its_junction_in_the_event(path: str) -> None:
    """The server names what was sent; svm and volume come from ids, never from a path."""

    async def scenario() -> None:
        async with bench() as b:
            _, writer = await b.node()
            writer.write(notification(1, path=path))
            await b.until(lambda: b.queue.accepted)
            event = json.loads(b.queue.accepted[0])
            assert (event["svm_name"], event["volume_name"]) == ("svm1", "vol1")
            assert event["file_path"].startswith("/vol1/")

    run(scenario)


def test_a_volume_of_no_svm_that_is_known_has_no_name_and_never_a_guess() -> None:
    """A peer that names an SVM of its own gets no other's names into its events."""

    async def scenario() -> None:
        async with bench() as b:
            unknown = "00000000-0000-11ee-9b2a-0242ac120002"
            reader, writer = await b.connect(handshake(svm_uuid=unknown))
            assert await reader.readexactly(1)
            writer.write(notification(1, path="/a"))
            await b.until(lambda: b.queue.accepted)
            event = json.loads(b.queue.accepted[0])
            assert (event["svm_uuid"], event["svm_name"], event["volume_name"]) == (unknown, "", "")

    run(scenario)


def test_a_health_port_that_is_held_open_serves_others() -> None:
    """A hundred connections that ask for nothing, and the question of the container's check is answered."""

    async def scenario() -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = Address("127.0.0.1", probe.getsockname()[1])
        async with await health.serve(address, lambda: Condition(True, False, True, 0.0), lambda: ""):
            held = [await asyncio.open_connection(address.host, address.port) for _ in range(100)]
            for _, writer in held:
                writer.write(b"GET /li")
            assert await asyncio.to_thread(health.ask, address, "/livez")
            for reader, _ in held:  # REQUEST_SECONDS later
                assert await reader.read() == b""
            for _, writer in held:
                writer.close()

    run(scenario)
