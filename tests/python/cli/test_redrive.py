"""`fsxn events redrive` on the local AWS: real queues, real messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients

from lab.cloud.emulator import Emulator
from tests.support.file_events import file_event
from tests.support.workload_world import message

BODY = message(file_event())
QUEUES = ["lab-inventory-work", "lab-inventory-dead-letters", "lab-ingestion", "lab-ingestion-dead-letters"]


class Queues:
    """Queues by name: put, count, read."""

    def __init__(self, sqs: Any) -> None:
        self.sqs = sqs
        self.urls = {
            name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in [*QUEUES, "lab-quarantine"]
        }

    def put(self, name: str, body: str, **attributes: str) -> None:
        given = {key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()}
        self.sqs.send_message(QueueUrl=self.urls[name], MessageBody=body, MessageAttributes=given)

    def bodies(self, name: str) -> list[str]:
        answer = self.sqs.receive_message(
            QueueUrl=self.urls[name], MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [found["Body"] for found in answer.get("Messages", [])]

    def clear(self) -> None:
        for url in self.urls.values():
            self.sqs.purge_queue(QueueUrl=url)


@pytest.fixture(scope="module")
def made(emulator: Emulator) -> Queues:
    return Queues(emulator.client("sqs"))


@pytest.fixture
def queues(made: Queues, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    made.clear()
    forget_clients()
    yield made
    forget_clients()


@pytest.fixture
def redrive(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[Any]]]:
    def run(*arguments: str) -> tuple[int, list[Any]]:
        status = main(["events", "redrive", *arguments, "--prefix", "lab", "--json"])
        return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def test_it_lists_with_reasons_and_changes_nothing(queues: Queues, redrive: Any) -> None:
    queues.put("lab-inventory-dead-letters", BODY, reason="failed")
    queues.put("lab-inventory-dead-letters", "{", reason="not_json")
    for _ in range(2):  # a second look sees the same: nothing stayed hidden
        status, [*letters, sums] = redrive("inventory")
        assert status == 1
        assert {(each["reason"], each["outcome"]) for each in letters} == {
            ("failed", "listed"),
            ("not_json", "not_chosen"),
        }
        assert (sums["letters"], sums["reasons"]) == (2, {"failed": 1, "not_json": 1})
    assert queues.bodies("lab-inventory-work") == []


def test_what_goes_back_is_what_came_and_the_rest_stays(queues: Queues, redrive: Any) -> None:
    queues.put("lab-inventory-dead-letters", BODY, reason="failed")
    queues.put("lab-inventory-dead-letters", "{", reason="not_json")
    status, [*_, sums] = redrive("inventory", "--yes")
    assert (status, sums["outcomes"]["redriven"], sums["outcomes"]["not_chosen"]) == (1, 1, 1)
    assert queues.bodies("lab-inventory-work") == [BODY]
    assert queues.bodies("lab-inventory-dead-letters") == ["{"]
    status, [*_, sums] = redrive("inventory", "--yes", "--reason", "not_json")
    assert (status, sums["outcomes"]["redriven"]) == (0, 1)
    assert queues.bodies("lab-inventory-dead-letters") == []


def test_quarantine_and_ingestion_go_back_to_the_ingestion_queue(queues: Queues, redrive: Any) -> None:
    queues.put("lab-quarantine", "[]", reason="wrong_schema", source_message_id="s", explanation="e")
    queues.put("lab-quarantine", '{"reason": "too_large", "payload_base64": ""}')
    queues.put("lab-ingestion-dead-letters", "one")
    assert redrive("quarantine", "--yes")[1][-1]["outcomes"]["redriven"] == 0
    _, [*_, sums] = redrive("quarantine", "--yes", "--reason", "wrong_schema", "--reason", "too_large")
    assert (sums["outcomes"]["redriven"], sums["outcomes"]["not_possible"]) == (1, 1)
    assert redrive("ingestion", "--yes")[0] == 0
    assert sorted(queues.bodies("lab-ingestion")) == ["[]", "one"]


def test_the_lines_for_a_person_name_the_file_and_the_next_step(
    queues: Queues, capsys: pytest.CaptureFixture[str]
) -> None:
    queues.put("lab-inventory-dead-letters", BODY, reason="failed")
    assert main(["events", "redrive", "inventory", "--prefix", "lab"]) == 1
    first, *others = capsys.readouterr().out.splitlines()
    assert first.endswith("  failed  listed  /vol1/legal/a.pdf")
    assert others == ["1 letters: 1 listed", "nothing was changed; --yes sends what is listed back"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "there is no queue lab-nothing-dead-letters"),
        (["inventory", "--limit", "0"], "--limit is 0"),
        (["inventory", "--rate", "0.5"], "--rate is 0.5"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    queues: Queues, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["events", "redrive", *arguments, "--prefix", "lab"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error
