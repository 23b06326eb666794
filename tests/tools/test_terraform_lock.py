"""`make lock`: lock files of the registry's provider, and of no other."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest

from lab.aws_provider import mirror
from lab.aws_provider.schema_types import PROVIDER_VERSION
from tools.terraform_lock import LOCK_FILE, ROOTS, lock, main, of_the_registry


@pytest.mark.terraform
@pytest.mark.timeout(900)
def test_a_root_is_locked_to_one_version_and_its_hashes(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real command on a copy of a root; a mirror of the stand-in takes the registry's place.

    Its hashes are not the registry's, so the file would be refused in a commit.
    """
    copied = tmp_path / "repository"
    for name in ("envs", "modules", "python"):
        shutil.copytree(repository / name, copied / name, ignore=shutil.ignore_patterns(".terraform*"))
    monkeypatch.setattr("lab.terraform.REPOSITORY", copied)
    mirror.prepare(tmp_path)
    here = f"{platform.system().lower()}_{mirror.MACHINES[platform.machine().lower()]}"
    packages = f"-fs-mirror={tmp_path / 'terraform-mirror'}"
    text = lock(copied / "envs/production", tmp_path, packages, platforms=(here,)).read_text()
    assert f'version     = "{PROVIDER_VERSION}"' in text
    assert "~> 6.0" in text  # the root's own constraint
    assert "h1:" in text
    assert not of_the_registry(text)


@pytest.mark.parametrize(
    ("hashes", "expected"), [('"h1:aa=",\n    "zh:00",', True), ('"h1:aa=",', False), ("", False)]
)
def test_a_lock_file_of_the_registry_is_told_by_its_signed_hashes(hashes: str, expected: bool) -> None:
    text = f'provider "registry.terraform.io/hashicorp/aws" {{\n  hashes = [\n    {hashes}\n  ]\n}}\n'
    assert of_the_registry(text) == expected
    assert not of_the_registry("")


def test_every_lock_file_that_is_committed_is_the_registrys(repository: Path) -> None:
    files = [path for root in ROOTS if (path := repository / "envs" / root / LOCK_FILE).exists()]
    assert [str(path) for path in files if not of_the_registry(path.read_text())] == []


def test_another_provider_than_the_registrys_is_never_locked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TF_AWS_PROVIDER", raising=False)
    assert main() == 2
    assert "set TF_AWS_PROVIDER=registry" in capsys.readouterr().err
