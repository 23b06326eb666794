"""Every IAM statement of these functions is needed: without it, some work fails.

Statements whose use the local AWS does not check cannot be shown to be needed here. They are listed in
docs/reference/local-iam.md, and this test holds the list to what really happens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.world import World
from tests.support.flows import FLOWS, failing

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "local-iam.md"
FUNCTIONS = tuple(FLOWS)


def not_proven() -> set[tuple[str, str]]:
    """(function, statement) from the rows of the document's table."""
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", DOCUMENT.read_text(), flags=re.MULTILINE)
    assert rows
    return set(rows)


def statements(world: World, function: str) -> list[tuple[str, str]]:
    """(policy, statement) of the deployed role, as IAM has it."""
    role = world.outputs["functions"][function]["role_name"]
    names = world.client("iam").list_role_policies(RoleName=role)["PolicyNames"]
    return [
        (name, statement["Sid"]) for name in names for statement in document(world, role, name)["Statement"]
    ]


def document(world: World, role: str, policy: str) -> dict[str, Any]:
    found = world.client("iam").get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    return dict(found)


@contextmanager
def without(world: World, function: str, policy: str, sid: str) -> Iterator[None]:
    """Take one statement out of the deployed role, and put it back."""
    role = world.outputs["functions"][function]["role_name"]
    whole = document(world, role, policy)
    rest = [each for each in whole["Statement"] if each["Sid"] != sid]
    with statements_instead(world, function, policy, rest):
        yield


@contextmanager
def without_action(world: World, function: str, policy: str, sid: str, action: str) -> Iterator[None]:
    """Take one action out of a statement of the deployed role, and put it back."""
    role = world.outputs["functions"][function]["role_name"]
    rest = [
        {**each, "Action": [name for name in each["Action"] if name != action]}
        if each["Sid"] == sid
        else each
        for each in document(world, role, policy)["Statement"]
    ]
    with statements_instead(world, function, policy, rest):
        yield


@contextmanager
def statements_instead(world: World, function: str, policy: str, rest: list[Any]) -> Iterator[None]:
    """Give a policy of the deployed role other statements, and put them back."""
    iam = world.client("iam")
    role = world.outputs["functions"][function]["role_name"]
    whole = document(world, role, policy)
    if rest:
        iam.put_role_policy(
            RoleName=role, PolicyName=policy, PolicyDocument=json.dumps({**whole, "Statement": rest})
        )
    else:
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(whole))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_functions_can_do_all_their_work_with_the_roles_as_deployed(world: World, function: str):
    assert failing(world, FLOWS[function]) == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_without_any_one_statement_some_work_fails(world: World, function: str):
    """Statement by statement; and with all of them back the work is done again."""
    needless = set()
    for policy, sid in statements(world, function):
        with without(world, function, policy, sid):
            if not failing(world, FLOWS[function]):
                needless.add((function, sid))
    assert needless == {row for row in not_proven() if row[0] == function}
    assert failing(world, FLOWS[function]) == []


def test_without_any_one_action_the_reconciler_fails(world: World) -> None:
    """Its statements have several actions each; those of no statement that the local AWS does not check."""
    role = world.outputs["functions"]["reconcile"]["role_name"]
    needless = set()
    for policy, sid in statements(world, "reconcile"):
        (statement,) = [each for each in document(world, role, policy)["Statement"] if each["Sid"] == sid]
        if ("reconcile", sid) in not_proven() or isinstance(statement["Action"], str):
            continue
        for action in statement["Action"]:
            with without_action(world, "reconcile", policy, sid, action):
                if not failing(world, FLOWS["reconcile"]):
                    needless.add((sid, action))
    assert needless == set()
    assert failing(world, FLOWS["reconcile"]) == []
