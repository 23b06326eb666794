"""Fixtures of the guardrails' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.cloud.emulator import Emulator
from tests.support.emulator import emulator, emulator_process
from tests.support.guardrail_world import GuardrailWorld

__all__ = ["emulator", "emulator_process"]


@pytest.fixture(scope="module")
def world(emulator: Emulator) -> Iterator[GuardrailWorld]:
    """A guardrail table on the local AWS."""
    yield GuardrailWorld(emulator.client("dynamodb"))
