"""Runbooks speak of log lines, metrics and commands that exist: at night nobody can check."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

PAGES = sorted(path.name for path in (Path(__file__).parents[2] / "docs/runbooks").glob("*.md"))
OUR_METRIC = re.compile(r"`([A-Z][A-Za-z]+_(?:count|ms|bytes|pct|sec))`")
LOG_LINE = re.compile(r"`([a-z_]+\.(?!md|py|json)[a-z_]+)`")
# A module's setting in dotted form looks like a log line.
SETTINGS = re.compile(
    r"^(limits|ontap|policy|polling|runtime|router|starter|sweep|task|network|server_settings)\."
)


@pytest.mark.parametrize("page", PAGES)
def test_every_metric_of_a_runbook_is_in_the_catalogue(page: str, repository: Path) -> None:
    catalogue = json.loads((repository / "python/fsxn_runtime/metric_catalogue.json").read_text())["metrics"]
    named = set(OUR_METRIC.findall((repository / "docs/runbooks" / page).read_text()))
    assert named <= set(catalogue)


@pytest.mark.parametrize("page", PAGES)
def test_every_log_line_of_a_runbook_is_one_that_the_code_writes(page: str, repository: Path) -> None:
    code = "\n".join(
        path.read_text()
        for folder in ("python/fsxn_runtime", "fpolicy-server/fpolicy_server")
        for path in (repository / folder).rglob("*.py")
    )
    named = set(LOG_LINE.findall((repository / "docs/runbooks" / page).read_text()))
    assert {name for name in named if not SETTINGS.match(name) and f'"{name}"' not in code} == set()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in ("README.md", "planned-maintenance.md")]
)
def test_a_runbook_says_what_it_means_where_to_look_why_what_to_do_how_to_know_and_whom_to_ask(
    page: str, repository: Path
) -> None:
    headings = re.findall(r"^## (.+)$", (repository / "docs/runbooks" / page).read_text(), re.MULTILINE)
    assert headings == ["Meaning", "First look", "Likely causes", "Fix", "Proof", "Escalation"]


def test_planned_maintenance_says_what_to_do_before_during_and_after(repository: Path) -> None:
    page = (repository / "docs/runbooks/planned-maintenance.md").read_text()
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings == ["Meaning", "Before", "During", "After", "Escalation"]
    assert "(planned-maintenance.md)" in (repository / "docs/runbooks/README.md").read_text()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in ("README.md", "planned-maintenance.md")]
)
def test_a_runbook_looks_by_a_command_and_orders_its_causes(page: str, repository: Path) -> None:
    text = (repository / "docs/runbooks" / page).read_text()
    look, causes = (section(text, name) for name in ("First look", "Likely causes"))
    assert re.search(r"\b(aws|fsxn) [a-z]", look), "the first look names no command"
    assert re.findall(r"^(\d)\. ", causes, re.MULTILINE)[:2] == ["1", "2"]


def section(text: str, name: str) -> str:
    return text.partition(f"## {name}\n")[2].partition("\n## ")[0]
