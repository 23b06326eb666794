"""`fsxn lineage show` against the local AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.cli.times import parse_time
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage import LineageRecord, LineageSettings, LineageStatus, LineageTracker

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.lineage_table import create_lineage_table


def record(number, **changes):
    values = {
        "source_file_key": "/vol1/legal/a.pdf",
        "processing_timestamp": f"2026-01-31T12:0{number}:00.000000Z",
        "uc_id": "inventory",
        "status": LineageStatus.SUCCESS,
        "step_functions_execution_arn": f"arn:{number}",
        "work_key": f"k{number}",
        "event_id": "e",
        "action": "process",
        "output_keys": (f"out/{number}.json",),
        "duration_ms": 12,
    }
    return LineageRecord(**values | changes)


@pytest.fixture(scope="module")
def table(emulator):  # noqa: F811
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
        patch.setenv("LINEAGE_TABLE", "lineage")
        forget_clients()
        create_lineage_table(emulator.client("dynamodb"), "lineage")
        tracker = LineageTracker(LineageSettings("lineage", 0, "Test"))
        for number in range(3):
            tracker.record(record(number))
        tracker.record(
            record(
                5,
                action="rename",
                target_path="/vol1/legal/b.pdf",
                source_file_key="/vol1/x",
                status=LineageStatus.FAILED,
                reason="timed_out",
                output_keys=(),
            )
        )
        yield
    forget_clients()


@pytest.fixture
def run(table, capsys):
    def call(*argv):
        capsys.readouterr()
        status = main(["lineage", "show", *argv])
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err

    return call


def test_a_file_is_shown_newest_first(run):
    status, lines, _ = run("/vol1/legal/a.pdf")
    assert status == 0
    assert lines[0].split() == ["TIME", "WORKLOAD", "ACTION", "STATUS", "MS", "FILE", "OUTPUT"]
    assert [line.split()[-1] for line in lines[1:]] == ["out/2.json", "out/1.json", "out/0.json"]


def test_json_has_every_field_one_object_a_line(run):
    status, lines, _ = run("/vol1/legal/a.pdf", "--json", "--limit", "1")
    assert status == 0
    [found] = [json.loads(line) for line in lines]
    assert found["work_key"] == "k2"
    assert found["output_keys"] == ["out/2.json"]


def test_a_rename_and_a_failure_are_told(run):
    _, lines, _ = run("--execution", "arn:5")
    assert "/vol1/x -> /vol1/legal/b.pdf" in lines[1]
    assert "failed (timed_out)" in lines[1]


def test_a_workload_is_shown_between_times(run):
    status, lines, _ = run(
        "--workload", "inventory", "--since", "2026-01-31T12:01", "--until", "2026-01-31T12:02Z"
    )
    assert status == 0
    assert [line.split()[-1] for line in lines[1:]] == ["out/1.json", "out/2.json"]


def test_nothing_found_is_status_1(run):
    assert run("/vol1/none") == (1, ["no lineage records"], "")
    assert run("/vol1/none", "--json") == (1, [], "")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["/vol1/a", "--since", "1h"], "--since and --until need --workload"),
        (["/vol1/a", "--limit", "0"], "--limit is 0; it must be 1 or more"),
        (["--workload", "w", "--since", "yesterday"], "'yesterday' is no time"),
        (["/vol1/a", "--table", "absent"], "ResourceNotFoundException"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(run, argv, said):
    status, lines, error = run(*argv)
    assert (status, lines) == (2, [])
    assert said in error
    assert error.count("\n") == 1


def test_what_cannot_be_reached_is_status_3(table, monkeypatch, capsys):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    forget_clients()
    try:
        assert main(["lineage", "show", "/vol1/a"]) == 3
    finally:
        forget_clients()
    assert "Could not connect" in capsys.readouterr().err


NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-01-31", "2026-01-31T00:00:00.000000Z"),
        ("2026-01-31T12:00", "2026-01-31T12:00:00.000000Z"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000000Z"),
        ("30m", "2026-01-31T11:30:00.000000Z"),
        ("6h", "2026-01-31T06:00:00.000000Z"),
        ("7d", "2026-01-24T12:00:00.000000Z"),
    ],
)
def test_times_are_read_in_three_forms(given, expected):
    assert parse_time(given, NOW) == expected


@pytest.mark.parametrize("given", ["", "7w", "1.5h", "2026-13-01", "noon"])
def test_another_form_of_time_is_rejected(given):
    with pytest.raises(RejectedError, match="is no time"):
        parse_time(given, NOW)
