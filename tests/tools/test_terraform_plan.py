"""`make plan`: a full plan in a copy, and a summary that says what is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab.terraform import plan_copy
from tools.terraform_inventory import INVENTORIES, stand_in_packages, variables_of
from tools.terraform_plan import inputs_of, main, planned, release_warning, summary

CAP_CHECK = "module.guardrails.check.file_system_step_fits_the_cap"


def change(address: str, *actions: str, mode: str = "managed") -> dict[str, object]:
    return {"type": address.split(".")[0], "mode": mode, "change": {"actions": list(actions)}}


def test_the_summary_counts_actions_and_types_and_names_what_is_only_planned() -> None:
    plan = {
        "checks": [
            {"address": {"to_display": "check.size"}, "status": "fail"},
            {"address": {"to_display": "check.name"}, "status": "pass"},
        ],
        "resource_changes": [
            change("aws_sqs_queue.events", "create"),
            change("aws_sqs_queue.letters", "delete", "create"),
            change("aws_vpc_endpoint.this", "update"),
            change("aws_caller_identity.this", "read", mode="data"),
        ],
    }
    assert summary(plan, ["vpc_endpoint", "oam_sink"]) == [
        "2 to add, 1 to change, 1 to destroy",
        "     2 aws_sqs_queue",
        "     1 aws_vpc_endpoint",
        "warning: check.size does not hold",
        "only planned, never applied on this machine: aws_vpc_endpoint (1)",
    ]


@pytest.mark.terraform
@pytest.mark.xdist_group("terraform-roots")
def test_a_plan_has_every_resource_of_the_inventory_and_warns(repository: Path, tmp_path: Path) -> None:
    root = repository / "envs/production"
    given = {
        **variables_of("production"),
        "file_system_sizes_gb": {"projects": 5001},  # a step of 10 % is above the default cap
        "package_dir": str(stand_in_packages(tmp_path)),
    }
    lines = summary(planned(root, tmp_path, inputs_of(root), **given).show_json(), ["synthetics_canary"])
    counts = yaml.safe_load((INVENTORIES / "production.yaml").read_text())["counts"]
    assert lines == [
        f"{sum(counts.values())} to add, 0 to change, 0 to destroy",
        *(f"{count:6} {name}" for name, count in counts.items()),
        f"warning: {CAP_CHECK} does not hold",
        "only planned, never applied on this machine: aws_synthetics_canary (1)",
    ]


def test_a_persons_own_values_are_used_and_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of a root with inputs leaves those of the root as they were: they were a link once."""
    root = tmp_path / "envs/poc"
    root.mkdir(parents=True)
    (root / "terraform.tfvars.example").write_text('region = "example"\n')
    assert inputs_of(root).name == "terraform.tfvars.example"
    (root / "terraform.tfvars").write_text('region = "mine"\n')
    (root / "more.auto.tfvars").write_text('region = "also mine"\n')
    assert inputs_of(root).name == "terraform.tfvars"

    monkeypatch.setattr("lab.terraform.REPOSITORY", tmp_path)
    copy = plan_copy(root, tmp_path / "build", inputs=root / "terraform.tfvars.example").root
    assert (copy / "terraform.tfvars").read_text() == 'region = "example"\n'
    assert not (copy / "more.auto.tfvars").exists()
    assert (root / "terraform.tfvars").read_text() == 'region = "mine"\n'


def test_a_root_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["staging"]) == 2
    assert capsys.readouterr().err == "plan: got staging; allowed: poc or production (make plan ENV=poc)\n"


@pytest.mark.parametrize(
    ("tags", "changed", "said"),
    [
        (["v0.1.0", "other"], False, ""),
        (["v0.1.0"], True, "files differ from v0.1.0"),
        (["v0.2.0"], False, "this checkout is not v0.1.0"),
        ([], False, "this checkout is not v0.1.0"),
    ],
)
def test_a_checkout_that_is_not_the_release_is_told(tags: list[str], changed: bool, said: str) -> None:
    assert said in " ".join(release_warning("v0.1.0", tags, changed))
    assert bool(release_warning("v0.1.0", tags, changed)) == bool(said)
