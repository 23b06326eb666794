"""What the roots let be locked: a PoC must be able to go."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.terraform import TerraformError
from tests.terraform.test_growth_variables import planned

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-roots")]

LOCK = "module.lineage.aws_s3_bucket_object_lock_configuration.export[0]"


def test_a_poc_refuses_to_lock_what_nobody_can_delete(repository: Path, tmp_path: Path) -> None:
    with planned("poc", {"lineage_lock": {"mode": "COMPLIANCE"}}, repository, tmp_path) as terraform:
        terraform.init()
        with pytest.raises(TerraformError) as caught:
            terraform.plan("-refresh=false")
    said = " ".join(caught.value.output.replace("│", " ").split())
    assert "lineage_lock.mode must be GOVERNANCE or NONE" in said


@pytest.mark.parametrize(
    ("root", "given", "wanted"),
    [
        ("poc", {}, ("GOVERNANCE", 1)),
        ("production", {}, ("GOVERNANCE", 7)),
        ("production", {"mode": "COMPLIANCE", "years": 10}, ("COMPLIANCE", 10)),
    ],
)
def test_a_root_locks_with_the_mode_and_the_years_that_it_was_given(
    root: str, given: dict[str, object], wanted: tuple[str, int], repository: Path, tmp_path: Path
) -> None:
    with planned(root, {"lineage_lock": given}, repository, tmp_path) as terraform:
        terraform.init()
        terraform.plan("-refresh=false")
        (change,) = [c for c in terraform.show_json()["resource_changes"] if c["address"] == LOCK]
    (retention,) = change["change"]["after"]["rule"][0]["default_retention"]
    assert (retention["mode"], retention["years"]) == wanted
