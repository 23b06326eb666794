"""Module READMEs tell the truth: their examples are evaluated, their tables are the code's."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from lab.terraform import Terraform
from tools.terraform_docs import modules, written
from tools.terraform_inventory import PREVIEW, applied, stand_in_packages

EXAMPLE = re.compile(r"```hcl\n(.*?)# makes (\d+) resources\n```", re.DOTALL)
MODULES = [module.name for module in modules()]


def examples(module: str, repository: Path) -> list[tuple[str, str, int]]:
    """Configuration of each of a README's examples, the name of its module call, the number it promises."""
    found = []
    for text, number in EXAMPLE.findall((repository / "modules" / module / "README.md").read_text()):
        (label,) = re.findall(r'^module "(\w+)"', text, re.MULTILINE)
        found.append((text, label, int(number)))
    return found


@pytest.fixture(scope="session")
def made(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """Resources of all examples by module call: they are evaluated together, in one root."""
    base = tmp_path_factory.mktemp("examples")
    root = base / "checkout/envs/examples"
    root.mkdir(parents=True)
    for folder in ("modules", "python"):
        (base / "checkout" / folder).symlink_to(repository / folder)
    packages = stand_in_packages(base)
    texts = [text for module in MODULES for text, _, _ in examples(module, repository)]
    text = "\n".join(texts).replace("../../build/lambdas", str(packages))
    (root / "main.tf").write_text(f'provider "aws" {{\n  region = "us-east-1"\n}}\n\n{text}')
    resources = applied(Terraform(root, base, environment=PREVIEW))
    return Counter(resource["address"].split(".")[1] for resource in resources)


@pytest.mark.terraform
@pytest.mark.xdist_group("terraform-roots")
@pytest.mark.parametrize("module", MODULES)
def test_each_example_makes_as_many_resources_as_it_says(
    module: str, repository: Path, made: Counter[str]
) -> None:
    promised = {label: number for _, label, number in examples(module, repository)}
    assert promised
    assert {label: made[label] for label in promised} == promised


@pytest.mark.parametrize("module", MODULES)
def test_the_tables_are_those_of_the_code(module: str, repository: Path) -> None:
    folder = repository / "modules" / module
    readme = (folder / "README.md").read_text()
    assert readme == written(readme, folder), "run .venv/bin/python tools/terraform_docs.py"


@pytest.mark.parametrize("module", MODULES)
def test_variables_and_outputs_are_in_alphabetical_order(module: str, repository: Path) -> None:
    for name in ("variables.tf", "outputs.tf"):
        text = (repository / "modules" / module / name).read_text()
        names = re.findall(r'^(?:variable|output) "(\w+)"', text, re.MULTILINE)
        assert names == sorted(names)


def _headings(path: Path) -> list[str]:
    return re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("module", MODULES)
def test_a_readme_says_permissions_alarms_inputs_and_outputs(module: str, repository: Path) -> None:
    assert _headings(repository / "modules" / module / "README.md") == [
        "Permissions",
        "Alarms",
        "Inputs",
        "Outputs",
    ]
