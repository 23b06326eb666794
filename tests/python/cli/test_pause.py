"""`fsxn events status|pause|resume` on the local AWS: a real mapping between a real queue and function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients

from lab.cloud.emulator import Emulator
from tests.support.starter_mapping import make_mapping
from tests.support.waiting import stays, wait_until

WORK, LETTERS = "lab-inventory-work", "lab-inventory-dead-letters"


@pytest.fixture(scope="module")
def queues(emulator: Emulator) -> dict[str, str]:
    """A workload's queues, with a function that takes whatever comes; and another installation's."""
    sqs = emulator.client("sqs")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in (WORK, LETTERS, "other-x-work")}
    make_mapping(emulator, "lab-inventory-start", urls[WORK])
    make_mapping(emulator, "other-x-start", urls["other-x-work"])
    return urls


@pytest.fixture
def events(
    queues: dict[str, str], emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> Iterator[Callable[..., tuple[int, list[str]]]]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    forget_clients()

    def run(*arguments: str) -> tuple[int, list[str]]:
        status = main(["events", *arguments, "--prefix", "lab"])
        return status, capsys.readouterr().out.splitlines()

    yield run
    run("resume", "inventory")
    forget_clients()


def test_a_pause_stops_the_taking_and_keeps_what_comes_until_it_is_resumed(
    events: Any, queues: dict[str, str], emulator: Emulator
) -> None:
    sqs = emulator.client("sqs")

    def waiting() -> int:
        found = sqs.get_queue_attributes(QueueUrl=queues[WORK], AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])

    assert events("pause", "inventory") == (0, ["inventory is paused"])
    assert events("pause", "inventory") == (0, ["inventory is paused already"])
    sqs.send_message(QueueUrl=queues[WORK], MessageBody="an event")
    stays(lambda: waiting() == 1, 2)  # it takes some 60 ms where nobody paused
    status, [line] = events("status", "inventory", "--json")
    row = json.loads(line)
    assert (status, row["switch"], row["waiting"], row["retention_seconds"]) == (1, "paused", 1, 345_600)
    assert events("resume", "inventory") == (0, ["inventory is running"])
    wait_until(lambda: waiting() == 0)
    assert events("status")[0] == 0


def test_status_shows_this_installations_workloads_only(events: Any) -> None:
    status, [line] = events("status")
    assert status == 0
    assert line.startswith("inventory  running since 20")
    assert line.endswith("0 waiting, 0 in flight, 0 dead letters")


def test_dead_letters_are_a_finding(events: Any, queues: dict[str, str], emulator: Emulator) -> None:
    sqs = emulator.client("sqs")
    sqs.send_message(QueueUrl=queues[LETTERS], MessageBody="given up")
    assert events("status")[0] == 1
    sqs.purge_queue(QueueUrl=queues[LETTERS])


def test_a_workload_that_is_not_there_is_wrong_use_and_those_that_are_are_named(
    events: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["events", "pause", "invoices", "--prefix", "lab"]) == 2
    assert "there are: inventory" in capsys.readouterr().err
