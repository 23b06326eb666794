"""An upgrade keeps what is there: today's production root, planned on states of earlier ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lab.terraform import plan_copy
from tools.saved_state import ROOT, STATES, unpacked
from tools.terraform_inventory import PREVIEW, example_inputs, stand_in_packages, variables_of

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-roots")]

# Addresses that a release takes away or replaces on purpose, with the reason; the changelog says what to do.
MEANT_TO_GO: dict[str, str] = {
    "module.fpolicy_ecs.aws_ecs_task_definition.server": "a new revision: the server has a certificate",
}


@pytest.mark.parametrize("saved", sorted(STATES.iterdir()), ids=lambda path: path.name)
def test_an_upgrade_destroys_nothing_but_what_is_meant_to_go(
    saved: Path, repository: Path, tmp_path: Path
) -> None:
    """What the state has is still known by its address, or moved to another: a rename alone is a destroy."""
    root = repository / "envs" / ROOT
    variables = {**variables_of(ROOT), "package_dir": str(stand_in_packages(tmp_path))}
    terraform = plan_copy(
        root, tmp_path, inputs=example_inputs(root), variables=variables, environment=PREVIEW
    )
    terraform.state_file.write_text(with_bucket_ids(unpacked(saved)))
    with terraform:
        terraform.init()
        terraform.plan("-refresh=false")
        changes = [c for c in terraform.show_json()["resource_changes"] if c["mode"] == "managed"]
    gone = {c["address"] for c in changes if "delete" in c["change"]["actions"]}
    assert gone == set(MEANT_TO_GO)
    kept = [c["address"] for c in changes if c["change"]["before"] is not None]
    assert len(kept) == instances(unpacked(saved))


def with_bucket_ids(state: str) -> str:
    """A bucket's id is its name on AWS, so either may stand for it; the stand-in writes its own."""
    return re.sub(r"aws_s3_bucket\(([a-z0-9-]+)\)\.id", r"\1", state)


def instances(state: str) -> int:
    """Managed resources in the text of a state."""
    resources = json.loads(state)["resources"]
    return sum(len(each["instances"]) for each in resources if each["mode"] == "managed")
