"""What must not stand in any file of the repository: accounts, machines, unfinished work, hidden tests."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.structure.source_tree import ROOT, files

# Account numbers of AWS's own documentation, and the local AWS's.
EXAMPLE_ACCOUNTS = {"000000000000", "111122223333", "123456789012", "444455556666"}
_ACCOUNT = re.compile(r"(?<![0-9A-Za-z.-])[0-9]{12}(?![0-9A-Za-z.-]|\.[0-9])")
# Machine-made data: the provider's schema, captured frames. Its numbers are no accounts, its words not ours.
_DATA = {".json", ".jsonl", ".bin", ".hex", ".gz", ".msgpack", ".svg"}

# Written so that this file does not find itself.
FORBIDDEN = {
    "unfinished work": re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X)\b|\bNotImplemented[E]rror\b"),
    "a test that does not run": re.compile(
        r"\bx[f]ail\b|\bpytest\.s[k]ip\b|mark\.s[k]ip|\bunittest\.s[k]ip|pragma: no c[o]ver"
    ),
    "the path of somebody's machine": re.compile(r"(?<![\w.])/(?:ro[o]t|ho[m]e/\w+|Us[e]rs/\w+|wo[r]k)/"),
    "an index or proxy address": re.compile(r"\bpypi\.o[r]g\b|\bpythonhosted\.o[r]g\b|--in[d]ex-url"),
    "a key that could be real": re.compile(r"\bA[K]IA[0-9A-Z]{16}\b|-----BEGIN (?:RSA |EC )?PRIVATE K[E]Y"),
}


@cache
def texts() -> dict[Path, str]:
    """Every text file of ours; captured bytes are no text."""
    found = {}
    for path in files():
        try:
            found[path] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def hits(pattern: re.Pattern[str]) -> list[str]:
    """Where the pattern is found, as `file:line: what`."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path, text in texts().items()
        if path.suffix not in _DATA and pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(line)
    ]


def test_files_were_found() -> None:
    assert ROOT / "Makefile" in texts()


def test_no_account_number_is_written_down() -> None:
    assert [hit for hit in hits(_ACCOUNT) if hit.rpartition(" ")[2] not in EXAMPLE_ACCOUNTS] == []


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_forbidden_is_written_down(what: str) -> None:
    assert hits(FORBIDDEN[what]) == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("unfinished work", "# TO" + "DO later"),
        ("a test that does not run", "@pytest.mark.sk" + "ip"),
        ("the path of somebody's machine", "see /ho" + "me/ann/x"),
        ("an index or proxy address", "https://pypi.o" + "rg/simple"),
        ("a key that could be real", "AK" + "IA" + "ABCDEFGHIJKLMNOP"),
    ],
)
def test_the_patterns_find_what_they_are_for(what: str, text: str) -> None:
    assert FORBIDDEN[what].search(text)


def test_an_account_number_would_be_found() -> None:
    assert _ACCOUNT.search("arn:aws:sqs:us-east-1:" + "9" * 12 + ":queue")
    assert not _ACCOUNT.search("4f0c9d0a-0000-4000-8000-" + "9" * 12)
