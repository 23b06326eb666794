"""HCL has no shared types, so some variable blocks stand in every module: this holds the copies alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.structure.source_tree import ROOT

MODULES = sorted(path.parent.name for path in (ROOT / "modules").glob("*/variables.tf"))
# The one way a Lambda is made: what it takes is what everything with a function hands on.
REFERENCE = "lambda-function"


def block_of(text: str, name: str) -> str | None:
    """The block of one variable as it is written; None when the module has none."""
    found = re.search(rf'^variable "{name}" \{{\n.*?^\}}\n', text, re.MULTILINE | re.DOTALL)
    return found.group() if found else None


def block(module: str, name: str) -> str | None:
    return block_of(Path(ROOT / "modules" / module / "variables.tf").read_text(encoding="utf-8"), name)


def having(name: str) -> list[str]:
    return [module for module in MODULES if block(module, name) is not None]


def attributes(text: str) -> dict[str, str]:
    """The attributes of an object type with their types, spacing aside."""
    inside = text[text.index("object({") : text.index("})")]
    return dict(re.findall(r"^    (\w+) += (\S.*)$", inside, re.MULTILINE))


def validations(text: str) -> set[str]:
    return set(re.findall(r"^  validation \{\n.*?^  \}\n", text, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("name", ["context", "operations"])
def test_the_blocks_are_found(name: str) -> None:
    assert {REFERENCE, "expansion", "guardrails"} <= set(having(name))


def test_every_module_has_the_same_context() -> None:
    reference = block(REFERENCE, "context")
    assert [m for m in MODULES if block(m, "context") != reference] == []


@pytest.mark.parametrize("module", having("operations"))
def test_operations_is_the_same_or_a_part_with_the_same_rules(module: str) -> None:
    """A module without a function of its own leaves out what is about logs; the rest is the same."""
    reference, mine = block(REFERENCE, "operations"), block(module, "operations")
    assert reference is not None and mine is not None
    if "log_level" in mine:
        assert mine == reference
        return
    assert attributes(mine).items() <= attributes(reference).items()
    about = {v for v in validations(reference) if any(f"var.operations.{a}" in v for a in attributes(mine))}
    assert validations(mine) == about


@pytest.mark.parametrize("name", ["lineage", "metric_catalogue", "topic_kms_key_arn"])
def test_what_one_module_hands_to_several_has_one_type(name: str) -> None:
    assert len({block(module, name) for module in having(name)}) == 1


def test_a_copy_that_differs_would_be_seen() -> None:
    text = Path(ROOT / "modules" / REFERENCE / "variables.tf").read_text(encoding="utf-8")
    changed = text.replace("optional(number, 365)", "optional(number, 366)")
    assert block_of(changed, "operations") != block(REFERENCE, "operations")
