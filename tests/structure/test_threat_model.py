"""docs/topics/threat-model.md against the suite: every boundary names tests, and those exist."""

from __future__ import annotations

import re

from tests.structure.source_tree import ROOT
from tools.property_catalogue import names_in_suite

PAGE = ROOT / "docs" / "topics" / "threat-model.md"
# What the page must speak of; each is the beginning of a boundary's name.
PROMISED = {
    "FPolicy port: who may connect",
    "FPolicy port: who is it",
    "oversized peers",
    "slow peers",
    "XML: entities, billion laughs, external DTD",
    "log injection",
    "path confusion: server",
    "path confusion: workload",
    "secrets in what is written",
}


def boundaries(text: str) -> dict[str, list[str]]:
    """Tests by boundary, of the page's table."""
    table = text.partition("## Boundaries")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")][1:]
    return {row[0].strip(): re.findall(r"`(\S+\.py::\w+)`", row[-1]) for row in rows}


def test_every_boundary_is_held_by_tests_that_exist() -> None:
    found, suite = boundaries(PAGE.read_text()), names_in_suite()
    assert all(found.values()), found
    missing = {name: gone for name, tests in found.items() if (gone := set(tests) - suite)}
    assert missing == {}


def test_every_promised_boundary_is_there() -> None:
    assert boundaries(PAGE.read_text()).keys() >= PROMISED


def test_every_test_against_hostile_peers_belongs_to_a_boundary() -> None:
    named = {test for tests in boundaries(PAGE.read_text()).values() for test in tests}
    file = "server/test_hostile_peers.py::"
    ours = {test for test in names_in_suite() if test.startswith(f"{file}test_")}
    assert ours
    assert ours <= named


def test_a_row_without_tests_would_be_seen() -> None:
    text = "## Boundaries\n\n| boundary | holds | tests |\n|---|---|---|\n| a | b | none |\n\n## Next\n"
    assert boundaries(text) == {"a": []}
