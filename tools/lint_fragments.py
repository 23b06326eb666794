"""Lint what Terraform carries as text: state machines and CloudFormation templates, as the roots render them.

Read from tests/terraform/inventories, which a test holds to the code. cfn-lint knows the language of state
machines and the schema of each CloudFormation type; what leads where it does not look at, so that is here.
Runs in `.venv-checkov`: python -m tools.lint_fragments. Exit status 1 for a finding.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from cfnlint.api import lint
from cfnlint.config import ManualArgs

INVENTORIES: Final = Path(__file__).resolve().parents[1] / "tests/terraform/inventories"
ROLE: Final = "arn:aws:iam::111122223333:role/any"
_ENDS: Final = ("Choice", "Fail", "Succeed")


def fragments(values: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give a CloudFormation template for each fragment of an inventory's values, by its address."""
    for address, found in values.items():
        kind = address.rpartition(".aws_")[2].partition(".")[0]
        if kind == "sfn_state_machine":
            yield address, template(found["definition"])
        elif kind == "cloudformation_stack":
            yield address, found["template_body"]


def template(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Put a state machine into a template, because cfn-lint reads those."""
    properties = {"Definition": definition, "RoleArn": ROLE, "StateMachineType": "STANDARD"}
    return {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}


def findings(given: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with a template, and with the ways through its state machines."""
    matches = lint(json.dumps(given), config=ManualArgs(regions=["us-east-1"]))
    found = [f"{match.rule.id} {match.message}" for match in matches]
    for resource in given["Resources"].values():
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            found += ways(resource["Properties"]["Definition"])
    return found


def ways(machine: Mapping[str, Any]) -> list[str]:
    """Say which transition leads nowhere, which state nothing leads to, which has no way out."""
    states = machine["States"]
    leads = {name: set(_targets(state)) for name, state in states.items()}
    reached = {machine["StartAt"]}.union(*leads.values())
    found = [
        f"nothing is called {name!r}, where a transition leads" for name in sorted(reached - set(states))
    ]
    found += [f"no transition leads to {name!r}" for name in sorted(set(states) - reached)]
    found += [
        f"{name!r} needs either Next or End"
        for name, state in states.items()
        if state["Type"] not in _ENDS and ("Next" in state) == bool(state.get("End"))
    ]
    return found


def _targets(state: Mapping[str, Any]) -> Iterator[str]:
    ways_out = [state, *state.get("Choices", []), *state.get("Catch", [])]
    yield from (way[key] for way in ways_out for key in ("Next", "Default") if key in way)


def main() -> int:
    """Lint every fragment of every root once."""
    seen: dict[str, str] = {}
    failed = 0
    for path in sorted(INVENTORIES.glob("*.yaml")):
        for address, given in fragments(yaml.safe_load(path.read_text(encoding="utf-8"))["values"]):
            text = json.dumps(given, sort_keys=True)
            if seen.setdefault(text, address) is not address:
                continue
            for finding in findings(given):
                failed += 1
                print(f"{path.stem} {address}: {finding}", file=sys.stderr)
    print(f"{len(seen)} state machines and templates linted")
    return 1 if failed or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
