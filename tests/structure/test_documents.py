"""What the documents point at exists: links, make targets, commands of ours."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from fsxn_runtime.cli.main import main

from tests.structure.source_tree import ROOT, files

DOCUMENTS = [path for path in files() if path.suffix == ".md"]
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
MAKE = re.compile(r"(?:^|`|&& )make ([a-z][a-z-]*)", re.MULTILINE)
FSXN = re.compile(r"(?:^\s*|`)(?:\.venv/bin/)?fsxn ([a-z][a-z -]*[a-z])", re.MULTILINE)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def broken_links(document: Path, text: str) -> list[str]:
    return [link for link, _ in LINK.findall(text) if not (document.parent / link).exists()]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def code(text: str) -> str:
    """The code of a document: indented and fenced blocks, and what stands between backticks."""
    fenced = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    indented = re.findall(r"^ {4}.*$", text, re.MULTILINE)
    return "\n".join([*fenced, *indented, *(f"`{inline}`" for inline in re.findall(r"`([^`\n]+)`", text))])


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert broken_links(document, document.read_text()) == []


def test_a_broken_link_would_be_found() -> None:
    assert broken_links(ROOT / "README.md", "[a](docs/nothing.md) [b](README.md)") == ["docs/nothing.md"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_make_target_named_exists(document: Path) -> None:
    assert set(MAKE.findall(code(document.read_text()))) <= targets()


def test_the_readme_names_the_two_commands() -> None:
    assert {"demo", "test"} <= set(MAKE.findall(code((ROOT / "README.md").read_text())))


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_fsxn_command_named_exists(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ask each for its help: a group or command that is not there ends with status 2."""
    for words in set(FSXN.findall(code(document.read_text()))):
        with pytest.raises(SystemExit) as end:
            main([*shlex.split(words.partition(" -")[0]), "--help"])
        assert end.value.code == 0, words
    capsys.readouterr()
