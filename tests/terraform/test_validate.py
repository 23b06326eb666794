"""Every folder with a configuration is valid by the provider's schema, and what is not is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.terraform import REPOSITORY
from tools.terraform_validate import folders, validate

pytestmark = pytest.mark.terraform
ROOTS = [folder for folder in folders(REPOSITORY) if folder.parent.name == "envs"]


def test_every_module_and_root_is_found(repository: Path) -> None:
    found = {str(folder.relative_to(repository)) for folder in folders(repository)}
    assert {"modules/workload", "envs/local", "envs/poc", "envs/production"} <= found
    assert len(found) == len([*repository.glob("modules/*/main.tf"), *repository.glob("envs/*/main.tf")])


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.name)
def test_the_root_is_valid(root: Path, tmp_path: Path) -> None:
    assert validate(root, tmp_path) == ""


def test_a_misspelt_argument_is_reported_with_its_place(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of a small module with one wrong name, in a repository of its own."""
    copy = tmp_path / "repository/modules/kms-key"
    copy.mkdir(parents=True)
    for path in (repository / "modules/kms-key").glob("*.tf"):
        (copy / path.name).write_text(path.read_text().replace("enable_key_rotation", "enable_key_rotatoin"))
    monkeypatch.setattr("lab.terraform.REPOSITORY", tmp_path / "repository")
    error = validate(copy, tmp_path / "build")
    assert 'An argument named "enable_key_rotatoin" is not expected here' in error
    assert "main.tf line" in error
