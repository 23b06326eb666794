"""The local AWS as a fixture: one emulator per test process, empty at the start of each test module.

Use it with `from tests.support.emulator import emulator  # noqa: F401`, or list it in a conftest.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.cloud.emulator import Emulator


@pytest.fixture(scope="session")
def emulator_process() -> Iterator[Emulator]:
    """One emulator with IAM enforcement for the whole session (under xdist: per worker)."""
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def emulator(emulator_process: Emulator) -> Emulator:
    """The session's emulator with nothing in it."""
    emulator_process.reset()
    return emulator_process
