"""Every IAM action of these functions is needed: without it, some work fails.

What the local AWS does not check cannot be shown to be needed here. It is listed in
docs/reference/local-iam.md, and these tests hold the lists to what really happens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.world import World
from tests.support.flows import FLOWS, failing

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "local-iam.md"
FUNCTIONS = tuple(FLOWS)


def rows(heading: str) -> list[tuple[str, ...]]:
    """What is in backticks in the first two columns of the table below a heading of the document."""
    section = DOCUMENT.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `([^`]+)` \| (?:`([^`]+)`)?", section, flags=re.MULTILINE)
    assert found, heading
    return found


def not_proven() -> set[tuple[str, ...]]:
    """(function, statement) or (function, statement: action) that the local AWS does not check."""
    return set(rows("Statements and actions that the local AWS does not check"))


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
def without(world: World, function: str, policy: str, sid: str, action: str) -> Iterator[None]:
    """Take one action out of the deployed role, with the last one its statement, and put it back."""
    role = world.outputs["functions"][function]["role_name"]
    rest = []
    for each in document(world, role, policy)["Statement"]:
        left = [name for name in actions(each) if (each["Sid"], name) != (sid, action)]
        rest += [{**each, "Action": left}] if left else []
    with statements_instead(world, function, policy, rest):
        yield


def actions(statement: Mapping[str, Any]) -> list[str]:
    given = statement["Action"]
    return [given] if isinstance(given, str) else list(given)


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
def test_without_any_one_action_some_work_fails(world: World, function: str) -> None:
    """Action by action; a statement that is not proven as a whole goes as a whole, and its work is done."""
    role = world.outputs["functions"][function]["role_name"]
    needless = set()
    for policy, sid in statements(world, function):
        (statement,) = [each for each in document(world, role, policy)["Statement"] if each["Sid"] == sid]
        if (function, sid) in not_proven():
            rest = [each for each in document(world, role, policy)["Statement"] if each["Sid"] != sid]
            with statements_instead(world, function, policy, rest):
                if not failing(world, FLOWS[function]):
                    needless.add((function, sid))
            continue
        for action in actions(statement):
            with without(world, function, policy, sid, action):
                if not failing(world, FLOWS[function]):
                    needless.add((function, f"{sid}: {action}"))
    assert needless == {row for row in not_proven() if row[0] == function}
    assert failing(world, FLOWS[function]) == []


def test_every_role_is_looked_at_or_has_its_reason(world: World) -> None:
    prefix = "fsxn-s3ap-local-"
    roles = {role["RoleName"].removeprefix(prefix) for role in world.client("iam").list_roles()["Roles"]}
    looked_at = {world.outputs["functions"][name]["role_name"].removeprefix(prefix) for name in FUNCTIONS}
    told = {name for name, _ in rows("Roles whose permissions are not taken away")}
    assert roles == looked_at | told
    assert not looked_at & told
