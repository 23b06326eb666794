"""Ring 1: every module's own tests with a mocked provider, run by the real Terraform."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.terraform import REPOSITORY, plan_copy

MODULES = sorted(path.parent.name for path in REPOSITORY.glob("modules/*/versions.tf"))
pytestmark = pytest.mark.terraform


@pytest.mark.parametrize("module", MODULES)
def test_the_modules_own_tests_pass(module: str, repository: Path, tmp_path: Path) -> None:
    with plan_copy(repository / "modules" / module, tmp_path) as terraform:
        terraform.init(backend=False)
        assert re.search(r"Success! \d+ passed, 0 failed", terraform.test())


@pytest.mark.parametrize("module", MODULES)
def test_every_validation_and_precondition_has_a_run_that_must_fail(module: str, repository: Path) -> None:
    folder = repository / "modules" / module
    runs = (folder / "tests/validation.tftest.hcl").read_text()
    expected = re.findall(r"expect_failures = \[([\w.]+)\]", runs)
    for variable, body in variables(folder / "variables.tf").items():
        assert expected.count(f"var.{variable}") >= body.count("validation {"), variable
    for resource, body in resources(folder):
        assert expected.count(resource) >= body.count("precondition {"), resource


def variables(path: Path) -> dict[str, str]:
    """Text of each variable block, by name."""
    return dict(re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', path.read_text(), re.MULTILINE | re.DOTALL))


def resources(folder: Path) -> list[tuple[str, str]]:
    """Address and text of each resource block of a module."""
    found = []
    for path in sorted(folder.glob("*.tf")):
        blocks = re.findall(
            r'^resource "(\w+)" "(\w+)" \{\n(.*?)^\}', path.read_text(), re.MULTILINE | re.DOTALL
        )
        found += [(f"{kind}.{name}", body) for kind, name, body in blocks]
    return found
