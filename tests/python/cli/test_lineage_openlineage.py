"""`fsxn lineage openlineage` against the local AWS."""

from __future__ import annotations

import json

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.lineage import LineageSettings, LineageStatus, LineageTracker

from tests.support.lineage_records import lineage_record
from tests.support.lineage_table import create_lineage_table
from tests.support.openlineage_schema import validator


@pytest.fixture(scope="module")
def table(emulator):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
        patch.setenv("LINEAGE_TABLE", "openlineage")
        forget_clients()
        create_lineage_table(emulator.client("dynamodb"), "openlineage")
        tracker = LineageTracker(LineageSettings("openlineage", 0, "Test"))
        tracker.record(lineage_record(source_file_key="/vol1/a\u2028b.pdf"))
        failed = {"status": LineageStatus.FAILED, "reason": "timed_out", "output_keys": ()}
        tracker.record(
            lineage_record(source_file_key="/vol1/c.pdf", step_functions_execution_arn="arn:2", **failed)
        )
        skipped = {"status": LineageStatus.DUPLICATE, "reason": "already_running"}
        for event_id in ("e1", "e2"):
            tracker.record(lineage_record(event_id=event_id, step_functions_execution_arn=None, **skipped))
        yield
    forget_clients()


@pytest.fixture
def run(table, capsys):
    def call(*argv):
        capsys.readouterr()
        status = main(["lineage", "openlineage", *argv, "--outputs", "s3://results"])
        captured = capsys.readouterr()
        return status, [json.loads(line) for line in captured.out.splitlines()], captured.err

    return call


def test_a_workloads_runs_are_valid_events_and_what_is_no_run_is_counted(run):
    status, events, said = run("--workload", "inventory", "--clear", "--job-namespace", "prod")
    assert status == 0
    assert [event["eventType"] for event in events] == ["START", "COMPLETE", "START", "FAIL"]
    assert [event["inputs"][0]["name"] for event in events[::2]] == ["/vol1/a\u2028b.pdf", "/vol1/c.pdf"]
    assert {event["job"]["namespace"] for event in events} == {"prod"}
    assert all(validator().is_valid(event) for event in events)
    assert said == "left out, because no execution belongs to them: 2 duplicate\n"


def test_names_are_hashed_under_the_key(run, tmp_path):
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    status, events, _ = run("--execution", "arn:1", "--hash-key", str(key))
    assert status == 0
    told = json.dumps(events)
    assert "pdf" not in told
    assert "arn:1" not in told
    assert events[0]["inputs"][0]["name"].startswith("hmac-sha256-")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--hash-key", "/nowhere/key"], "the hash key cannot be read: "),
        (["--hash-key", "/dev/null"], "the hash key has 0 bytes; it must have at least 32"),
        (["--clear", "--producer", "no uri"], "--producer is 'no uri'; it must be a URI"),
    ],
)
def test_a_wrong_key_or_producer_is_refused_with_words(run, argv, said):
    status, events, error = run("--execution", "arn:1", *argv)
    assert (status, events) == (2, [])
    assert said in error


def test_names_go_out_in_clear_only_when_that_is_said(run, capsys):
    with pytest.raises(SystemExit):
        run("--execution", "arn:1")
    assert "one of the arguments --hash-key --clear is required" in capsys.readouterr().err


def test_nothing_found_is_a_finding(run):
    assert run("--execution", "arn:none", "--clear")[:2] == (1, [])
