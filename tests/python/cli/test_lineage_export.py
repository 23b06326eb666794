"""`fsxn lineage export`: what it asks the function, and what it says of the answer and of the state."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from fsxn_runtime.cli import lineage_archive
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.lineage_export import ExportTable
from fsxn_runtime.lineage_export.model import State

from tests.support.emulator import emulator, emulator_process  # noqa: F401

DONE = {
    "sealed": ["2026-01-31T10"],
    "records": 1,
    "late_records": 0,
    "lag_seconds": 1200,
    "is_complete": True,
}


@pytest.fixture
def run(monkeypatch, capsys):
    """Run with the answer that the function gives; what it was asked."""
    asked = []

    def call(answer, *argv):
        monkeypatch.setattr(
            lineage_archive, "invoke", lambda function, event: asked.append((function, event)) or answer
        )
        capsys.readouterr()
        status = main(["lineage", "export", "--function", "f", *argv])
        return status, capsys.readouterr().out.splitlines(), asked

    return call


def test_a_run_is_asked_for_and_told(run):
    status, lines, asked = run(DONE)
    assert (status, lines, asked) == (
        0,
        ["sealed 1 hours, 1 record, 0 of them late"],
        [("f", {"action": "export"})],
    )


def test_one_hour_is_asked_for(run):
    _, _, asked = run(DONE, "--hour", "2026-01-31T10")
    assert asked == [("f", {"action": "export", "hour": "2026-01-31T10"})]


def test_an_export_that_is_behind_is_a_finding(run):
    status, lines, _ = run({**DONE, "lag_seconds": 10_801, "is_complete": False})
    assert (status, lines[-1]) == (1, "there is more to do; run it again")


def test_another_run_is_told(run):
    status, lines, _ = run({"skipped": "export_runs"})
    assert (status, lines) == (0, ["another export runs; see fsxn lineage export --status"])


def test_json_is_the_answer_as_it_is(run):
    _, lines, _ = run(DONE, "--json")
    assert [json.loads(line) for line in lines] == [DONE]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--hour", "yesterday"], "'yesterday' is no hour"),
        (["--status", "--hour", "2026-01-31T10"], "--status and --hour exclude each other"),
    ],
)
def test_wrong_use_is_status_2(capsys, argv, said):
    assert main(["lineage", "export", "--function", "f", *argv]) == 2
    assert said in capsys.readouterr().err


@pytest.fixture(scope="module")
def table(emulator):  # noqa: F811
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
        patch.setenv("LINEAGE_EXPORT_TABLE", "export")
        forget_clients()
        dynamodb = emulator.client("dynamodb")
        dynamodb.create_table(
            TableName="export",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        yield dynamodb
    forget_clients()


def test_where_it_stands_is_told_and_a_lag_is_a_finding(table, capsys):
    assert main(["lineage", "export", "--status"]) == 1
    assert capsys.readouterr().out == "nothing was exported yet\n"
    for hours, status in ((2, 0), (9, 1)):
        through = f"{datetime.now(UTC) - timedelta(hours=hours):%Y-%m-%dT%H}"
        table.delete_item(TableName="export", Key={"pk": {"S": "STATE"}})
        ExportTable(table, "export").begin(State(1, "2026-01-31T10", through, 7, "0" * 64, None))
        assert main(["lineage", "export", "--status"]) == status
        said = capsys.readouterr().out
        assert said.startswith(f"sealed through {through}, ")
        assert said.endswith("; 7 manifests; began with 2026-01-31T10\n")
        assert main(["lineage", "export", "--status", "--json"]) == status
        assert json.loads(capsys.readouterr().out)["sealed_through"] == through
