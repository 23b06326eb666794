"""Sessions over real sockets with a queue in memory, all in one event loop."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import threading

import pytest
from fpolicy_server import statistics
from fpolicy_server.delivery.parcel import Message
from fpolicy_server.session import Session, event_body
from fpolicy_server.wire.framings import Framing
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.errors import FsxnError, RejectedError
from hypothesis import given
from hypothesis import strategies as st

from lab.proxy import Faults, Proxy
from tests.server import protobuf_messages
from tests.server.bench import bench, run
from tests.server.frames import frame, golden, handshake, message, notification
from tests.server.protobuf_messages import MAP_FILE, framed
from tests.support.queue_double import QueueDouble


def test_a_notification_becomes_an_event_in_the_queue() -> None:
    async def scenario() -> None:
        async with bench() as b:
            _, writer = await b.node()
            writer.write(golden("nfs_create"))
            await b.until(lambda: b.queue.accepted)
            event = json.loads(b.queue.accepted[0])
            assert (event["file_path"], event["svm_name"], event["volume_name"]) == (
                "/vol1/test.txt",
                "svm1",
                "vol1",
            )
            await b.until(lambda: b.server.accounting.count == 0)
            assert b.counters.total(statistics.DELIVERED) == b.counters.total(statistics.RECEIVED) == 1
            assert b.server.has_had_session and b.server.active_sessions == 1

    run(scenario)


def test_a_malformed_frame_closes_that_connection_and_no_other() -> None:
    async def scenario() -> None:
        async with bench() as b:
            bad_reader, bad = await b.node()
            _, good = await b.node()
            bad.write(notification(1, path="/before") + b"garbage")
            assert await bad_reader.read() == b""
            good.write(notification(2, path="/other"))
            await b.until(lambda: len(b.queue.accepted) == 2)
            assert sorted(b.paths()) == ["/vol1/before", "/vol1/other"]
            assert b.counters.totals[statistics.MALFORMED, "bad_frame"] == 1
            assert b.server.active_sessions == 1

    run(scenario)


@pytest.mark.parametrize(
    ("settings", "first", "reason"),
    [
        ({"FPOLICY_ALLOWED_POLICIES": "pol1"}, handshake(policy="pol0"), "policy_not_allowed"),
        ({"FPOLICY_ALLOWED_PEERS": "10.0.0.0/8"}, b"", "peer_not_allowed"),
        ({}, handshake("9.9"), "no_common_version"),
        ({}, notification(), "message_before_handshake"),
        ({"FPOLICY_HANDSHAKE_TIMEOUT_SECONDS": "1"}, b'"', "handshake_timeout"),
    ],
)
def test_a_connection_that_is_not_wanted_is_closed_unanswered_with_its_reason(
    settings: dict[str, str], first: bytes, reason: str
) -> None:
    async def scenario() -> None:
        async with bench(**settings) as b:
            reader, _ = await b.connect(first)
            assert await reader.read() == b""
            await b.until(lambda: b.counters.totals[statistics.CLOSED, reason] == 1)
            assert not b.server.has_had_session
            # Only what a peer said wrong is malformed: silence and refusals of ours raise no such alarm.
            is_malformed = reason in ("no_common_version", "message_before_handshake")
            assert b.counters.total(statistics.MALFORMED) == is_malformed

    run(scenario)


def test_connections_are_limited() -> None:
    async def scenario() -> None:
        async with bench(FPOLICY_MAX_CONNECTIONS="2") as b:
            await b.node()
            await b.node()
            reader, _ = await b.connect(handshake())
            try:
                assert await reader.read() == b""
            except ConnectionResetError:
                pass  # the handshake was still unread when the connection was closed
            assert b.counters.totals[statistics.CLOSED, "too_many_connections"] == 1

    run(scenario)


def test_what_cannot_be_read_goes_to_quarantine_and_the_connection_lives() -> None:
    async def scenario() -> None:
        async with bench() as b:
            _, writer = await b.node()
            writer.write(message("SCREEN_REQ", b"<Fscreen") + frame(b"?") + notification(3))
            await b.until(lambda: len(b.quarantine.accepted) == 2 and b.queue.accepted)
            records = [json.loads(body) for body in b.quarantine.accepted]
            assert {record["reason"] for record in records} == {"undecodable"}
            await b.until(lambda: b.counters.totals[statistics.QUARANTINED, "undecodable"] == 2)

    run(scenario)


def test_an_event_the_queue_refuses_goes_to_quarantine_with_what_the_node_sent() -> None:
    def judge(_: object) -> FsxnError:
        return RejectedError("no", code="refused_by_queue")

    async def scenario() -> None:
        async with bench(QueueDouble(judge)) as b:
            _, writer = await b.node()
            writer.write(notification(3))
            await b.until(lambda: b.counters.totals[statistics.QUARANTINED, "refused_by_queue"] == 1)
            assert json.loads(b.quarantine.accepted[0])["payload_size"] == len(notification(3)) - 6

    run(scenario)


@pytest.mark.parametrize("broken", ["translate", "event_body"])
def test_a_defect_in_translation_costs_no_event(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Break it: the notification is kept in quarantine with its bytes, and the account is closed."""
    monkeypatch.setattr(f"fpolicy_server.session.{broken}", None)

    async def scenario() -> None:
        async with bench() as b:
            _, writer = await b.node()
            writer.write(notification(3))
            await b.until(lambda: b.counters.totals[statistics.QUARANTINED, "untranslatable"] == 1)
            assert json.loads(b.quarantine.accepted[0])["payload_size"] == len(notification(3)) - 6
            assert b.server.accounting.count == 0

    run(scenario)


def test_pressure_is_asked_for_on_every_session_and_taken_back() -> None:
    """Hold the queue; 80 of 100 events press, also on a session that comes later; release the queue."""
    answer_now = threading.Event()
    queue = QueueDouble(before=lambda: [None, answer_now.wait(20)][0])

    async def scenario() -> None:
        async with bench(queue, FPOLICY_MAX_UNACKED_EVENTS="100") as b:
            reader, writer = await b.node()
            idle_reader, _ = await b.node()
            writer.write(b"".join(notification(number) for number in range(150)))
            for pressed in (reader, idle_reader):
                assert await pressed.readexactly(268) == golden("apply_back_pressure")
            late_reader, _ = await b.node()
            assert await late_reader.readexactly(268) == golden("apply_back_pressure")
            await b.until(lambda: not b.server.accounting.has_room)
            assert b.server.accounting.count == 100
            answer_now.set()
            for pressed in (reader, idle_reader, late_reader):
                assert await pressed.readexactly(266) == golden("remove_back_pressure")
            await b.until(lambda: len(b.queue.accepted) == 150)
            # What was not read yet at the bound may bring it back once more.
            assert 1 <= b.counters.total(statistics.BACK_PRESSURE) <= 2
            # The writer's session and the late one; the writer's perhaps once more.
            assert 2 <= b.counters.total(statistics.READS_PAUSED) <= 3

    run(scenario)


def test_a_half_closed_session_does_not_spin_on_what_its_node_never_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fill the socket until it takes no more, then half-close: the kernel calls it writable for ever."""
    writes: list[None] = []
    send = Session._send

    def counted(session: Session) -> None:
        writes.append(None)
        send(session)

    monkeypatch.setattr(Session, "_send", counted)

    async def scenario() -> None:
        async with bench() as b:
            await b.node()
            (session,) = b.server._sessions
            session._outgoing = b"x" * 64 * 1024 * 1024
            session._send()
            assert session._outgoing
            session.half_close()
            writes.clear()
            for _ in range(20):
                await asyncio.sleep(0.001)
            assert not writes

    run(scenario)


def test_a_replay_is_counted_and_timed() -> None:
    async def scenario() -> None:
        async with bench() as b:
            _, writer = await b.node()
            writer.write(notification(1, time=now_us()) + notification(2, time=now_us() - 5_000_000))
            await b.until(lambda: len(b.queue.accepted) == 2)
            assert b.counters.total(statistics.REPLAYED) == 1
            assert [json.loads(body)["replayed"] for body in b.queue.accepted] == [False, True]
            assert b.server.take_replay_seconds() > 0

    run(scenario)


def test_an_unknown_volume_is_counted_and_delivered() -> None:
    async def scenario() -> None:
        async with bench() as b:
            _, writer = await b.node()
            writer.write(notification(1, msid=7) + golden("volume_notification") + golden("alert"))
            await b.until(lambda: b.queue.accepted)
            assert (b.paths(), b.counters.total(statistics.UNRESOLVED_NAMES)) == (["/a.txt"], 1)

    run(scenario)


def test_messages_without_effect_are_counted_by_reason() -> None:
    async def scenario() -> None:
        async with bench() as b:
            _, writer = await b.node()
            writer.write(golden("keep_alive") + message("NOVELTY", b"<N/>") + golden("cancel"))
            await b.until(lambda: b.counters.total(statistics.FILTERED) == 2)
            assert b.counters.totals[statistics.FILTERED, "unknown_type"] == 1

    run(scenario)


def test_a_server_that_stood_still_does_not_take_that_for_the_silence_of_a_node() -> None:
    """Write while the loop does not run, then ask: what lies in the socket is read first."""

    async def scenario() -> None:
        async with bench() as b:
            _, writer = await b.node()
            (session,) = b.server._sessions
            moment = asyncio.get_running_loop().time()
            assert session.is_silent_since(moment)
            writer.transport.get_extra_info("socket")._sock.send(notification(1))
            assert not session.is_silent_since(moment)
            assert b.counters.total(statistics.RECEIVED) == 1

    run(scenario)


@pytest.mark.parametrize(
    "faults", [Faults(piece_bytes=7), Faults(hold_seconds=0.05), Faults(piece_bytes=333, hold_seconds=0.01)]
)
def test_a_network_that_splits_and_merges_changes_nothing(faults: Faults) -> None:
    async def scenario() -> None:
        async with bench() as b:
            with Proxy(b.port, faults) as proxy:
                _, writer = await b.node(proxy.port)
                for number in range(100):
                    writer.write(notification(number, path=f"/{number}"))
                writer.write_eof()
                await b.until(lambda: len(b.queue.accepted) == 100)
            assert sorted(b.paths()) == sorted(f"/vol1/{number}" for number in range(100))
            await b.until(lambda: b.counters.totals[statistics.CLOSED, "peer"] == 1)

    run(scenario)


def test_a_connection_cut_within_a_frame_keeps_the_whole_frames_before_it() -> None:
    """Reset after three and a half notifications: three arrive, and the reset is no malformed frame."""
    length = len(notification(0, path="/0"))

    async def scenario() -> None:
        async with bench() as b:
            with Proxy(b.port, Faults(cut_after_bytes=392 + length * 7 // 2)) as proxy:
                assert len(handshake()) == 392
                _, writer = await b.node(proxy.port)
                for number in range(10):
                    writer.write(notification(number, path=f"/{number}"))
                await b.until(lambda: b.counters.totals[statistics.CLOSED, "connection_reset"] == 1)
                assert proxy.cuts == 1
                assert b.counters.total(statistics.MALFORMED) == 0
            await b.until(lambda: len(b.paths()) >= 3)  # the queue may answer after the connection ended
            assert sorted(b.paths()) == ["/vol1/0", "/vol1/1", "/vol1/2"]
            _, again = await b.node()
            again.write(notification(3, path="/3"))
            await b.until(lambda: "/vol1/3" in b.paths())

    run(scenario)


def test_each_svm_and_policy_is_measured_by_itself() -> None:
    """Two policies, one of whose events the queue holds back, then goes: open, unacked, latency of each."""
    gate = threading.Event()

    def hold_back(message: Message) -> None:
        if b'"pol1"' in message.body:
            gate.wait(20)

    async def scenario() -> None:
        async with bench(QueueDouble(judge=hold_back)) as b:
            for policy, count in (("pol0", 3), ("pol1", 2)):
                reader, writer = await b.connect(handshake(policy=policy))
                await reader.readexactly(100)
                for number in range(count):
                    writer.write(notification(number, path=f"/{policy}/{number}"))
                await b.until(lambda: b.counters.total(statistics.RECEIVED) == count)  # noqa: B023
                if policy == "pol0":
                    await b.until(lambda: len(b.queue.accepted) == 3)
                    b.counters.totals[statistics.RECEIVED, ""] = 0
            first, second = ("svm1", "pol0"), ("svm1", "pol1")
            await b.until(lambda: b.server.accounting.count == 2)
            gauges = b.server.source_gauges()
            assert gauges[statistics.SOURCE_OPEN] == {first: 1, second: 1}
            assert gauges[statistics.SOURCE_UNACKED] == {first: 0, second: 2}
            writer.close()  # its events know their session until they end
            await b.until(lambda: b.server.source_gauges()[statistics.SOURCE_OPEN][second] == 0)
            assert b.server.source_gauges()[statistics.SOURCE_UNACKED][second] == 2
            gate.set()
            await b.until(lambda: b.server.source_gauges()[statistics.SOURCE_UNACKED][second] == 0)
            counted = {
                source: sum(b.counters.latency_of(statistics.LATENCY, source).counts)
                for source in (first, second)
            }
            assert counted == {first: 3, second: 2}

    run(scenario)


def test_xml_and_protobuf_connections_are_served_side_by_side() -> None:
    """One listener, three nodes at once: each is read and answered in its own way, and all events arrive."""
    settings = {"PROTOBUF_FRAMING_MODE": "AUTO_DETECT", "FPOLICY_PROTOBUF_FIELD_MAP": str(MAP_FILE)}

    async def scenario() -> None:
        async with bench(**settings) as b:
            _, xml = await b.node()
            writers = []
            for framing in (Framing.LENGTH_PREFIXED, Framing.FRAMELESS):
                reader, writer = await b.connect(framed(protobuf_messages.handshake(), framing))
                answer = await reader.read(4096)
                assert b"1.2" in answer
                assert b"<" not in answer
                writers.append((framing, writer))
            for number in range(50):
                xml.write(notification(number, path=f"/xml/{number}"))
                for framing, writer in writers:
                    path = f"/{framing}/{number}"
                    writer.write(framed(protobuf_messages.notification(number, path=path), framing))
            await b.until(lambda: len(b.queue.accepted) == 150)
            names = ("xml", "LENGTH_PREFIXED", "FRAMELESS")
            assert sorted(b.paths()) == sorted(
                f"/vol1/{name}/{number}" for name in names for number in range(50)
            )
            events = [json.loads(body) for body in b.queue.accepted]
            assert len({event["event_id"] for event in events}) == 150
            assert {event["event_type"] for event in events} == {"FILE_CREATE"}
            assert len(b.quarantine.accepted) == 0

    run(scenario)


def test_an_operation_has_one_id_whichever_format_tells_of_it() -> None:
    settings = {"PROTOBUF_FRAMING_MODE": "LENGTH_PREFIXED", "FPOLICY_PROTOBUF_FIELD_MAP": str(MAP_FILE)}
    framing = Framing.LENGTH_PREFIXED

    async def scenario() -> None:
        async with bench(**settings) as b:
            _, xml = await b.node()
            _, other = await b.connect(framed(protobuf_messages.handshake(), framing))
            xml.write(notification(1, path="/a.txt"))
            other.write(framed(protobuf_messages.notification(2, path="/a.txt"), framing))
            await b.until(lambda: len(b.queue.accepted) == 2)
            first, second = (json.loads(body) for body in b.queue.accepted)
            assert first["event_id"] == second["event_id"]
            changing = ("received_at", "sequence_number", "replayed")
            assert {k: v for k, v in first.items() if k not in changing} == {
                k: v for k, v in second.items() if k not in changing
            }

    run(scenario)


def test_a_protobuf_connection_without_a_map_is_refused_and_says_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def scenario() -> None:
        async with bench(PROTOBUF_FRAMING_MODE="AUTO_DETECT") as b:
            reader, _ = await b.connect(framed(protobuf_messages.handshake(), Framing.FRAMELESS))
            assert await reader.read() == b""
            assert b.counters.totals[statistics.MALFORMED, "protobuf_unmapped"] == 1
            await b.node()  # XML goes on

    run(scenario)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "peer.failed" in line]
    assert "fpolicy-server inspect FILE" in line
    assert "FPOLICY_PROTOBUF_FIELD_MAP" in line


@pytest.mark.parametrize(
    ("sent", "is_reset", "reason"),
    [(2.0, False, "peer"), (1.5, False, "truncated_frame"), (2.0, True, "connection_reset")],
)
def test_a_clean_end_a_truncated_frame_and_a_reset_are_told_apart(
    sent: float, is_reset: bool, reason: str
) -> None:
    """Whole frames before the end always count; only the truncated one is the node's fault."""
    one = notification(0, path="/0")

    async def scenario() -> None:
        async with bench() as b:
            _, writer = await b.node()
            writer.write((one * 2)[: int(sent * len(one))])
            await b.until(lambda: len(b.queue.accepted) == int(sent))
            if is_reset:
                reset(writer)
            else:
                writer.write_eof()
            await b.until(lambda: b.counters.totals[statistics.CLOSED, reason] == 1)
            assert b.counters.total(statistics.MALFORMED) == (reason == "truncated_frame")

    run(scenario)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection without an end of its stream."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_a_body_has_only_characters_that_the_queue_takes(event: dict[str, str]) -> None:
    """Amazon SQS: tab, line feed, carriage return, U+0020 to U+D7FF, U+E000 to U+FFFD, U+10000 upwards."""
    event["always"] = "\x00\x1f\ufffe\uffff￾"
    body = event_body(dict(event)).decode()
    assert json.loads(body) == event
    assert re.fullmatch("[\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*", body)
