"""The whole expansion: a simulated file system fills; growth is proposed, denied, let pass, done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import client, forget_clients
from fsxn_runtime.edge.log import set_level
from fsxn_runtime.errors import FsxnError
from fsxn_runtime.expansion import handler as module
from fsxn_runtime.expansion.model import Kind, Operation, Outcome
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


def with_ontap(simulator: SimProcess, aws: Emulator, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    """Let the function ask the simulated ONTAP, and grow volumes `by` fsx or ontap."""
    secret = {
        "username": simulator.ready["username"],
        "password": simulator.ready["password"],
        "management_ip": urlsplit(simulator.ready["rest"]).netloc,
        "ca_certificate": Path(simulator.ready["certificate"]).read_text(),
    }
    aws.client("secretsmanager").create_secret(Name="ontap", SecretString=json.dumps(secret))
    monkeypatch.setenv("ONTAP_SECRET_ID", "ontap")
    monkeypatch.setenv("EXPANSION_VOLUME_GROWTH", by)
    monkeypatch.setenv("EXPANSION_LEVEL", "act")
    start_anew()


def full_volume(simulator: SimProcess) -> tuple[str, str]:
    """Fill the volume to 90 %; give its ids at FSx and at ONTAP."""
    simulator.client.fsx("fill", volume="vol1", bytes=90 * GIB)
    simulator.client.fsx("metrics")
    (volume,) = client("fsx").describe_volumes()["Volumes"]
    return volume["VolumeId"], volume["OntapConfiguration"]["UUID"]


def ontap_size(simulator: SimProcess, uuid: str) -> int:
    size: int = simulator.client.rest("GET", f"/storage/volumes/{uuid}?fields=size")["size"]
    return size


def change(simulator: SimProcess, uuid: str, body: dict[str, object]) -> None:
    """Change the volume as an administrator does, and wait for ONTAP's job."""
    simulator.client.rest("PATCH", f"/storage/volumes/{uuid}?return_timeout=30", body)


def updates_by_fsx() -> list[str]:
    """The updates of the volume that FSx was asked for."""
    (volume,) = client("fsx").describe_volumes()["Volumes"]
    return [action["AdministrativeActionType"] for action in volume.get("AdministrativeActions", [])]


@pytest.mark.parametrize("mode", ["grow", "grow_shrink"])
def test_a_volume_that_ontap_grows_is_found_by_asking_and_only_reported(
    simulator: SimProcess, emulator_process: Emulator, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """The configuration says nothing of autosize."""
    with_ontap(simulator, emulator_process, monkeypatch, "fsx")
    volume_id, uuid = full_volume(simulator)
    change(simulator, uuid, {"autosize": {"mode": mode}})
    answer = ask(volume_id)
    assert (answer["outcome"], answer["reason"]) == ("reported", "autosize_on")
    assert updates_by_fsx() == []


def test_a_flag_that_is_out_of_date_does_not_stop_a_growth(
    simulator: SimProcess, emulator_process: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_ontap(simulator, emulator_process, monkeypatch, "fsx")
    volume_id, _ = full_volume(simulator)
    monkeypatch.setenv("EXPANSION_AUTOSIZED_VOLUMES", volume_id)
    start_anew()
    assert ask(volume_id)["outcome"] == "started"


def test_a_volume_grows_by_ontap_and_not_by_fsx(
    simulator: SimProcess, emulator_process: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_ontap(simulator, emulator_process, monkeypatch, "ontap")
    volume_id, uuid = full_volume(simulator)
    assert ask(volume_id)["outcome"] == "started"
    assert ontap_size(simulator, uuid) == 131_658 * 2**20
    wait_until(completed)
    assert updates_by_fsx() == []


def test_ontap_is_never_asked_to_make_a_volume_smaller(
    simulator: SimProcess, emulator_process: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between proposal and growth somebody made the volume larger."""
    with_ontap(simulator, emulator_process, monkeypatch, "ontap")
    volume_id, uuid = full_volume(simulator)
    change(simulator, uuid, {"size": 200 * GIB})
    operation = Operation(
        "0" * 12,
        Outcome.STARTED,
        Kind.VOLUME,
        volume_id,
        FILE_SYSTEM,
        "",
        100 * 1024,
        130 * 1024,
        "",
        "",
        "",
        0,
    )
    ontap = module._expander().ontap
    assert ontap is not None
    ontap.grow(operation)
    assert ontap_size(simulator, uuid) == 200 * GIB


@pytest.mark.parametrize(("by", "grows"), [("fsx", True), ("ontap", False)])
def test_ontap_out_of_reach_holds_up_only_what_it_must_do_itself(
    simulator: SimProcess, emulator_process: Emulator, monkeypatch: pytest.MonkeyPatch, by: str, grows: bool
) -> None:
    with_ontap(simulator, emulator_process, monkeypatch, by)
    volume_id, uuid = full_volume(simulator)
    emulator_process.client("secretsmanager").delete_secret(SecretId="ontap", ForceDeleteWithoutRecovery=True)
    if grows:
        assert ask(volume_id)["outcome"] == "started"
    else:
        with pytest.raises(FsxnError):
            ask(volume_id)
    assert (ontap_size(simulator, uuid) > 100 * GIB) is grows


def test_a_volume_grows_and_ontap_shows_it(simulator: SimProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPANSION_LEVEL", "act")
    simulator.client.fsx("fill", volume="vol1", bytes=90 * GIB)
    simulator.client.fsx("metrics")
    (volume,) = client("fsx").describe_volumes()["Volumes"]
    assert ask(volume["VolumeId"])["outcome"] == "started"
    wait_until(completed)
    found = simulator.client.rest("GET", "/storage/volumes?name=vol1&fields=size")["records"][0]
    assert found["size"] == 131_658 * 2**20  # 92160 MiB / 0.7, rounded up
