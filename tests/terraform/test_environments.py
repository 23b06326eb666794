"""Each setting that differs between poc and production is in the table of envs/README.md, with its reason."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

FILES = ("main.tf", "outputs.tf", "providers.tf", "variables.tf", "versions.tf")
BLOCK = re.compile(r"^(\w[^\n]*?) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
READ_BY_PEOPLE = re.compile(r"(description|error_message) = ")
ROW = re.compile(r"^\| (`[^|]+`) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ABSENT, PRESENT = "not there", "there"

Difference = tuple[str, str, str]  # block, what it says in one root, or whether it is there


def blocks(root: Path) -> dict[str, Counter[str]]:
    """The lines of each block of a root, without spacing, comments, and texts that only people read."""
    return {
        re.sub(r'[" ]+', ".", head).strip("."): Counter(lines(body))
        for name in FILES
        for head, body in BLOCK.findall((root / name).read_text())
    }


def lines(body: str) -> list[str]:
    stripped = [re.sub(r"\s+", " ", re.sub(r"(^|\s)#.*", "", line)).strip() for line in body.splitlines()]
    return [line for line in stripped if re.search(r"\w", line) and not READ_BY_PEOPLE.match(line)]


def differences(poc: Path, production: Path) -> set[Difference]:
    """(block, root, line) for each line that only one root has; for a block that one lacks, only that."""
    roots = {"poc": blocks(poc), "production": blocks(production)}
    found: set[Difference] = set()
    for root, other in (("poc", "production"), ("production", "poc")):
        for block, said in roots[root].items():
            if block in roots[other]:
                found |= {(block, root, line) for line in said - roots[other][block]}
            else:
                found |= {(block, root, PRESENT), (block, other, ABSENT)}
    return found


def told(readme: str) -> set[Difference]:
    """The same from the table: a row says what one or more blocks say in each root; a dash, nothing."""
    return {
        (block, root, line)
        for row in ROW.finditer(readme)
        for block in code(row[1])
        for root, cell in (("poc", row[2]), ("production", row[3]))
        for line in code(cell) or ([] if cell == "–" else [cell])
    }


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_table_has_every_difference_between_poc_and_production_and_no_other(repository: Path) -> None:
    found = differences(repository / "envs/poc", repository / "envs/production")
    assert told((repository / "envs/README.md").read_text()) == found


def test_every_difference_has_a_reason(repository: Path) -> None:
    rows = ROW.findall((repository / "envs/README.md").read_text())
    assert all(len(why.split()) > 3 for *_, why in rows)


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("duration = 1", "duration = 2", {("module.a", "poc", "duration = 2")}),
        ("duration = 1", "", set()),
        ("1 }", "1, c = 2 }", {("variable.b", "poc", "x = { b = 1, c = 2 }")}),
        ('"said"', '"told"', set()),
    ],
)
def test_a_changed_line_is_a_difference_and_a_changed_description_is_none(
    old: str, new: str, seen: set[Difference], tmp_path: Path
) -> None:
    module = 'module "a" {\n  duration = 1 # hours\n}\n'
    text = module + 'variable "b" {\n  description = "said"\n  x = { b = 1 }\n}\n'
    for root, content in (("poc", text.replace(old, new)), ("production", text)):
        (tmp_path / root).mkdir()
        for name in FILES:
            (tmp_path / root / name).write_text(content if name == "main.tf" else "")
    found = {each for each in differences(tmp_path / "poc", tmp_path / "production") if each[1] == "poc"}
    assert found == seen
