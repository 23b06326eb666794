"""The spool in the real process: killed, stopped, short of disk, with neighbours."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.process import ServerProcess, paths, running
from tests.support.fake_sqs import FakeSqs
from tests.support.waiting import wait_until

BOUND = 200


@pytest.fixture
def sqs() -> Iterator[FakeSqs]:
    with FakeSqs() as fake:
        yield fake


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    path = tmp_path / "spool"
    path.mkdir()
    return path


def settings(spool: Path, *, lasting: bool = True, deadline: int = 4) -> dict[str, str]:
    return {
        "FPOLICY_MAX_UNACKED_EVENTS": str(BOUND),
        "FPOLICY_EVENTS_PER_MESSAGE": "10",
        "FPOLICY_SHUTDOWN_DEADLINE_SECONDS": str(deadline),
        "FPOLICY_SPOOL_DIR": str(spool),
        "FPOLICY_SPOOL_LASTING": "true" if lasting else "false",
    }


def spooled(server: ServerProcess) -> float:
    return server.metric("fpolicy_events_spooled_total")


def test_what_was_committed_survives_kill_9_under_load(sqs: FakeSqs, spool: Path, tmp_path: Path) -> None:
    """The queue is away and a node writes on while the process is killed; a new process finds the folder.

    Every event that was on disk when it was killed arrives. What the metric said just before is a lower
    bound of that, because it follows the commit; it is far more than memory and sockets hold.
    """
    sqs.failure = lambda: "InternalError"
    with running(sqs, tmp_path / "log", **settings(spool)) as server:
        node = server.node(send_buffer_bytes=65_536)
        storm = node.storm(obeys_back_pressure=False)
        wait_until(lambda: spooled(server) > 3000)
        committed = spooled(server)
        server.process.kill()
        server.process.wait(10)
        storm.join(20)
        assert sqs.count("ingestion") == 0
    sqs.failure = lambda: None
    with running(sqs, tmp_path / "log2", **settings(spool)) as heir:
        wait_until(lambda: len(set(paths(sqs))) >= committed)
        wait_until(lambda: heir.metric("fpolicy_spool_bytes_bytes") == 0)
        wait_until(lambda: len(list(spool.iterdir())) == 1)  # the heir's own
        assert heir.metric("fpolicy_events_delivered_total") == len(paths(sqs))
        # Lost is what was only in memory, or not yet read.
        numbers = {int(path.rpartition("/")[2]) for path in paths(sqs)}
        assert len(set(range(max(numbers))) - numbers) <= BOUND


def test_a_living_neighbour_takes_over_at_once(sqs: FakeSqs, spool: Path, tmp_path: Path) -> None:
    sqs.failure = lambda: "InternalError"
    with (
        running(sqs, tmp_path / "log", **settings(spool)) as victim,
        running(sqs, tmp_path / "log2", **settings(spool)) as neighbour,
    ):
        victim.node().send(1000)
        wait_until(lambda: spooled(victim) > 700)
        committed = spooled(victim)
        sqs.failure = lambda: None
        victim.process.kill()
        wait_until(lambda: neighbour.metric("fpolicy_events_delivered_total") >= committed)
        assert len(set(paths(sqs))) >= committed


def test_what_is_left_at_the_deadline_waits_on_a_lasting_spool(
    sqs: FakeSqs, spool: Path, tmp_path: Path
) -> None:
    """The queue is away during the whole shutdown: nothing is given up, and a later process sends it all."""
    sqs.failure = lambda: "InternalError"
    with running(sqs, tmp_path / "log", **settings(spool)) as server:
        server.node().send(1000)
        wait_until(lambda: server.metric("fpolicy_events_received_total") == 1000)
        assert server.stop() == -signal.SIGTERM
        assert "events.undelivered" not in server.log
    assert sqs.count("ingestion") == 0
    sqs.failure = lambda: None
    with running(sqs, tmp_path / "log2", **settings(spool)):
        wait_until(lambda: len(set(paths(sqs))) == 1000)


def test_a_spool_that_dies_with_the_host_is_given_up_by_id(sqs: FakeSqs, spool: Path, tmp_path: Path) -> None:
    """Until then its events count as not acknowledged."""
    sqs.failure = lambda: "InternalError"
    with running(sqs, tmp_path / "log", **settings(spool, lasting=False, deadline=2)) as server:
        server.node().send(1000)
        wait_until(lambda: spooled(server) > 700)
        wait_until(lambda: server.metric("fpolicy_events_unacked_count") == 1000)
        assert server.stop() == -signal.SIGTERM
        lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
        named = [
            id_ for line in lines if line.get("event") == "events.undelivered" for id_ in line["event_ids"]
        ]
        assert len(set(named)) == len(named) == 1000


def test_a_stop_with_the_queue_back_empties_a_spool_that_dies_with_the_host(
    sqs: FakeSqs, spool: Path, tmp_path: Path
) -> None:
    sqs.failure = lambda: "InternalError"
    with running(sqs, tmp_path / "log", **settings(spool, lasting=False, deadline=20)) as server:
        server.node().send(2000)
        wait_until(lambda: spooled(server) > 1700)
        server.process.send_signal(signal.SIGTERM)
        sqs.failure = lambda: None
        assert server.process.wait(20) == -signal.SIGTERM
        assert len(set(paths(sqs))) == 2000
        assert list(spool.iterdir()) == []


def test_a_disk_that_takes_no_more_costs_no_event(sqs: FakeSqs, spool: Path, tmp_path: Path) -> None:
    """The kernel refuses to let files grow, then allows it again. Meanwhile: counted, pressure, the bound."""
    sqs.failure = lambda: "InternalError"
    failures = 'fpolicy_spool_failures_total{reason="io_failed"}'
    with running(sqs, tmp_path / "log", **settings(spool)) as server:
        node = server.node(send_buffer_bytes=65_536)
        node.send(500)
        wait_until(lambda: spooled(server) > 200)
        _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (200_000, hard))
        storm = node.storm(obeys_back_pressure=False)
        wait_until(lambda: server.metric("fpolicy_reads_paused_total") >= 1)
        wait_until(lambda: failures in server.metrics())
        assert server.metric(failures) >= 1
        assert server.metric("fpolicy_back_pressure_total") >= 1
        assert server.metric("fpolicy_events_unacked_count") <= BOUND
        before = spooled(server)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        wait_until(lambda: spooled(server) > before + BOUND)
        node._is_told_to_stop.set()
        storm.join(20)
        sqs.failure = lambda: None
        wait_until(lambda: len(set(paths(sqs))) == node.written)


def test_without_its_directory_the_server_serves_from_memory(sqs: FakeSqs, tmp_path: Path) -> None:
    with running(sqs, tmp_path / "log", **settings(tmp_path / "missing")) as server:
        server.node().send(50)
        wait_until(lambda: len(set(paths(sqs))) == 50)
        wait_until(lambda: 'fpolicy_spool_failures_total{reason="io_failed"}' in server.metrics())
