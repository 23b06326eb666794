"""What every command's output has in common."""

from __future__ import annotations

import json

import pytest
from fsxn_runtime.cli.console import say
from hypothesis import given
from hypothesis import strategies as st


def test_a_file_name_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("/vol1/\x1b[2J\r\nDONE \x9b1A\u2028\x7fä")
    assert capsys.readouterr().out == "/vol1/\\u001b[2J\\u000d\\u000aDONE \\u009b1A\\u2028\\u007fä\n"


@given(name=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_json_line_stays_one_line_of_the_same_json(name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setattr("sys.stdout.write", written.append)
        say(json.dumps({"name": name}, ensure_ascii=False))
    (line,) = written
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {"name": name}
