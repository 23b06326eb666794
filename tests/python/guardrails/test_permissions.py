"""What each policy of modules/guardrails admits is what its holder calls, and a grant is not among it.

The local AWS does not know dynamodb:LeadingKeys, so the calls are compared with the policies here.
"""

from __future__ import annotations

from typing import Any

import pytest
from fsxn_runtime.guardrails import GuardrailOperations, GuardrailStore

from tests.support.guardrail_world import TABLE, GuardrailWorld

GRANTS = {"BREAK_GLASS", "BREAK_GLASS_END", "AUDIT#BREAK_GLASS"}


class Recorder:
    """A DynamoDB client that notes the action and leading key of each call."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.calls: set[tuple[str, str]] = set()

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            key = request.get("Key") or request.get("Item")
            pk = key["pk"] if key else request["ExpressionAttributeValues"][":pk"]
            self.calls.add((name, pk["S"]))
            return getattr(self._dynamodb, name)(**request)

        return call


@pytest.fixture
def recorder(world: GuardrailWorld) -> Recorder:
    world.start_over()
    return Recorder(world.dynamodb)


def test_a_function_stays_within_its_action_type_and_writes_no_grant(world, recorder):
    world.operations().break_glass(actor="ann", reason="INC-7", seconds=60)
    for mode in ("ENFORCE", "DRY_RUN", "BREAK_GLASS"):
        guardrail = world.guardrail(mode, rate_limit=1)
        guardrail._store = GuardrailStore(recorder, TABLE)
        for _ in range(2):
            guardrail.check_and_execute(action_type="grow", requested_gb=1, execute_fn=lambda: None)
            world.now += 61_000_000  # the grant ends on the way
    own = {"grow", "AUDIT#grow", "BREAK_GLASS_END"}
    writes = {pk for name, pk in recorder.calls if name in ("put_item", "update_item")}
    assert writes == own
    assert {pk for name, pk in recorder.calls if name == "get_item"} == {"BREAK_GLASS"}
    assert {name for name, _ in recorder.calls} == {"put_item", "update_item", "get_item"}


def test_giving_and_ending_a_grant_touches_nothing_else(world, recorder):
    operations = GuardrailOperations(GuardrailStore(recorder, TABLE), world.alerts, clock=lambda: world.now)
    operations.break_glass(actor="ann", reason="INC-7", seconds=60)
    world.now += 1
    operations.revert(actor="ann")
    assert {pk for _, pk in recorder.calls} == GRANTS
    assert {name for name, _ in recorder.calls} == {"put_item", "update_item", "get_item"}


def test_an_operator_writes_no_grant(world, recorder):
    world.guardrail().check_and_execute(action_type="grow", requested_gb=1, execute_fn=lambda: None)
    operations = GuardrailOperations(GuardrailStore(recorder, TABLE), world.alerts, clock=lambda: world.now)
    operations.status("grow")
    operations.live_grant()
    operations.reset("grow", actor="ann", reason="CHG-1")
    assert list(operations.history("grow"))
    writes = {pk for name, pk in recorder.calls if name in ("put_item", "update_item")}
    assert writes == {"grow", "AUDIT#grow"}
    assert {name for name, _ in recorder.calls} <= {"put_item", "update_item", "get_item", "query"}
