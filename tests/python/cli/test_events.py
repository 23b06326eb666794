from __future__ import annotations

import json
from pathlib import Path

import pytest
from fsxn_runtime.cli.main import main

COMMAND = ["events", "verify", "--state-table", "t", "--lineage-table", "l"]


@pytest.mark.parametrize(
    ("output", "queue", "said"),
    [
        ("bucket/prefix", "a=http://q", "--output is 'bucket/prefix'"),
        ("s3://bucket", "a=http://q", "--output is 's3://bucket'"),
        ("s3://bucket/prefix/uc", "http://q", "--queue is 'http://q'"),
        ("s3://bucket/prefix/uc", "a=http://q", "cannot read"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    output: str, queue: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The last row names files that are not there."""
    files = ["--ledger", str(tmp_path / "ledger"), "--events", str(tmp_path / "events")]
    assert main([*COMMAND, *files, "--output", output, "--queue", queue]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error


def test_a_broken_ledger_is_named_by_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "ledger").write_text("{\n")
    (tmp_path / "events").write_text("")
    files = ["--ledger", str(tmp_path / "ledger"), "--events", str(tmp_path / "events")]
    assert main([*COMMAND, *files, "--output", "s3://bucket/prefix/uc"]) == 2
    assert "ledger line 1" in capsys.readouterr().err


def test_a_ledger_that_is_no_text_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "ledger").write_bytes(b"\xff\n")
    files = ["--ledger", str(tmp_path / "ledger"), "--events", str(tmp_path / "ledger")]
    assert main([*COMMAND, *files, "--output", "s3://bucket/prefix/uc"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "not UTF-8" in error


def test_only_a_line_feed_ends_a_line_of_a_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """JSON may have other line separators inside a text; the broken line after it is still the second."""
    row = {"kind": "run", "event": "a\u2028b\x85c", "at_us": 1}
    (tmp_path / "ledger").write_text(json.dumps(row, ensure_ascii=False) + "\n{\n", encoding="utf-8")
    files = ["--ledger", str(tmp_path / "ledger"), "--events", str(tmp_path / "ledger")]
    assert main([*COMMAND, *files, "--output", "s3://bucket/prefix/uc"]) == 2
    assert "ledger line 2" in capsys.readouterr().err
