from __future__ import annotations

import json
from pathlib import Path

import pytest
from fsxn_runtime.cli.main import main

from tests.python.report.runs import faithful_run


def test_a_run_becomes_one_html_file(tmp_path: Path):
    run, page = tmp_path / "run.json", tmp_path / "report.html"
    run.write_text(json.dumps({"title": "demo", "verification": faithful_run().verify().to_dict()}))
    assert main(["report", "--run", str(run), "-o", str(page)]) == 0
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("content", [None, "{", "{}", "[]"])
def test_a_run_that_cannot_be_read_is_one_line_and_status_2(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = tmp_path / "run.json"
    if content is not None:
        run.write_text(content)
    assert main(["report", "--run", str(run), "-o", str(tmp_path / "report.html")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
