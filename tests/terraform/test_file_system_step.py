"""A root's plan warns of a cap that no file system could grow under, and only warns."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.terraform import plan_copy
from tools.terraform_inventory import PREVIEW, example_inputs, stand_in_packages, variables_of

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-roots")]


@pytest.mark.parametrize(
    ("root", "size", "status"),
    [("local", 5001, "fail"), ("poc", 5001, "fail"), ("production", 5001, "fail"), ("poc", 5000, "pass")],
)
def test_the_plan_of_a_root_warns_of_a_step_above_the_cap(
    root: str, size: int, status: str, repository: Path, tmp_path: Path
) -> None:
    """The default cap is 500 GiB. A failed check is a warning: the plan is made all the same."""
    variables = {
        **variables_of(root),
        "file_system_sizes_gb": {"projects": size},
        "package_dir": str(stand_in_packages(tmp_path)),
    }
    folder = repository / "envs" / root
    inputs = example_inputs(folder)
    with plan_copy(folder, tmp_path, inputs=inputs, variables=variables, environment=PREVIEW) as terraform:
        terraform.init()
        assert terraform.plan("-refresh=false")
        checks = {
            check["address"]["to_display"]: check["status"] for check in terraform.show_json()["checks"]
        }
    assert checks["module.guardrails.check.file_system_step_fits_the_cap"] == status
