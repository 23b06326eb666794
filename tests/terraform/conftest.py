"""What the Terraform tests share: folders for Terraform's own files, and the evaluated roots."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tools.terraform_inventory import Resource, evaluate, variables_of

Evaluate = Callable[[str], list[Resource]]


@pytest.fixture(scope="session")
def evaluated(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluate:
    """Every resource of an environment root with all its values; each root is evaluated once."""

    @cache
    def resources(root: str) -> list[Resource]:
        return evaluate(repository / "envs" / root, tmp_path_factory.mktemp(root), variables_of(root))

    return resources
