"""Fixtures of the expansion's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.cloud.emulator import Emulator
from tests.support.emulator import emulator, emulator_process
from tests.support.expansion_world import ExpansionWorld, make_table
from tests.support.guardrail_world import GuardrailWorld

__all__ = ["emulator", "emulator_process"]


@pytest.fixture(scope="module")
def guardrails(emulator: Emulator) -> GuardrailWorld:
    """The guardrail table on the local AWS."""
    return GuardrailWorld(emulator.client("dynamodb"))


@pytest.fixture
def world(emulator: Emulator, guardrails: GuardrailWorld) -> Iterator[ExpansionWorld]:
    """An expander over FSx in memory and tables on the local AWS, with nothing in them."""
    dynamodb = emulator.client("dynamodb")
    table = make_table(dynamodb)
    guardrails.start_over()
    yield ExpansionWorld(guardrails, dynamodb, table)
    dynamodb.delete_table(TableName=table)
