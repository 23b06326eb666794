"""The server against somebody else's reading of the wire: the simulator in lab/ontap_sim.

What the simulator's ledger says was done is compared with what the queue accepted.
"""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.events import parse_timestamp

from lab.ontap_sim.process import SimProcess
from tests.server.process import free_port, running
from tests.support.certificates import Authority, Pair
from tests.support.fake_sqs import FakeSqs
from tests.support.waiting import wait_until

Operation = tuple[int, str, str, str | None]


@pytest.fixture(params=["hold", "ignore"])
def simulator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SimProcess]:
    """One SVM with one volume; nodes that obey back pressure, and nodes that do not."""
    volume = tmp_path / "volume"
    volume.mkdir()
    svms = [{"name": "svm1", "volumes": [{"name": "vol1", "directory": str(volume)}]}]
    switches = {"on_back_pressure": request.param}
    with SimProcess({"svms": svms, "switches": switches}, tmp_path / "sim") as process:
        yield process


def done(ledger: Path) -> list[dict[str, Any]]:
    """The operations that an enabled policy wanted."""
    rows = [json.loads(line) for line in ledger.read_text().splitlines()]
    return [row for row in rows if row["kind"] == "operation" and row["monitored"]]


def expected(rows: list[dict[str, Any]]) -> Counter[Operation]:
    return Counter((row["time_us"], row["operation"], row["path"], row["target_path"]) for row in rows)


def events_in(sqs: FakeSqs) -> list[dict[str, Any]]:
    return [event for message in sqs.messages("ingestion") for event in message["events"]]


def arrived(sqs: FakeSqs) -> set[Operation]:
    return {
        (
            parse_timestamp(event["timestamp"]),
            event["operation"],
            event["file_path"],
            event.get("target_path"),
        )
        for event in events_in(sqs)
    }


def test_every_operation_of_a_storm_arrives_across_a_restart_with_replay(
    simulator: SimProcess, tmp_path: Path
) -> None:
    """Storm at full rate with SIGTERM in the middle; more operations while down; start again; replay.

    Nothing is lost, nothing is invented, names and protocols are those of the ledger.
    """
    port = free_port()
    client = simulator.client
    ledger = Path(simulator.ready["ledger"])
    volume_map = tmp_path / "map.json"
    volume_map.write_text(json.dumps(client.volume_map()))
    settings = {"FPOLICY_VOLUME_MAP": str(volume_map), "FPOLICY_EVENTS_PER_MESSAGE": "20"}
    settings["FPOLICY_SHUTDOWN_DEADLINE_SECONDS"] = "10"
    with FakeSqs() as sqs:
        with running(sqs, tmp_path / "log", port, **settings) as server:
            client.configure_fpolicy("svm1", ["127.0.0.1"], port)
            client.wait_connected("svm1")
            client.storm(2000, wait=False)
            wait_until(lambda: len(events_in(sqs)) > 200)
            assert server.stop() == -signal.SIGTERM
        client.storm(300, folder="/while-down")
        with running(sqs, tmp_path / "log2", port, **settings):
            client.wait_connected("svm1")
            client.wait_idle(60, replayed=True)
            wanted = expected(done(ledger))
            wait_until(lambda: wanted.keys() <= arrived(sqs), 30)
            assert arrived(sqs) == wanted.keys()
            events = events_in(sqs)
            assert {event["volume_name"] for event in events} == {"vol1"}
            assert {event["protocol"] for event in events} == {"NFS", "SMB"}
            assert sum(event["replayed"] for event in events) >= 100
            assert sqs.count("quarantine") == 0


def test_nodes_that_verify_the_server_deliver_over_tls_and_refuse_another_ca(
    simulator: SimProcess, tmp_path: Path
) -> None:
    """A CA on the SVM, server_auth, a storm; then a server whose certificate another CA signed."""
    authority, stranger, port = Authority(), Authority("another CA"), free_port()
    client = simulator.client
    ledger = Path(simulator.ready["ledger"])
    (tmp_path / "map.json").write_text(json.dumps(client.volume_map()))
    ca = {"type": "client_ca", "public_certificate": authority.certificate, "svm": {"name": "svm1"}}
    client.rest("POST", "/security/certificates", ca)

    def settings(pair: Pair) -> dict[str, str]:
        return {
            "FPOLICY_VOLUME_MAP": str(tmp_path / "map.json"),
            "FPOLICY_EVENTS_PER_MESSAGE": "20",
            "FPOLICY_TLS_CERT": pair.certificate,
            "FPOLICY_TLS_KEY": pair.key,
        }

    with FakeSqs() as sqs:
        with running(sqs, tmp_path / "log", port, **settings(authority.sign("server"))) as server:
            client.configure_fpolicy(
                "svm1", ["127.0.0.1"], port, engine_settings={"ssl_option": "server_auth"}
            )
            client.wait_connected("svm1")
            client.storm(600)
            client.wait_idle(60)
            assert server.stop() == -signal.SIGTERM
        wanted = expected(done(ledger))
        assert len(wanted) > 300
        assert arrived(sqs) == wanted.keys()
        with running(sqs, tmp_path / "log2", port, **settings(stranger.sign("server"))) as server:
            wait_until(lambda: server.metric("fpolicy_connections_opened_total") > 2, 30)
            assert {record["state"] for record in client.connections("svm1")} == {"disconnected"}
            assert server.metric('fpolicy_frames_malformed_total{reason="tls_failed"}') > 0
