"""One laboratory for all end-to-end tests: starting it takes long, so they share it, in a given order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.world import World

# The proofs compare the whole ledger, so what falsifies later ones on purpose comes after them:
# a kill without warning loses operations, a small store drops, time stamps of their own match no ledger,
# forged jobs leave outputs without an operation.
ORDER = (
    "test_interrupt",
    "test_ontap",
    "test_diagnose",
    "test_rotation",
    "test_path",
    "test_cost",
    "test_lineage_export",
    "test_pause",
    "test_rename_watcher",
    "test_polling",
    "test_reconcile",
    "test_objectives",
    "test_storm",
    "test_chaos",
    "test_howto",
    "test_bad_input",
    "test_shutdown",
    "test_losses",
    "test_matrix",
    "test_pilot",
    "test_alarms",  # its growths are of the file system's first size, which the next one changes
    "test_capacity",
    "test_metrics",
    "test_secrets",  # of all that the tests before it made happen
    "test_permissions",
    "test_terraform",
    "test_production",  # on an emulator of its own
    "test_approval_link",  # as well
    "test_own_steps",  # as well
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    mine = [place for place, item in enumerate(items) if item.path.parent == here]
    ordered = sorted((items[place] for place in mine), key=lambda item: ORDER.index(item.path.stem))
    for place, item in zip(mine, ordered, strict=True):
        items[place] = item


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("laboratory")) as running:
        yield running
