"""What the Terraform tests share: folders for Terraform's own files, and the evaluated roots."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tools.terraform_inventory import Resource, evaluate, variables_of

Evaluate = Callable[[str], list[Resource]]
FOLDER = Path(__file__).parent
SECONDS = 900  # a root takes ten seconds to evaluate on an idle machine, and minutes beside other work


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What Terraform takes depends on what else the machine does, so a hang is told late here."""
    for item in items:
        if FOLDER in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def evaluated(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluate:
    """Every resource of an environment root with all its values; each root is evaluated once."""

    @cache
    def resources(root: str) -> list[Resource]:
        return evaluate(repository / "envs" / root, tmp_path_factory.mktemp(root), variables_of(root))

    return resources


# What test_event_path.py reads, by type: every apply gives it alike, which ids, times and URLs are not.
RECORDED = {
    "aws_lambda_event_source_mapping": ("event_source_arn", "function_response_types"),
    "aws_sqs_queue": ("arn", "message_retention_seconds", "redrive_policy"),
    "aws_sqs_queue_redrive_allow_policy": ("redrive_allow_policy",),
}


def pytest_terraform_modify_state(tfstate: Any) -> None:
    """Keep of a recording what its tests read."""
    found = tfstate.dict
    resources = {
        kind: {
            name: {key: attributes[key] for key in wanted}
            for name, attributes in found["resources"][kind].items()
        }
        for kind, wanted in RECORDED.items()
    }
    tfstate.update_dict({**found, "resources": resources})
