"""The whole expansion: a simulated file system fills; growth is proposed, denied, let pass, done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import client, forget_clients
from fsxn_runtime.edge.log import set_level
from fsxn_runtime.expansion import handler as module
from fsxn_runtime.lineage import LineageStore

from lab.cloud.emulator import Emulator
from lab.ontap_sim.process import SimProcess
from tests.support.waiting import wait_until

GIB = 2**30
FILE_SYSTEM = "fs-0123456789abcdef0"


class Time:
    """A Lambda context with plenty of time."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def make_tables(cloud: Emulator) -> None:
    dynamodb = cloud.client("dynamodb")
    keys = {
        "guardrails": ("pk", "sk"),
        "operations": ("pk", "sk"),
        "lineage": ("source_file_key", "processing_timestamp"),
    }
    for table, (first, second) in keys.items():
        dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in (first, second)],
            KeySchema=[
                {"AttributeName": first, "KeyType": "HASH"},
                {"AttributeName": second, "KeyType": "RANGE"},
            ],
        )


@pytest.fixture
def simulator(
    emulator_process: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimProcess]:
    emulator_process.reset()
    make_tables(emulator_process)
    volume = {"name": "vol1", "directory": str(tmp_path / "vol1"), "size_bytes": 100 * GIB}
    config = {
        "svms": [{"name": "svm1", "volumes": [volume]}],
        "s3": {"endpoint": emulator_process.endpoint},
    }
    with SimProcess(config, tmp_path / "sim") as running:
        for name, value in {
            "AWS_ENDPOINT_URL": emulator_process.endpoint,
            "AWS_ENDPOINT_URL_FSX": running.ready["fsx"],
            "EXPANSION_TABLE": "operations",
            "GUARDRAIL_TABLE": "guardrails",
            "LINEAGE_TABLE": "lineage",
        }.items():
            monkeypatch.setenv(name, value)
        start_anew()
        yield running
    start_anew()
    set_level("INFO")


def start_anew() -> None:
    """Forget what the function remembers between invocations, as a new Lambda instance does."""
    forget_clients()
    module._expander.cache_clear()


def ask(volume: str = "") -> dict[str, Any]:
    """Ask for a growth, as a person; give the one answer."""
    event = {"action": "grow", "request_id": "r-1", "file_system_id": FILE_SYSTEM, "volume_id": volume}
    return send(event)[0]


def send(event: dict[str, Any]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = module.handler(event, Time())["answers"]
    return answers


def completed() -> bool:
    """Let the schedule look; say whether a growth is complete."""
    return any(answer["outcome"] == "completed" for answer in send({"action": "check"}))


def test_a_full_file_system_is_proposed_denied_let_pass_and_grown(
    simulator: SimProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps: 900 of 1024 GiB are used; a proposal; its approval is denied by the cap of 100 GiB; a grant;
    the approval passes; FSx grows; the next check sees it. Result: the size, a lineage record, an audit."""
    monkeypatch.setenv("GUARDRAIL_DAILY_CAP_GB", "100")
    simulator.client.fsx("fill", volume="vol1", bytes=900 * GIB)
    simulator.client.fsx("metrics")
    proposed = ask()
    assert proposed["outcome"] == "proposed"
    approve = {"action": "approve", "operation_id": proposed["operation_id"], "actor": "ann"}
    assert send(approve)[0]["reason"] == "daily_cap_exceeded"
    assert main(["guardrails", "break-glass", "--reason", "INC-7", "--minutes", "5"]) == 0
    set_level("INFO")
    assert send(approve)[0]["outcome"] == "started"
    wait_until(completed)
    (file_system,) = client("fsx").describe_file_systems()["FileSystems"]
    assert file_system["StorageCapacity"] == 1286  # 900 / 0.7, rounded up
    (record,) = LineageStore(client("dynamodb"), "lineage").by_file(FILE_SYSTEM)
    assert (record.status, record.reason) == ("success", "1024 to 1286 GiB")
    assert record.guardrail_mode == "ENFORCE"
    capsys.readouterr()
    assert main(["guardrails", "preflight"]) == 1
    assert "1286 GiB: a step of 10 %, 129 GiB, is above the daily cap" in capsys.readouterr().out
    assert main(["guardrails", "history", "--type", "file_system_grow"]) == 0
    newest, first = capsys.readouterr().out.splitlines()
    assert "bypassed (daily_cap_exceeded)  executed  262 GiB" in newest
    assert "denied (daily_cap_exceeded)  not_executed  262 GiB" in first


def test_a_volume_grows_and_ontap_shows_it(simulator: SimProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPANSION_LEVEL", "act")
    simulator.client.fsx("fill", volume="vol1", bytes=90 * GIB)
    simulator.client.fsx("metrics")
    (volume,) = client("fsx").describe_volumes()["Volumes"]
    assert ask(volume["VolumeId"])["outcome"] == "started"
    wait_until(completed)
    found = simulator.client.rest("GET", "/storage/volumes?name=vol1&fields=size")["records"][0]
    assert found["size"] == 131_658 * 2**20  # 92160 MiB / 0.7, rounded up
