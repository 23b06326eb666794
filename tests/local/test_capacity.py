"""Growth on the laboratory: what the demo tells, and what happens when things are refused."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from rich.console import Console

from lab.demo.capacity import Capacity
from lab.demo.outside import Outside
from lab.demo.view import View
from lab.premises import SSD_GIB
from lab.world import World
from tests.support.local import run

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]


def forge_proposal(world: World, operation_id: str) -> None:
    """Put a proposal to grow the file system by 1 GiB, which FSx refuses: it takes 10 % or more."""
    numbers = {
        "from_mib": SSD_GIB * 1024,
        "to_mib": (SSD_GIB + 1) * 1024,
        "created_us": time.time_ns() // 1000,
    }
    texts = dict.fromkeys(("reason", "actor", "arn"), "") | {
        "pk": "OPERATION",
        "sk": operation_id,
        "operation_id": operation_id,
        "outcome": "proposed",
        "kind": "file_system",
        "resource_id": world.file_system_id,
        "file_system_id": world.file_system_id,
        "cause": "request",
        "request_id": operation_id,
        "action_id": operation_id,
    }
    item = {name: {"N": str(value)} for name, value in numbers.items()}
    item |= {name: {"S": value} for name, value in texts.items()}
    world.client("dynamodb").put_item(TableName=world.outputs["capacity"]["expansion_table"], Item=item)


def approve(world: World, operation_id: str) -> tuple[str, str]:
    """Approve as a person does; give outcome and reason."""
    result = run(world, "fsxn", "expansion", "approve", operation_id, "--actor", "test", "--json")
    answer = json.loads(result.stdout)
    return answer["outcome"], answer["reason"]


@contextmanager
def without_guardrail_policy(world: World) -> Iterator[None]:
    """Take from the expand function what lets it use the guardrail's table, and give it back."""
    iam, role = world.client("iam"), world.outputs["functions"]["expand"]["role_name"]
    (name,) = [n for n in iam.list_role_policies(RoleName=role)["PolicyNames"] if "guardrail" in n]
    policy = json.dumps(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=policy)


@contextmanager
def mode(world: World, value: str) -> Iterator[None]:
    """Let the expand function run in another mode of the guardrail."""
    functions, name = world.client("lambda"), world.outputs["functions"]["expand"]["function_name"]
    before: dict[str, Any] = functions.get_function_configuration(FunctionName=name)["Environment"][
        "Variables"
    ]
    variables = before | {"GUARDRAIL_MODE": value}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": before})


def test_without_the_guardrail_table_nothing_grows(world: World):
    forge_proposal(world, "no-table")
    with without_guardrail_policy(world):
        assert approve(world, "no-table") == ("denied", "store_unavailable")
    assert Outside(world).ssd_gib() == SSD_GIB
    rejected = run(world, "fsxn", "expansion", "reject", "no-table", "--actor", "test")
    assert rejected.returncode == 0, rejected.stderr


def test_a_growth_that_fsx_refuses_has_failed_and_break_glass_without_a_grant_is_no_bypass(world: World):
    """The guardrail lets it pass by its limits; FSx says no; the failure is counted until it is reset."""
    forge_proposal(world, "too-small")
    with mode(world, "BREAK_GLASS"):
        outcome, _ = approve(world, "too-small")
    assert outcome == "failed"
    outside = Outside(world)
    assert outside.ssd_gib() == SSD_GIB
    assert ("allowed", "", "failed") in outside.audit("file_system_grow")
    reset = run(
        world,
        "fsxn",
        "guardrails",
        "reset",
        "--type",
        "file_system_grow",
        "--reason",
        "test",
        "--actor",
        "test",
    )
    assert reset.returncode == 0, reset.stderr


def test_what_the_demo_tells_about_capacity_is_so(world: World):
    """Filled, forecast, proposed, grown, denied, let through by a grant, and the file system instead."""
    with Capacity(world, View(Console(file=io.StringIO()))) as capacity:
        capacity.fill_and_grow()
    assert len(capacity.checks) == 5
    assert [check for check in capacity.checks if not check.ok] == []
