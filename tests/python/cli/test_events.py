from __future__ import annotations

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
