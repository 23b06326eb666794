"""The lint of state machines and templates finds what is wrong with them, and nothing in ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.xdist_group("checkov"), pytest.mark.timeout(600)]

Fragment = dict[str, Any]
SAY = """
import json, sys
from tools.lint_fragments import findings, fragments
for case in json.load(sys.stdin):
    print(json.dumps([found for _, given in fragments(case) for found in findings(given)]))
"""


def machine(values: Fragment) -> Fragment:
    return values["module.expansion.aws_sfn_state_machine.approval[0]"]["definition"]


def stack(values: Fragment) -> Fragment:
    (found,) = [value for address, value in values.items() if ".aws_cloudformation_stack" in address]
    return found["template_body"]


def first_task(values: Fragment) -> Fragment:
    return next(state for state in machine(values)["States"].values() if state["Type"] == "Task")


def lead_nowhere(values: Fragment) -> None:
    first_task(values)["Next"] = "Nobody"


def leave_no_way_out(values: Fragment) -> None:
    first_task(values).pop("Next", None)
    first_task(values).pop("End", None)


def leave_alone(values: Fragment) -> None:
    machine(values)["States"]["Alone"] = {"Type": "Succeed"}


def misspell_a_field(values: Fragment) -> None:
    first_task(values)["Paramters"] = {}


def misspell_a_property(values: Fragment) -> None:
    stack(values)["Resources"]["AccessPoint"]["Properties"]["Nmae"] = "x"


BROKEN: dict[Callable[[Fragment], None], str] = {
    lead_nowhere: "nothing is called 'Nobody'",
    leave_no_way_out: "needs either Next or End",
    leave_alone: "no transition leads to 'Alone'",
    misspell_a_field: "'Paramters' was unexpected",
    misspell_a_property: "'Nmae' was unexpected",
}


@pytest.fixture(scope="module")
def found(repository: Path) -> list[list[str]]:
    """Findings in production's fragments as they are, then with each thing broken, from one process."""
    subprocess.run([sys.executable, "tools/setup_environment.py", "checkov"], cwd=repository, check=True)
    path = repository / "tests/terraform/inventories/production.yaml"
    cases = [yaml.safe_load(path.read_text())["values"]]
    for break_it in BROKEN:
        cases.append(deepcopy(cases[0]))
        break_it(cases[-1])
    python = repository / ".venv-checkov/bin/python"
    done = subprocess.run(
        [python, "-c", SAY],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
        input=json.dumps(cases),
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_ours_have_no_finding(found: list[list[str]]) -> None:
    assert found[0] == []


@pytest.mark.parametrize("break_it", BROKEN, ids=lambda break_it: break_it.__name__)
def test_what_is_broken_is_found(break_it: Callable[[Fragment], None], found: list[list[str]]) -> None:
    assert any(BROKEN[break_it] in each for each in found[1 + list(BROKEN).index(break_it)])
