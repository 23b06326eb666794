"""The sink's policy admits the named accounts and organizations, for the shared types, and nobody else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.terraform import Terraform
from tools.terraform_inventory import PREVIEW, Resource, applied

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-roots")]

TYPES = ["AWS::CloudWatch::Metric", "AWS::Logs::LogGroup"]
ROOT = """
provider "aws" {
  region = "us-east-1"
}

module "oam" {
  source = "../../modules/oam"

  context = { account_id = "111122223333", name_prefix = "fsxn-s3ap", region = "us-east-1" }
  sink    = jsondecode(file("sink.json"))
}
"""


@pytest.fixture(scope="module")
def made(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Resource]:
    base = tmp_path_factory.mktemp("oam")
    root = base / "checkout/envs/oam"
    root.mkdir(parents=True)
    (base / "checkout/modules").symlink_to(repository / "modules")
    (root / "main.tf").write_text(ROOT)
    sink = {
        "organization_ids": ["o-a1b2c3d4e5"],
        "resource_types": TYPES,
        "source_account_ids": ["444455556666"],
    }
    (root / "sink.json").write_text(json.dumps(sink))
    return applied(Terraform(root, base, environment=PREVIEW))


def listed(value: Any) -> list[str]:
    return sorted([value] if isinstance(value, str) else value)


def test_only_named_accounts_and_organizations_link_and_only_what_is_shared(made: list[Resource]) -> None:
    (policy,) = (each["values"]["policy"] for each in made if each["type"] == "aws_oam_sink_policy")
    statements = {found["Sid"]: found for found in json.loads(policy)["Statement"]}
    assert statements.keys() == {"LinkAccounts", "LinkOrganizations"}
    for found in statements.values():
        assert found["Effect"] == "Allow"
        assert listed(found["Action"]) == ["oam:CreateLink", "oam:UpdateLink"]
        types = found["Condition"]["ForAllValues:StringEquals"]["oam:ResourceTypes"]
        assert listed(types) == TYPES
    accounts, organizations = statements["LinkAccounts"], statements["LinkOrganizations"]
    assert listed(accounts["Principal"]["AWS"]) == ["arn:aws:iam::444455556666:root"]
    assert listed(organizations["Condition"]["StringEquals"]["aws:PrincipalOrgID"]) == ["o-a1b2c3d4e5"]


def test_the_policy_belongs_to_the_sink(made: list[Resource]) -> None:
    (policy,) = (each["values"] for each in made if each["type"] == "aws_oam_sink_policy")
    assert policy["sink_identifier"] == "aws_oam_sink(fsxn-s3ap-monitoring).arn"
