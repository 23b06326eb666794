"""`lab/terraform.py` and the mirror: what they write, where, and how they fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from lab import terraform, terraform_state
from lab.aws_provider import mirror
from lab.terraform import Terraform, TerraformError, plan_copy
from tests.lab.aws_provider.test_changes import HEAD
from tests.support.waiting import wait_until

pytestmark = pytest.mark.xdist_group("aws-provider")


def test_the_mirror_is_selected_whatever_was_selected_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/elsewhere")
    monkeypatch.setenv("TF_WORKSPACE", "other")
    made = Terraform(tmp_path, tmp_path / "build")
    assert made._env["TF_CLI_CONFIG_FILE"] == str(tmp_path / "build" / "terraform-mirror" / "terraformrc")
    assert "TF_WORKSPACE" not in made._env


def test_the_mirror_holds_an_executable_provider(tmp_path: Path) -> None:
    mirror.prepare(tmp_path)
    mirror.prepare(tmp_path)  # a second time changes nothing
    (provider,) = tmp_path.rglob("terraform-provider-aws_v*")
    assert os.access(provider, os.X_OK)
    answer = subprocess.run([provider], capture_output=True, text=True, env={}, check=False)
    assert answer.returncode == 2
    assert "Terraform starts it" in answer.stderr


def test_a_wrong_choice_of_provider_is_one_line() -> None:
    with pytest.raises(TerraformError, match="TF_AWS_PROVIDER is 'real'; allowed: lab, registry"):
        terraform.provider_choice({"TF_AWS_PROVIDER": "real"})


def test_the_registry_is_used_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_AWS_PROVIDER", "registry")
    assert "TF_CLI_CONFIG_FILE" not in Terraform(tmp_path, tmp_path / "build")._env


def test_a_missing_terraform_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(terraform.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(TerraformError, match="run make setup"):
        terraform.executable()


@pytest.mark.terraform
def test_a_failure_carries_status_first_error_and_the_end_of_the_output(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").write_text("nonsense {}\n")
    with pytest.raises(
        TerraformError, match=r"terraform validate in root failed with status 1: Error: "
    ) as caught:
        Terraform(root, tmp_path / "build").validate()
    assert 'Blocks of type "nonsense"' in caught.value.output


@pytest.mark.terraform
def test_everything_is_written_below_the_build_folder(tmp_path: Path) -> None:
    """The one exception is the lock file, which Git ignores."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").write_text(HEAD + 'output "region" {\n  value = "here"\n}\n')
    made = Terraform(root, tmp_path / "build", endpoint="http://127.0.0.1:1")
    made.init()
    with made:
        made.apply()
        assert made.output() == {"region": "here"}
    assert sorted(path.name for path in root.iterdir()) == [".terraform.lock.hcl", "main.tf"]


@pytest.mark.terraform
@pytest.mark.parametrize("version", ["6.25.0", "6.99.0"])
def test_a_lock_file_of_another_provider_does_not_stop_init(tmp_path: Path, version: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").write_text(HEAD)
    (root / ".terraform.lock.hcl").write_text(
        'provider "registry.terraform.io/hashicorp/aws" {\n'
        f'  version = "{version}"\n'
        '  hashes  = ["h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]\n}\n'
    )
    made = Terraform(root, tmp_path / "build")
    made.init()
    made.validate()


@pytest.mark.terraform
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["poc", "production"])
def test_a_root_with_a_backend_is_validated_in_a_copy(repository: Path, tmp_path: Path, name: str) -> None:
    root = repository / "envs" / name
    before = sorted(root.iterdir())
    made = plan_copy(root, repository / "build" / "test-copies" / name)
    made.init()
    made.validate()
    assert sorted(root.iterdir()) == before


@pytest.mark.terraform
def test_a_copy_keeps_its_state_in_the_build_folder_from_one_command_to_the_next(tmp_path: Path) -> None:
    """Applied, read, changed, and what failed half way is remembered."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").write_text(HEAD + 'output "region" {\n  value = "here"\n}\n')
    terraform_state.select(root)
    with Terraform(root, tmp_path / "build") as made:
        made.init()
        assert made.output() == {}
        made.apply()
        assert made.output() == {"region": "here"}
        assert not made.plan()
        (root / "main.tf").write_text(HEAD + 'output "region" {\n  value = "there"\n}\n')
        assert made.plan()
        made.apply_plan()
    assert json.loads(made.state_file.read_text())["outputs"]["region"]["value"] == "there"


@pytest.mark.terraform
def test_an_interrupted_apply_leaves_its_state(tmp_path: Path) -> None:
    """Terraform's own resource, made before one that waits until the interrupt comes."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").write_text(
        'resource "terraform_data" "first" {\n  input = "made"\n}\n'
        'resource "terraform_data" "second" {\n  depends_on = [terraform_data.first]\n'
        '  provisioner "local-exec" {\n    command = "echo $PPID > pid; exec sleep 60"\n  }\n}\n'
    )
    terraform_state.select(root)
    made = Terraform(root, tmp_path / "build")
    made.init()

    def interrupt() -> None:
        wait_until(lambda: (root / "pid").exists() and (root / "pid").read_text().strip() != "", seconds=60)
        os.kill(int((root / "pid").read_text()), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(TerraformError, match="terraform apply in root failed with status 1"):
        made.apply()
    thread.join()
    names = {each["name"] for each in json.loads(made.state_file.read_text())["resources"]}
    assert "first" in names
