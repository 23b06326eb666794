"""What a root's variables for growth lead to: limits, approval links; the modules' rules hold for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.terraform import Terraform, TerraformError, plan_copy
from tools.terraform_inventory import PREVIEW, example_inputs, stand_in_packages, variables_of

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-roots")]

CHANGED = {
    "mode": "BREAK_GLASS",
    "limits": {
        "cooldown_seconds": 60,
        "daily_cap_gb": 900,
        "daily_caps_gb": {"volume_grow": 70},
        "max_failures": 5,
        "rate_limit": 4,
    },
}


def planned(root: str, given: dict[str, Any], repository: Path, folder: Path) -> Terraform:
    """A root with the example's values and those given, ready to be planned."""
    packages = str(stand_in_packages(folder))
    variables = {**variables_of(root), **given, "package_dir": packages}
    source = repository / "envs" / root
    inputs = example_inputs(source)
    return plan_copy(source, folder, inputs=inputs, variables=variables, environment=PREVIEW)


def environment(terraform: Terraform) -> dict[str, str]:
    """The environment of the function that asks the guardrail, as planned."""
    terraform.init()
    terraform.plan("-refresh=false")
    address = "module.expansion.module.function.aws_lambda_function.this"
    (change,) = [c for c in terraform.show_json()["resource_changes"] if c["address"] == address]
    found: dict[str, str] = change["change"]["after"]["environment"][0]["variables"]
    return found


@pytest.mark.parametrize(("root", "mode"), [("poc", "DRY_RUN"), ("production", "ENFORCE")])
def test_a_poc_only_says_what_it_would_deny_and_production_denies(
    root: str, mode: str, repository: Path, tmp_path: Path
) -> None:
    with planned(root, {}, repository, tmp_path) as terraform:
        found = environment(terraform)
    assert (found["GUARDRAIL_MODE"], found["GUARDRAIL_DAILY_CAP_GB"]) == (mode, "500")


@pytest.mark.parametrize("root", ["poc", "production"])
def test_every_limit_of_a_root_reaches_the_function(root: str, repository: Path, tmp_path: Path) -> None:
    with planned(root, {"guardrail": CHANGED}, repository, tmp_path) as terraform:
        found = environment(terraform)
    wanted = {
        "GUARDRAIL_COOLDOWN_SECONDS": "60",
        "GUARDRAIL_DAILY_CAPS_GB": '{"volume_grow":70}',
        "GUARDRAIL_DAILY_CAP_GB": "900",
        "GUARDRAIL_MAX_FAILURES": "5",
        "GUARDRAIL_MODE": "BREAK_GLASS",
        "GUARDRAIL_RATE_LIMIT": "4",
    }
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("guardrail", "words"),
    [
        ({"mode": "OFF"}, "mode must be ENFORCE, DRY_RUN or BREAK_GLASS"),
        ({"limits": {"rate_limit": 401}}, "limits.rate_limit must be a whole number between 0 and 400"),
        ({"limits": {"daily_caps_gb": {"volumes": 1}}}, "names an action type that is not in action_types"),
    ],
)
def test_a_limit_out_of_range_is_refused_in_a_root(
    guardrail: dict[str, Any], words: str, repository: Path, tmp_path: Path
) -> None:
    with planned("production", {"guardrail": guardrail}, repository, tmp_path) as terraform:
        terraform.init()
        with pytest.raises(TerraformError) as caught:
            terraform.plan("-refresh=false")
    assert words in " ".join(caught.value.output.replace("│", " ").split())


def test_approval_by_link_is_made_when_a_root_asks_for_it(repository: Path, tmp_path: Path) -> None:
    with planned("production", {"approval_link": {}}, repository, tmp_path) as terraform:
        terraform.init()
        terraform.plan("-refresh=false")
        changes = {c["address"]: c["change"]["after"] for c in terraform.show_json()["resource_changes"]}
    url = changes["module.expansion.aws_lambda_function_url.approval[0]"]
    function = changes["module.expansion.module.approval[0].aws_lambda_function.this"]
    assert url["authorization_type"] == "AWS_IAM"
    assert function["reserved_concurrent_executions"] == 2
    assert "module.expansion.aws_lambda_permission.approval_url[0]" not in changes


def test_an_open_page_without_a_reason_is_refused_in_a_root(repository: Path, tmp_path: Path) -> None:
    given = {"approval_link": {"authorization": "NONE"}}
    with planned("poc", given, repository, tmp_path) as terraform:
        terraform.init()
        with pytest.raises(TerraformError) as caught:
            terraform.plan("-refresh=false")
    assert "must say in 20 characters or more why" in " ".join(caught.value.output.replace("│", " ").split())
