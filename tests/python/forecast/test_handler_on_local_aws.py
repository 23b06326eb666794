"""The whole forecast: a simulated file system fills, its metrics are read, people are told once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.forecast import handler as module
from fsxn_runtime.forecast.model import US_PER_DAY, Level

from lab.cloud.emulator import Emulator
from lab.ontap_sim.process import SimProcess
from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.waiting import wait_until

GIB = 2**30
DAY = 86_400
TABLE = "forecast"


class World:
    """The simulated file system, the local AWS, and the function in this process."""

    def __init__(self, cloud: Emulator, simulator: SimProcess, capsys: pytest.CaptureFixture[str]) -> None:
        self.cloud = cloud
        self.simulator = simulator
        self._capsys = capsys
        self.queue = cloud.client("sqs").create_queue(QueueName="told")["QueueUrl"]

    def past(self, now_gib: float, per_day_gib: float, days: int = 20, step_hours: int = 6) -> None:
        """Let vol1 have grown steadily to what it holds now."""
        points = [
            [hours * 3600, int((now_gib - per_day_gib * hours / 24) * GIB)]
            for hours in range(days * 24, -1, -step_hours)
        ]
        self.simulator.client.fsx("history", volume="vol1", points=points)

    def run(self) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Invoke once; give the answer, and the metrics by resource."""
        self._capsys.readouterr()
        answer = module.handler({}, None)
        lines = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
        return answer, {line["Resource"]: line for line in lines if "_aws" in line}

    def notices(self) -> list[dict[str, Any]]:
        """Take the notices that lie in the queue now."""
        sqs, found = self.cloud.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"])["detail"])
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def table(self) -> dict[str, str]:
        items = self.cloud.client("dynamodb").scan(TableName=TABLE)["Items"]
        return {item["pk"]["S"].partition("#")[2]: item["level"]["S"] for item in items}


@pytest.fixture
def world(
    emulator_process: Emulator,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[World]:
    emulator_process.reset()
    volume = {"name": "vol1", "directory": str(tmp_path / "vol1"), "size_bytes": 1024 * GIB}
    config = {
        "svms": [{"name": "svm1", "volumes": [volume]}],
        "s3": {"endpoint": emulator_process.endpoint},
        "file_system": {"storage_capacity_gib": 2048},
    }
    with SimProcess(config, tmp_path / "sim") as simulator:
        for name, value in {
            "AWS_ENDPOINT_URL": emulator_process.endpoint,
            "AWS_ENDPOINT_URL_FSX": simulator.ready["fsx"],
            "FILE_SYSTEM_ID": simulator.ready["file_system_id"],
            "FORECAST_TABLE": TABLE,
        }.items():
            monkeypatch.setenv(name, value)
        forget_clients()
        module._parts.cache_clear()
        emulator_process.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        made = World(emulator_process, simulator, capsys)
        arn = "arn:aws:sqs:us-east-1:000000000000:told"
        events = emulator_process.client("events")
        events.put_rule(Name="told", EventPattern=json.dumps({"source": ["fsxn.forecast"]}))
        events.put_targets(Rule="told", Targets=[{"Id": "queue", "Arn": arn}])
        yield made
    forget_clients()
    module._parts.cache_clear()


def test_far_from_full_is_measured_and_not_told(world: World) -> None:
    world.past(now_gib=500, per_day_gib=5)
    answer, metrics = world.run()
    assert answer["total_capacity_gb"] == 2048
    assert answer["days_until_full"] == pytest.approx((2048 - 500) / 5, rel=0.02)
    assert answer["method"] == "line"
    assert metrics["ssd"]["DaysUntilFull"] == answer["days_until_full"]
    assert metrics["ssd"]["ForecastAvailable"] == 1
    assert world.notices() == []


def test_a_crossing_is_told_once_and_full_at_once(world: World) -> None:
    """Steps: the volume's day is near; the same again; it is full; the same again.

    Expected: one warning, nothing, one notice of being full, nothing.
    """
    world.past(now_gib=1000, per_day_gib=10)
    answer, metrics = world.run()
    volume = next(other for other in answer["others"] if other["kind"] == "volume")
    assert metrics[volume["key"]]["DaysUntilFull"] == volume["days_until_full"] < 30
    (notice,) = wait_until(world.notices)
    assert (notice["key"], notice["level"]) == (volume["key"], "warned")
    assert world.table() == {"ssd": "clear", volume["key"]: "warned", f"{volume['key']}/files": "clear"}
    world.run()
    assert world.notices() == []

    # The last hour's average: 1000 from before and this.
    world.simulator.client.fsx("history", volume="vol1", points=[[0, 1060 * GIB]])
    _, metrics = world.run()
    assert metrics[volume["key"]]["DaysUntilFull"] == 0
    (notice,) = wait_until(world.notices)
    assert (notice["level"], notice["days_until_full"]) == ("full", 0)
    world.run()
    assert world.notices() == []


def test_without_data_there_is_no_number_of_days(world: World) -> None:
    answer, metrics = world.run()
    assert (answer["outcome"], answer["days_until_full"]) == ("too_few_points", -1)
    assert metrics["ssd"]["ForecastAvailable"] == 0
    assert "DaysUntilFull" not in metrics["ssd"]
    assert world.notices() == []


def test_who_writes_second_does_not_overwrite(world: World) -> None:
    world.past(now_gib=500, per_day_gib=5)
    parts = module._parts()
    (usage, *_) = parts.inventory.usages(module.now_us() / US_PER_DAY, 30)
    found = module.forecast(usage, usage.used[-1][0], 0)
    system = parts.settings.file_system_id
    assert parts.told.keep(system, found, Level.CLEAR, Level.WARNED)
    assert not parts.told.keep(system, found, Level.CLEAR, Level.FULL)
    assert parts.told.level(system, found.resource) is Level.WARNED


def test_show_lists_what_is_full_first_and_finds_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.past(now_gib=1000, per_day_gib=10)
    assert main(["forecast", "show"]) == 1
    heading, first, *_ = capsys.readouterr().out.splitlines()
    assert heading.split()[:3] == ["RESOURCE", "NAME", "USED"]
    assert first.startswith("fsvol-")
    assert main(["forecast", "show", "--threshold", "1", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["kind"] for row in rows] == ["volume", "ssd", "files"]


def test_plot_draws_in_the_terminal_and_as_pictures(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    world.past(now_gib=1000, per_day_gib=10)
    assert main(["forecast", "plot", "ssd"]) == 0
    drawn = capsys.readouterr().out
    assert "full in 10" in drawn.splitlines()[0]
    assert all(sign in drawn for sign in "o.=")
    picture = tmp_path / "ssd.svg"
    assert main(["forecast", "plot", "ssd", "-o", str(picture), "--days", "60"]) == 0
    assert picture.read_text().startswith("<svg ")
    assert main(["forecast", "plot", "ssd", "-o", str(tmp_path / "ssd.png")]) == 0
    assert (tmp_path / "ssd.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_forecast_is_still_drawn(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["forecast", "plot", "ssd"]) == 1
    assert "no data" in capsys.readouterr().out
    world.simulator.client.fsx("history", volume="vol1", points=[[0, GIB]])
    assert main(["forecast", "plot", "ssd"]) == 0
    assert "too few points" in capsys.readouterr().out
    assert main(["forecast", "plot", "ssd", "-o", str(tmp_path / "nowhere/x.svg")]) == 2
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["plot", "nothing"], "there are ssd"),
        (["plot", "ssd", "-o", "x.pdf"], "must end in .png or .svg"),
        (["plot", "ssd", "--days", "0"], "--days"),
        (["show", "--threshold", "0"], "--threshold"),
        (["show", "--lookback", "999"], "--lookback"),
        (["show", "--file-system", "fs-00000000000000000"], "FileSystemNotFound"),
    ],
)
def test_wrong_use_says_what_is_right(
    world: World, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert main(["forecast", *arguments]) == 2
    assert reason in capsys.readouterr().err
