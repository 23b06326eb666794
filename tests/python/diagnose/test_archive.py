"""A bundle's page and archive: what they say, and what never gets into them."""

from __future__ import annotations

import json
import stat
import tarfile
import threading
import time
from pathlib import Path

import pytest
from fsxn_runtime.diagnose import Fact, causes, collect, first_page, write
from fsxn_runtime.errors import RejectedError, TransientError

from tests.python.diagnose.worlds import PREFIX, facts, queue

PASSWORD = "lab-Secret-Passw0rd"
KEY = "PRIVATE " + "KEY-----"  # a key in one piece is not written down anywhere
LEAKS = {
    "password": PASSWORD,
    "nested": [{"SecretString": f'{{"username": "u", "password": "{PASSWORD}"}}'}],
    "log line": f'{{"event": "x", "secret": {{"password": "{PASSWORD}"}}}}',
    "escaped": f'{{"body": "{{\\"password\\": \\"{PASSWORD}\\"}}"}}',
    "setting": f"password={PASSWORD} retry",
    "header": f"Authorization: Basic {PASSWORD}",
    "key": f"-----BEGIN {KEY}\n{PASSWORD}\n-----END {KEY}",
    "cut key": f"-----BEGIN EC {KEY}\n{PASSWORD}",
}


def unpacked(path: Path) -> dict[str, str]:
    """Every file of an archive by its name below the one folder."""
    with tarfile.open(path) as archive:
        return {
            member.name.partition("/")[2]: (archive.extractfile(member) or pytest.fail()).read().decode()
            for member in archive
        }


@pytest.mark.parametrize("form", LEAKS)
def test_no_secret_gets_into_the_archive_in_any_form(form: str, tmp_path: Path) -> None:
    path = tmp_path / "bundle.tar.gz"
    page = "" if form == "password" else f"seen: {LEAKS[form]}"  # without a name it has no form
    write(path, page, {"facts/errors.json": {form: LEAKS[form], "kept": "beside"}}, 1)
    found = unpacked(path)
    assert PASSWORD not in "".join(found.values())
    assert json.loads(found["facts/errors.json"])["kept"] == "beside"


def test_the_archive_is_for_whoever_made_it_and_never_replaces_another(tmp_path: Path) -> None:
    path = tmp_path / "bundle.tar.gz"
    write(path, "page\n", {}, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert unpacked(path) == {"README.txt": "page\n"}
    with pytest.raises(RejectedError, match="cannot make"):
        write(path, "other\n", {}, 1)


def test_the_first_page_names_the_cause_the_page_the_command_and_what_is_missing() -> None:
    known = facts(
        queues=queue("ingestion-dead-letters", visible=3),
        objectives=Fact(None, "no such parameter", "no_catalogue"),
    )
    lines = first_page(known, causes(known, PREFIX), PREFIX, "now").splitlines()
    assert lines[2] == "Most likely cause: 3 messages were given up and wait in lab-ingestion-dead-letters"
    assert "   page: docs/runbooks/ingestion-dead-letters.md" in lines
    assert "   next: fsxn events redrive ingestion --prefix lab" in lines
    assert lines[-2:] == ["Could not be collected:", "  objectives: no such parameter"]


def test_where_nothing_is_wrong_the_page_says_so_only_if_all_was_seen() -> None:
    assert "Nothing wrong was seen: all of it was collected" in first_page(facts(), [], PREFIX, "now")
    partly = facts(queues=Fact(None, "denied", "aws_denied"))
    assert "in what could be collected" in first_page(partly, [], PREFIX, "now")


def test_no_collector_holds_up_or_breaks_another() -> None:
    """Steps: one answers, one fails on purpose, one by a fault, one never ends; the deadline is kept."""
    never = threading.Event()

    def busy() -> None:
        raise TransientError("SQS is away", code="aws_unreachable")

    def faulty() -> None:
        raise KeyError("surprise")

    began = time.monotonic()
    found = collect(
        {"good": lambda: [1], "busy": busy, "faulty": faulty, "hung": lambda: never.wait(60)},
        deadline_seconds=1.0,
    )
    assert time.monotonic() - began < 30
    never.set()
    assert found["good"].data == [1]
    assert (found["busy"].why_not, found["busy"].code) == ("SQS is away", "aws_unreachable")
    assert "surprise" in found["faulty"].why_not
    assert found["hung"].why_not == "no answer within 1 s"
