"""What a fresh clone runs first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import setup_environment


@pytest.mark.terraform
def test_without_a_terraform_on_path_the_launcher_is_the_real_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = tmp_path / ".venv"
    (environment / "bin").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    setup_environment._ensure_terraform(environment)
    launcher = environment / "bin" / "terraform"
    # The environment is empty here; the Python of this run has the engine.
    launcher.write_text(launcher.read_text().replace(str(environment / "bin" / "python"), sys.executable))
    answer = subprocess.run([launcher, "version"], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.startswith("Terraform v1.")


def test_a_terraform_on_path_is_left_to_do_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "terraform"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    setup_environment._ensure_terraform(tmp_path)
    assert not (tmp_path / "bin" / "terraform").exists()


def test_an_unknown_environment_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert setup_environment.main(["nope"]) == 2
    assert capsys.readouterr().err == "setup: unknown environment 'nope'; known: dev, lambda, checkov\n"
