"""Synchronous policies between the real server and the simulator's own reading of the wire."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from lab.ontap_sim.process import SimProcess
from tests.server.process import ServerProcess, free_port, running
from tests.support.fake_sqs import FakeSqs
from tests.support.waiting import wait_until

# Without filters: what depends on earlier operations is not known before an operation is done.
EVENTS = tuple(
    {
        "name": f"ev_{protocol}",
        "protocol": protocol,
        "file_operations": dict.fromkeys(("create", "rename", "delete", "write"), True),
    }
    for protocol in ("cifs", "nfsv3")
)
# The shortest that ONTAP allows beside "never".
TIMERS = {"type": "synchronous", "status_request_interval": "PT1S", "request_cancel_timeout": "PT3S"}


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimProcess]:
    volume = tmp_path / "volume"
    volume.mkdir()
    svms = [{"name": "svm1", "volumes": [{"name": "vol1", "directory": str(volume)}]}]
    config = {"svms": svms, "switches": {"protocol_versions": ["1.0", "1.1", "1.2", "2.0"]}}
    with SimProcess(config, tmp_path / "sim") as process:
        yield process


def rows(simulator: SimProcess, kind: str, **having: object) -> list[dict[str, Any]]:
    """The ledger's rows of a kind with these values."""
    found = [json.loads(line) for line in Path(simulator.ready["ledger"]).read_text().splitlines()]
    return [row for row in found if row["kind"] == kind and having.items() <= row.items()]


def create(simulator: SimProcess, *paths: str) -> list[dict[str, Any]]:
    """Let one client after the other create a file; give what became of it."""
    return simulator.client.operations(
        [{"op": "create", "path": path, "protocol": "SMB 3.1"} for path in paths]
    )


def connect(simulator: SimProcess, port: int, *, mandatory: bool = False) -> None:
    simulator.client.configure_fpolicy(
        "svm1", ["127.0.0.1"], port, events=EVENTS, store=None, mandatory=mandatory, engine_settings=TIMERS
    )


def serving(
    simulator: SimProcess, sqs: FakeSqs, tmp_path: Path, **settings: str
) -> AbstractContextManager[ServerProcess]:
    """The server in synchronous mode with the simulator's volume map."""
    volume_map = tmp_path / "map.json"
    volume_map.write_text(json.dumps(simulator.client.volume_map()))
    common = {"FPOLICY_MODE": "synchronous", "FPOLICY_VOLUME_MAP": str(volume_map)}
    return running(sqs, tmp_path / "log", **common, **settings)


def stand(gate: threading.Event) -> None:
    """Let the queue wait, not for ever."""
    gate.wait(20)


def events(sqs: FakeSqs) -> list[str]:
    return sorted(message["file_path"] for message in sqs.messages("ingestion"))


def answers(server: ServerProcess, reason: str) -> float:
    return server.metric(f'fpolicy_answers_sent_total{{reason="{reason}"}}')


def test_every_operation_waits_for_its_answer_and_is_an_event(simulator: SimProcess, tmp_path: Path) -> None:
    with FakeSqs() as sqs, serving(simulator, sqs, tmp_path) as server:
        connect(simulator, server.port)
        simulator.client.wait_connected("svm1")
        with ThreadPoolExecutor(8) as clients:
            done = list(clients.map(lambda n: create(simulator, f"/a{n}", f"/b{n}"), range(20)))
        assert [row["status"] for both in done for row in both] == ["allowed"] * 40
        assert events(sqs) == sorted(row["path"] for both in done for row in both)
        assert len(rows(simulator, "request", outcome="answered", detail=1)) == 40
        assert answers(server, "allowed") == 40


def test_what_is_denied_does_not_happen_and_is_no_event(simulator: SimProcess, tmp_path: Path) -> None:
    rules = '[{"suffix": ".mp3", "answer": 6}, {"prefix": "/vol1/locked/", "answer": 3}]'
    with FakeSqs() as sqs, serving(simulator, sqs, tmp_path, FPOLICY_DENY_RULES=rules) as server:
        connect(simulator, server.port)
        simulator.client.wait_connected("svm1")
        done = create(simulator, "/song.mp3", "/song.txt", "/locked/a.txt")
        refused = {row["path"]: row["status"] for row in done if row["kind"] == "refusal"}
        assert refused == {"/vol1/song.mp3": "bad_file_type", "/vol1/locked/a.txt": "disk_full"}
        assert sorted(path.name for path in (tmp_path / "volume").iterdir()) == ["locked", "song.txt"]
        assert events(sqs) == ["/vol1/song.txt"]
        assert answers(server, "denied") == 2


def test_a_slow_queue_is_asked_about_and_the_deadline_lets_the_client_go_on(
    simulator: SimProcess, tmp_path: Path
) -> None:
    """The queue stands for longer than the status interval: queries are answered 1, until the deadline."""
    gate = threading.Event()
    with FakeSqs() as sqs, serving(simulator, sqs, tmp_path, FPOLICY_ANSWER_DEADLINE_MS="2500") as server:
        sqs.delay = lambda: stand(gate)
        connect(simulator, server.port)
        simulator.client.wait_connected("svm1")
        (row,) = create(simulator, "/slow.txt")
        assert row["status"] == "allowed"
        status = rows(simulator, "request", outcome="status")
        assert status and {row["detail"] for row in status} == {1}
        assert (answers(server, "late"), events(sqs)) == (1, [])
        gate.set()
        wait_until(lambda: events(sqs) == ["/vol1/slow.txt"])


def test_a_cancelled_request_gets_no_answer_and_its_event_comes_all_the_same(
    simulator: SimProcess, tmp_path: Path
) -> None:
    gate = threading.Event()
    with FakeSqs() as sqs, serving(simulator, sqs, tmp_path, FPOLICY_ANSWER_DEADLINE_MS="60000") as server:
        sqs.delay = lambda: stand(gate)
        connect(simulator, server.port)
        simulator.client.wait_connected("svm1")
        (row,) = create(simulator, "/never.txt")
        assert row["status"] == "unasked"  # nobody answered, and the policy is not mandatory
        assert len(rows(simulator, "request", outcome="cancelled")) == 1
        gate.set()
        wait_until(lambda: events(sqs) == ["/vol1/never.txt"])
        wait_until(lambda: server.metric("fpolicy_events_unacked_count") == 0)
        assert server.metric("fpolicy_requests_cancelled_total") == 1
        assert rows(simulator, "request", outcome="answered") == []
        assert rows(simulator, "request", outcome="unawaited") == []


@pytest.mark.parametrize(("mandatory", "status"), [(True, "no_server"), (False, "unasked")])
def test_without_a_server_the_policy_decides(simulator: SimProcess, mandatory: bool, status: str) -> None:
    connect(simulator, free_port(), mandatory=mandatory)
    (row,) = create(simulator, "/alone.txt")
    assert (row["kind"], row["status"]) == ("refusal" if mandatory else "operation", status)
