"""Every alarm of envs/local has a proof or a reason for having none; its runbook begins with what is run."""

from __future__ import annotations

import re

import pytest

from tests.structure.source_tree import ROOT
from tests.support.alarm_proofs import DOCUMENT, FAILURES, NOT_INJECTED, PROOFS, Proof, document

# Made for what the laboratory gives to the root as variables.
OF_VARIABLES = {"expansion-volume-vol1"}
INVENTORY = ROOT / "tests" / "terraform" / "inventories" / "local.yaml"


def applied() -> set[str]:
    """What a plan of envs/local has (tests/terraform/test_inventories.py)."""
    return set(re.findall(r"alarm_name: fsxn-s3ap-local-(\S+)", INVENTORY.read_text()))


def test_every_alarm_is_in_exactly_one_of_the_two_tables() -> None:
    assert set(PROOFS) & set(NOT_INJECTED) == set()
    assert set(PROOFS) | set(NOT_INJECTED) == applied() | OF_VARIABLES


def test_every_failure_is_one_of_the_table_and_used() -> None:
    assert {proof.failure for proof in PROOFS.values()} == set(FAILURES)


@pytest.mark.parametrize("proof", PROOFS.values(), ids=lambda proof: proof.alarm)
def test_the_command_is_the_first_one_of_the_runbook(proof: Proof) -> None:
    page = (ROOT / "docs" / "runbooks" / f"{proof.runbook}.md").read_text()
    assert first_command(page) == proof.command


def first_command(page: str) -> str:
    """The first command of a page's section First look, between backticks or indented."""
    section = page.partition("## First look")[2].partition("\n## ")[0]
    found = re.search(r"`((?:aws|fsxn) [^`]+)`|^ {4,}((?:aws|fsxn) .+)$", section, re.MULTILINE)
    assert found, page[:80]
    return found[1] or found[2]


def test_the_document_says_what_the_table_has() -> None:
    """python -m tests.support.alarm_proofs writes it."""
    assert DOCUMENT.read_text() == document()
