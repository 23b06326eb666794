"""`fsxn events storm`, `collect` and `verify` against the real server, the simulator and the local SQS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients

from lab.cloud.emulator import Emulator
from lab.ontap_sim.process import SimProcess
from tests.server.process import ServerProcess, running
from tests.support.emulator import emulator, emulator_process  # noqa: F401

COUNT = 1500


class Queues:
    """The two queues of a server, at the local SQS."""

    def __init__(self, aws: Emulator) -> None:
        self.url = aws.endpoint
        self.sqs = aws.client("sqs")

    def queue_url(self, name: str) -> str:
        return str(self.sqs.create_queue(QueueName=name)["QueueUrl"])


@pytest.fixture
def queues(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queues]:  # noqa: F811
    for name, value in {
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": emulator.region,
    }.items():
        monkeypatch.setenv(name, value)
    forget_clients()
    yield Queues(emulator)
    forget_clients()


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimProcess]:
    (tmp_path / "volume").mkdir()
    volume = {"name": "vol1", "directory": str(tmp_path / "volume")}
    with SimProcess({"svms": [{"name": "svm1", "volumes": [volume]}]}, tmp_path / "sim") as process:
        yield process


def point(simulator: SimProcess, server: ServerProcess) -> None:
    simulator.client.configure_fpolicy("svm1", ["127.0.0.1"], server.port)
    simulator.client.wait_connected("svm1")


def test_a_storm_by_command_arrives_in_the_queue_and_one_event_less_is_found(
    queues: Queues, simulator: SimProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Storm, collect, verify: nothing lost. Then the same with one line of the events taken away."""
    ledger, events = simulator.ready["ledger"], tmp_path / "events.jsonl"
    volume_map = tmp_path / "map.json"
    volume_map.write_text(json.dumps(simulator.client.volume_map()))
    queue = queues.queue_url("ingestion")
    settings = {"FPOLICY_VOLUME_MAP": str(volume_map), "FPOLICY_EVENTS_PER_MESSAGE": "20"}
    with running(queues, tmp_path / "log", **settings) as server:  # type: ignore[arg-type]
        point(simulator, server)
        storm = ["--simulator", simulator.ready["control"], "--count", str(COUNT), "--seed", "5"]
        assert main(["events", "storm", *storm, "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        simulator.client.wait_idle()
        collect = ["events", "collect", "--queue", queue, "--events", str(events), "--idle", "2", "--json"]
        assert main(collect) == 0
        taken = json.loads(capsys.readouterr().out)
        assert server.stop() != -9
    assert said["operations"] == COUNT
    assert taken["events"] == taken["different"] > COUNT // 2

    verify = ["events", "verify", "--ledger", ledger, "--queue", f"ingestion={queue}"]
    page = tmp_path / "page.html"
    assert main([*verify, "--events", str(events), "--json", "--chart", str(page)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["ok"], result["delivery"]["delivered"]) == (True, taken["different"])
    assert result["delivery"]["operations"] == COUNT
    assert "<svg" in page.read_text()

    events.write_text("".join(events.read_text().splitlines(keepends=True)[1:]))
    assert main([*verify, "--events", str(events)]) == 1
    assert "event.lost: 1" in capsys.readouterr().out


def test_a_message_that_is_no_event_stays_in_the_queue_and_is_named(
    queues: Queues, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    queue, sqs = queues.queue_url("poisoned"), queues.sqs
    sqs.send_message(QueueUrl=queue, MessageBody='{"hello": 1}')
    collect = ["events", "collect", "--queue", queue, "--events", str(tmp_path / "e"), "--idle", "1"]
    assert main(collect) == 2
    assert "a message is no file event" in capsys.readouterr().err
    count = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert int(count["ApproximateNumberOfMessagesNotVisible"]) == 1


def test_fewer_events_than_expected_is_a_finding(
    queues: Queues, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    queue = queues.queue_url("empty")
    collect = ["events", "collect", "--queue", queue, "--events", str(tmp_path / "e"), "--idle", "0.5"]
    assert main([*collect, "--expected", "1"]) == 1
    assert capsys.readouterr().out == "0 events, 0 different\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--simulator", "http://127.0.0.1:1", "--count", "0"], "count is 0"),
        (["--simulator", "http://127.0.0.1:1", "--operations", "create"], "--operations has 'create'"),
        (["--simulator", "http://127.0.0.1:1", "--sizes", "big"], "--sizes is 'big'"),
        (["--mount", "."], "--mount needs --ledger FILE and --junction-path"),
        (
            ["--simulator", "http://127.0.0.1:1", "--downtime", "5"],
            "--downtime needs --cluster and --service",
        ),
    ],
)
def test_wrong_use_of_the_storm_is_one_line_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["events", "storm", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error


def test_a_simulator_that_does_not_answer_is_status_3(capsys: pytest.CaptureFixture[str]):
    assert main(["events", "storm", "--simulator", "http://127.0.0.1:1"]) == 3
    assert "no simulator answers at http://127.0.0.1:1" in capsys.readouterr().err
