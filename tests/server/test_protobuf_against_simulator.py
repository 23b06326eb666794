"""XML and protobuf nodes of the simulator on one server, into the queue, by an invented field map."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from lab.ontap_sim.client import SimClientError
from lab.ontap_sim.process import SimProcess
from tests.server.process import ServerProcess, free_port, paths, running
from tests.server.protobuf_messages import MAP_FILE
from tests.server.test_against_simulator import done, events_in, expected
from tests.server.test_synchronous_against_simulator import EVENTS, TIMERS, rows
from tests.support.fake_sqs import FakeSqs
from tests.support.waiting import wait_until

POLICIES = {"pol_xml": "xml", "pol_protobuf": "protobuf"}


def simulator(tmp_path: Path, framing: str) -> SimProcess:
    """One SVM with one volume; its nodes can speak both formats."""
    (tmp_path / "volume").mkdir()
    svms = [{"name": "svm1", "volumes": [{"name": "vol1", "directory": str(tmp_path / "volume")}]}]
    protobuf = {"field_map": str(MAP_FILE), "framing": framing}
    return SimProcess({"svms": svms, "protobuf": protobuf}, tmp_path / "sim")


def settings(process: SimProcess, tmp_path: Path, mode: str) -> dict[str, str]:
    volume_map = tmp_path / "map.json"
    volume_map.write_text(json.dumps(process.client.volume_map()))
    return {
        "FPOLICY_VOLUME_MAP": str(volume_map),
        "FPOLICY_PROTOBUF_FIELD_MAP": str(MAP_FILE),
        "PROTOBUF_FRAMING_MODE": mode,
    }


def of_policy(events: list[dict[str, Any]], policy: str) -> set[tuple[str, str, str | None]]:
    return {
        (event["operation"], event["file_path"], event.get("target_path"))
        for event in events
        if event["policy_name"] == policy
    }


@pytest.mark.parametrize(
    ("framing", "mode"),
    [("LENGTH_PREFIXED", "AUTO_DETECT"), ("FRAMELESS", "AUTO_DETECT"), ("FRAMELESS", "FRAMELESS")],
)
def test_both_formats_bring_every_operation_side_by_side_across_a_restart(
    framing: str, mode: str, tmp_path: Path
) -> None:
    """Two policies of one scope, one engine of each format; a storm, SIGTERM, more while down, replay.

    Each policy's events are all operations of the ledger, and one operation has one id in both.
    """
    port = free_port()
    with FakeSqs() as sqs, simulator(tmp_path, framing) as process:
        client = process.client
        common = {**settings(process, tmp_path, mode), "FPOLICY_EVENTS_PER_MESSAGE": "20"}
        with running(sqs, tmp_path / "log", port, **common) as server:
            for priority, (policy, form) in enumerate(POLICIES.items(), 1):
                client.configure_fpolicy(
                    "svm1", ["127.0.0.1"], port, policy=policy, engine=f"engine_{form}", priority=priority,
                    engine_settings={"format": form},
                )  # fmt: skip
            client.wait_connected("svm1")
            client.storm(800, wait=False)
            wait_until(lambda: len(events_in(sqs)) > 200)
            assert server.stop() == -signal.SIGTERM
        client.storm(100, folder="/while-down")
        with running(sqs, tmp_path / "log2", port, **common):
            client.wait_connected("svm1")
            client.wait_idle(60, replayed=True)
            wanted = expected(done(Path(process.ready["ledger"])))
            assert len(wanted) > 300
            names = {(operation, path, target) for _, operation, path, target in wanted}
            for policy in POLICIES:
                wait_until(lambda: of_policy(events_in(sqs), policy) >= names, 30)  # noqa: B023
                assert of_policy(events_in(sqs), policy) == names
            events = events_in(sqs)
            assert len({event["event_id"] for event in events}) == len(wanted)
            assert {event["volume_name"] for event in events} == {"vol1"}
            assert sqs.count("quarantine") == 0


def answered(server: ServerProcess) -> float:
    return server.metric('fpolicy_answers_sent_total{reason="allowed"}')


def test_a_synchronous_protobuf_policy_is_answered_and_can_deny(tmp_path: Path) -> None:
    with FakeSqs() as sqs, simulator(tmp_path, "LENGTH_PREFIXED") as process:
        mode = {"FPOLICY_MODE": "synchronous", "FPOLICY_DENY_RULES": '[{"suffix": ".mp3"}]'}
        common = settings(process, tmp_path, "LENGTH_PREFIXED") | mode
        with running(sqs, tmp_path / "log", **common) as server:
            process.client.configure_fpolicy(
                "svm1", ["127.0.0.1"], server.port, events=EVENTS, store=None, mandatory=True,
                engine_settings={**TIMERS, "format": "protobuf"},
            )  # fmt: skip
            process.client.wait_connected("svm1")
            ops = [{"op": "create", "path": f"/{name}", "protocol": "SMB 3.1"} for name in ("a.txt", "b.mp3")]
            allowed, denied = process.client.operations(ops)
            assert (allowed["status"], denied["status"]) == ("allowed", "denied")
            assert answered(server) == 1
            wait_until(lambda: paths(sqs) == ["/vol1/a.txt"])
            assert rows(process, "request", outcome="answered")


def test_a_node_without_a_field_map_on_the_server_stays_disconnected(tmp_path: Path) -> None:
    auto = {"PROTOBUF_FRAMING_MODE": "AUTO_DETECT"}
    with (
        FakeSqs() as sqs,
        simulator(tmp_path, "LENGTH_PREFIXED") as process,
        running(sqs, tmp_path / "log", **auto) as server,
    ):
        process.client.configure_fpolicy(
            "svm1", ["127.0.0.1"], server.port, engine_settings={"format": "protobuf"}
        )
        refused = 'fpolicy_frames_malformed_total{reason="protobuf_unmapped"}'
        wait_until(lambda: refused in server.metrics() and server.metric(refused) > 1)
        assert {record["state"] for record in process.client.connections("svm1")} == {"disconnected"}
        assert "fpolicy-server inspect FILE" in server.log


def test_an_engine_of_format_protobuf_needs_a_map_in_the_simulator_too(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    svms = [{"name": "svm1", "volumes": [{"name": "vol1", "directory": str(tmp_path / "volume")}]}]
    engine = {"format": "protobuf"}
    with (
        SimProcess({"svms": svms}, tmp_path / "sim") as process,
        pytest.raises(SimClientError, match="when its configuration has a field map"),
    ):
        process.client.configure_fpolicy("svm1", ["127.0.0.1"], 1, engine_settings=engine)
