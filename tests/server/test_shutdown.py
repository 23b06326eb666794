"""What is kept when the process ends: one test per sentence of the loss contract in its README."""

from __future__ import annotations

import array
import fcntl
import json
import signal
import socket
import struct
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.process import paths, running
from tests.support.fake_sqs import FakeSqs
from tests.support.waiting import wait_until


@pytest.fixture
def sqs() -> Iterator[FakeSqs]:
    with FakeSqs() as service:
        yield service


@pytest.mark.parametrize("obeys_back_pressure", [True, False])
def test_sigterm_at_full_rate_loses_nothing(sqs: FakeSqs, tmp_path: Path, obeys_back_pressure: bool) -> None:
    """Two nodes write as fast as they can; SIGTERM; each stops when it is told to, one way or the other.

    Everything that a node's kernel took must be in the queue, and the exit status is the signal's.
    """
    settings = {"FPOLICY_SHUTDOWN_DEADLINE_SECONDS": "20" if obeys_back_pressure else "10"}
    with running(sqs, tmp_path / "log", FPOLICY_EVENTS_PER_MESSAGE="50", **settings) as server:
        # Without a bound the loopback interface buffers megabytes, which says nothing about a node.
        nodes = [server.node(number, send_buffer_bytes=256 * 1024) for number in range(2)]
        storms = [node.storm(obeys_back_pressure=obeys_back_pressure) for node in nodes]
        wait_until(lambda: len(paths(sqs)) > 500)
        assert server.stop() == -signal.SIGTERM
        for storm in storms:
            storm.join(20)
        sent = {f"/{node.number}/{number}" for node in nodes for number in range(node.written)}
        assert len(sent) > 500
        assert sent - set(paths(sqs)) == set(), server.log[-3000:]
        assert all(b"BACK_PRESSURE_APPLY" in node.heard for node in nodes)


def test_what_was_written_before_the_signal_is_delivered(sqs: FakeSqs, tmp_path: Path) -> None:
    """The node neither reads nor closes: the server ends by itself after two idle times."""
    with running(sqs, tmp_path / "log") as server:
        node = server.node()
        node.send(300)
        began = time.monotonic()
        assert server.stop() == -signal.SIGTERM
        assert time.monotonic() - began < 10
        assert len(set(paths(sqs))) == 300


def test_a_node_that_closes_with_bytes_in_flight_loses_nothing(sqs: FakeSqs, tmp_path: Path) -> None:
    """The node writes and closes at once, while the queue is slow and the server may read only 100 events."""
    with running(sqs, tmp_path / "log", FPOLICY_MAX_UNACKED_EVENTS="100") as server:
        sqs.delay = lambda: time.sleep(0.02)
        node = server.node()
        node.send(500)
        node.close()
        wait_until(lambda: len(set(paths(sqs))) == 500)


def test_a_reset_loses_nothing_that_had_arrived_and_ends_the_connection(sqs: FakeSqs, tmp_path: Path) -> None:
    """The process stands still; the node writes and resets when its last byte is in the server's buffer."""
    with running(sqs, tmp_path / "log") as server:
        node = server.node()
        server.process.send_signal(signal.SIGSTOP)
        node.send(300)
        unsent = array.array("i", [0])

        def is_all_sent() -> bool:
            fcntl.ioctl(node.socket, termios.TIOCOUTQ, unsent)  # tcp(7): SIOCOUTQ
            return unsent[0] == 0

        wait_until(is_all_sent)
        node.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        node.close()
        server.process.send_signal(signal.SIGCONT)
        wait_until(lambda: len(set(paths(sqs))) == 300)
        wait_until(lambda: server.metric("fpolicy_connections_open_count") == 0)


def test_events_wait_for_the_queue_to_come_back(sqs: FakeSqs, tmp_path: Path) -> None:
    with running(sqs, tmp_path / "log") as server:
        sqs.failure = lambda: "InternalError"
        node = server.node()
        node.send(50)
        wait_until(lambda: server.metric("fpolicy_queue_retries_total") > 0)
        assert sqs.count("ingestion") == 0
        sqs.failure = lambda: None
        wait_until(lambda: len(set(paths(sqs))) == 50)
        wait_until(lambda: server.metric("fpolicy_events_unacked_count") == 0)
        assert server.metric("fpolicy_events_delivered_total") == 50


def test_what_cannot_be_delivered_by_the_deadline_is_named(sqs: FakeSqs, tmp_path: Path) -> None:
    with running(sqs, tmp_path / "log", FPOLICY_SHUTDOWN_DEADLINE_SECONDS="2") as server:
        sqs.failure = lambda: "AccessDenied"
        node = server.node()
        node.send(150)
        wait_until(lambda: server.metric("fpolicy_events_received_total") == 150)
        began = time.monotonic()
        assert server.stop() == -signal.SIGTERM
        assert time.monotonic() - began < 10
        lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
        named = [line["event_ids"] for line in lines if line.get("event") == "events.undelivered"]
        assert len({event_id for ids in named for event_id in ids}) == 150
        assert max(len(ids) for ids in named) <= 100


def test_kill_9_loses_at_most_the_documented_bound(sqs: FakeSqs, tmp_path: Path) -> None:
    """A node writes at full rate against a slow queue until it is blocked; SIGKILL.

    Lost is what its kernel took minus what the queue accepted. The bound is: the events in memory, one read
    of 64 KiB, the server's receive buffer and the node's send buffer.
    """
    bound, receive, send = 200, 65_536, 65_536
    answer_now = threading.Event()
    with running(
        sqs,
        tmp_path / "log",
        FPOLICY_MAX_UNACKED_EVENTS=str(bound),
        FPOLICY_RECV_BUFFER_BYTES=str(receive),
    ) as server:
        node = server.node(send_buffer_bytes=send)
        node.send(1000)
        wait_until(lambda: len(set(paths(sqs))) == 1000)
        sqs.delay = lambda: [None, answer_now.wait(20)][0]
        node.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            node.send(5000)
        assert server.metric("fpolicy_reads_paused_total") >= 1
        assert server.metric("fpolicy_back_pressure_total") >= 1
        assert bound * 0.8 < server.metric("fpolicy_events_unacked_count") <= bound
        server.process.kill()
        server.process.wait(10)
        answer_now.set()
        arrived = len(set(paths(sqs)))
        lost = node.written - arrived
        # The kernel doubles both socket buffers for its own book-keeping and may fill all of it with data.
        buffered = (64 * 1024 + 2 * receive + 2 * send) // 800
        assert 0 < lost <= bound + buffered


def test_a_second_signal_does_not_cut_the_shutdown_short(sqs: FakeSqs, tmp_path: Path) -> None:
    with running(sqs, tmp_path / "log") as server:
        node = server.node()
        node.send(100)
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(20) == -signal.SIGTERM
        assert len(set(paths(sqs))) == 100


def test_readiness_ends_first_and_new_connections_are_refused(sqs: FakeSqs, tmp_path: Path) -> None:
    with running(sqs, tmp_path / "log", FPOLICY_DRAIN_IDLE_MS="1500") as server:
        node = server.node()
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not server.answers("/readyz"))
        assert server.answers("/livez")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port))
        node.send(10)
        assert server.process.wait(20) == -signal.SIGTERM
        assert len(set(paths(sqs))) == 10
