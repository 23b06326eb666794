"""Synchronous policies over real sockets with a queue in memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from fpolicy_server import session as session_module
from fpolicy_server import statistics
from fpolicy_server.delivery.spool.errors import SpoolUnavailableError
from fpolicy_server.delivery.spool.file import Record, SpoolFile

from tests.server.bench import Bench, bench, run
from tests.server.frames import frame, golden, handshake, message, notification
from tests.support.queue_double import QueueDouble

SYNCHRONOUS = {"FPOLICY_MODE": "synchronous"}


async def answers(reader: asyncio.StreamReader, count: int) -> dict[int, int]:
    """Read so many answers: code by request id."""
    found: dict[int, int] = {}
    while len(found) < count:
        head = await reader.readexactly(6)
        payload = await reader.readexactly(int.from_bytes(head[1:5], "big"))
        assert b"<NotfType>SCREEN_RESP<" in payload
        found[number(payload, b"ReqId")] = number(payload, b"NotfResp")
    return found


def number(payload: bytes, name: bytes) -> int:
    return int(payload.partition(b"<" + name + b">")[2].partition(b"<")[0])


def answered(b: Bench, reason: str) -> int:
    return b.counters.totals[statistics.ANSWERS, reason]


def test_every_request_is_allowed_once_the_queue_has_it() -> None:
    async def scenario() -> None:
        gate = threading.Event()
        async with bench(QueueDouble(before=gate.wait), **SYNCHRONOUS) as b:
            reader, writer = await b.node()
            writer.writelines(notification(number, path=f"/{number}") for number in range(50))
            await b.until(lambda: b.counters.total(statistics.RECEIVED) == 50)
            assert answered(b, "allowed") == 0
            gate.set()
            assert await answers(reader, 50) == dict.fromkeys(range(50), 1)
            assert (answered(b, "allowed"), len(b.queue.accepted)) == (50, 50)

    run(scenario)


def test_what_a_rule_denies_is_answered_at_once_and_is_no_event() -> None:
    async def scenario() -> None:
        rules = '[{"suffix": ".mp3", "answer": 6}, {"prefix": "/vol1/locked/"}]'
        async with bench(**SYNCHRONOUS, FPOLICY_DENY_RULES=rules) as b:
            reader, writer = await b.node()
            for number, path in enumerate(["/a.txt", "/a.MP3", "/locked/a"]):
                writer.write(notification(number, path=path))
            assert await answers(reader, 3) == {0: 1, 1: 6, 2: 2}
            assert b.paths() == ["/vol1/a.txt"]
            assert b.counters.totals[statistics.FILTERED, "denied"] == answered(b, "denied") == 2
            assert b.server.accounting.count == 0

    run(scenario)


def test_at_the_deadline_the_client_goes_on_and_the_event_is_delivered_later() -> None:
    async def scenario() -> None:
        gate = threading.Event()
        async with bench(QueueDouble(before=gate.wait), **SYNCHRONOUS, FPOLICY_ANSWER_DEADLINE_MS="100") as b:
            reader, writer = await b.node()
            writer.write(notification(1))
            assert await answers(reader, 1) == {1: 1}
            assert (answered(b, "late"), b.queue.accepted) == (1, [])
            gate.set()
            await b.until(lambda: b.queue.accepted)
            await b.until(lambda: b.server.accounting.count == 0)
            assert answered(b, "allowed") == 0

    run(scenario)


@contextlib.asynccontextmanager
async def spooling(queue: QueueDouble, directory: Path, **settings: str) -> AsyncIterator[Bench]:
    """A synchronous server with a lasting spool: 160 of 200 events in memory are its high-water mark."""
    spool = {"FPOLICY_SPOOL_DIR": str(directory), "FPOLICY_SPOOL_LASTING": "true"}
    bound = {"FPOLICY_MAX_UNACKED_EVENTS": "200"}
    async with bench(queue, **SYNCHRONOUS, **spool, **bound, **settings) as b:
        overflow = asyncio.create_task(b.server.overflow())
        try:
            yield b
        finally:
            overflow.cancel()


def stand(gate: threading.Event) -> None:
    """Let the queue wait, not for ever."""
    gate.wait(20)


def on_disk(directory: Path) -> set[str]:
    """Give the paths of the events that a heir would find: read from a copy, the server holds the file."""
    (folder,) = directory.glob("task-*")
    copy = shutil.copytree(folder, directory / "copy")
    with contextlib.closing(sqlite3.connect(copy / "spool.sqlite")) as database:
        return {json.loads(body)["file_path"] for (body,) in database.execute("SELECT body FROM event")}


def test_an_event_on_a_lasting_spool_is_answered_after_its_commit_and_no_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue stands still and 170 requests come: the newest go to disk.

    Before the commit nobody has an answer; after it, those on disk are allowed, and only those. The rest
    waits for the queue. In the end every request has one answer and the queue has every event.
    """
    gate, disk, append = threading.Event(), threading.Event(), SpoolFile.append
    is_writing = threading.Event()

    def slow(self: SpoolFile, records: Sequence[Record]) -> None:
        is_writing.set()
        disk.wait(20)
        append(self, records)

    monkeypatch.setattr(SpoolFile, "append", slow)

    async def scenario() -> None:
        async with spooling(QueueDouble(before=lambda: stand(gate)), tmp_path) as b:
            reader, writer = await b.node()
            writer.writelines(notification(number, path=f"/{number}") for number in range(170))
            await b.until(lambda: b.counters.total(statistics.RECEIVED) == 170)
            await b.until(is_writing.is_set)
            assert answered(b, "allowed") == 0
            disk.set()
            await b.until(lambda: answered(b, "allowed"))
            spooled = b.counters.total(statistics.SPOOLED)
            allowed = await answers(reader, spooled)
            assert 0 < spooled < 170
            assert b.counters.by_source[statistics.SPOOLED, ("svm1", "pol0")] == spooled
            assert {f"/vol1/{request}" for request in allowed} == on_disk(tmp_path)
            assert set(allowed.values()) == {1}
            gate.set()
            rest = await answers(reader, 170 - spooled)
            assert {*allowed, *rest} == set(range(170))
            await b.until(lambda: len(b.queue.accepted) == 170)

    run(scenario)


def test_an_event_that_no_disk_takes_is_answered_by_the_queue_or_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: SpoolFile, records: Sequence[Record]) -> None:
        raise SpoolUnavailableError("no space left on device", code="full")

    monkeypatch.setattr(SpoolFile, "append", full)
    gate = threading.Event()

    async def scenario() -> None:
        async with spooling(
            QueueDouble(before=lambda: stand(gate)), tmp_path, FPOLICY_ANSWER_DEADLINE_MS="300"
        ) as b:
            reader, writer = await b.node()
            writer.writelines(notification(number, path=f"/{number}") for number in range(170))
            await b.until(lambda: b.counters.totals[statistics.SPOOL_FAILURES, "full"])
            assert answered(b, "allowed") == 0
            assert await answers(reader, 170) == dict.fromkeys(range(170), 1)
            assert answered(b, "late") == 170
            gate.set()
            await b.until(lambda: len(b.queue.accepted) == 170)

    run(scenario)


def test_a_cancelled_request_is_delivered_without_an_answer() -> None:
    async def scenario() -> None:
        gate = threading.Event()
        async with bench(QueueDouble(before=gate.wait), **SYNCHRONOUS) as b:
            reader, writer = await b.node()
            writer.write(notification(106) + golden("cancel") + golden("status_query"))
            payload = await reader.readexactly(len(golden("status_response")))
            assert b"<Resp>2</Resp>" in payload
            gate.set()
            await b.until(lambda: b.server.accounting.count == 0)
            assert (b.paths(), b.counters.total(statistics.ANSWERS)) == (["/vol1/a.txt"], 0)
            assert b.counters.total(statistics.CANCELLED) == 1

    run(scenario)


def test_an_unreadable_request_is_quarantined_and_then_allowed() -> None:
    async def scenario() -> None:
        async with bench(**SYNCHRONOUS) as b:
            reader, writer = await b.node()
            writer.write(notification(4, msid="none"))
            assert await answers(reader, 1) == {4: 1}
            assert len(b.quarantine.accepted) == 1

    run(scenario)


def test_a_node_that_comes_back_gets_the_answers_of_its_broken_connection() -> None:
    async def scenario() -> None:
        gate = threading.Event()
        async with bench(QueueDouble(before=gate.wait), **SYNCHRONOUS) as b:
            _, writer = await b.node()
            writer.write(notification(1))
            await b.until(lambda: b.counters.total(statistics.RECEIVED) == 1)
            writer.close()
            await b.until(lambda: b.server.active_sessions == 0)
            reader, writer = await b.node()
            writer.write(notification(2))
            await b.until(lambda: b.counters.total(statistics.RECEIVED) == 2)
            gate.set()
            assert await answers(reader, 2) == {1: 1, 2: 1}

    run(scenario)


def test_another_session_gets_no_answers_that_are_not_its_own() -> None:
    async def scenario() -> None:
        gate = threading.Event()
        async with bench(QueueDouble(before=gate.wait), **SYNCHRONOUS) as b:
            _, writer = await b.node()
            writer.write(notification(1))
            await b.until(lambda: b.counters.total(statistics.RECEIVED) == 1)
            writer.close()
            await b.until(lambda: b.server.active_sessions == 0)
            reader, writer = await b.connect(handshake(session_id="another") + notification(2))
            await b.until(lambda: b.counters.total(statistics.RECEIVED) == 2)
            head = await reader.readexactly(6)
            await reader.readexactly(int.from_bytes(head[1:5], "big"))  # NEGO_RESP
            gate.set()
            await b.until(lambda: len(b.queue.accepted) == 2)
            assert await answers(reader, 1) == {2: 1}
            assert answered(b, "allowed") == 2  # the other waits for its node

    run(scenario)


def test_a_drain_answers_what_was_asked_before_it_says_goodbye() -> None:
    """Drain with a queue that stands; let it go after more than the idle time: the answer still comes."""

    async def scenario() -> None:
        gate = threading.Event()
        async with bench(QueueDouble(before=gate.wait), **SYNCHRONOUS) as b:
            reader, writer = await b.node()
            writer.write(notification(1))
            await b.until(lambda: b.counters.total(statistics.RECEIVED) == 1)
            asyncio.get_running_loop().call_later(0.3, gate.set)
            draining = asyncio.create_task(b.server.drain())
            pause = await reader.readexactly(len(golden("apply_back_pressure")))
            assert b"BACK_PRESSURE_APPLY" in pause
            assert await answers(reader, 1) == {1: 1}
            writer.close()
            assert await draining == []

    run(scenario)


def test_a_node_that_never_reads_its_answers_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_UNREAD_BYTES", 20_000)

    async def scenario() -> None:
        async with bench(**SYNCHRONOUS) as b:
            _, writer = await b.node()
            sock: socket.socket = writer.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            number = 0
            while not b.counters.totals[statistics.MALFORMED, "answers_unread"]:
                writer.write(notification(number, path=f"/{number}"))
                number += 1
                await asyncio.sleep(0)
            await b.until(lambda: b.server.accounting.count == 0)
            assert len(b.queue.accepted) == b.counters.total(statistics.RECEIVED)

    run(scenario)


def test_alerts_outages_and_changed_volumes_are_counted_or_looked_after() -> None:
    async def scenario() -> None:
        async with bench() as b:
            _, writer = await b.node()
            for name in ("alert", "outage_one_file", "outage_end", "volume_notification"):
                writer.write(golden(name))
            writer.write(message("SCREEN_REQ", b"<Unreadable/>") + frame(golden("keep_alive")[6:]))
            await b.until(lambda: b.quarantine.accepted)
            totals = b.counters.total
            assert (totals(statistics.ALERTS), totals(statistics.OUTAGE_FILES)) == (1, 1)

    run(scenario)


def test_repeats_and_unknown_operations_are_counted_and_delivered() -> None:
    async def scenario() -> None:
        async with bench() as b:
            _, writer = await b.node()
            writer.write(notification(1) + notification(2) + notification(3, kind="NFS_NEW"))
            await b.until(lambda: len(b.queue.accepted) == 3)
            assert b.counters.total(statistics.DUPLICATES) == 1
            assert b.counters.total(statistics.UNKNOWN_OPERATIONS) == 1
            source = ("svm1", "pol0")
            assert b.counters.by_source[statistics.RECEIVED, source] == 3
            assert b.counters.by_source[statistics.DELIVERED, source] == 3

    run(scenario)
