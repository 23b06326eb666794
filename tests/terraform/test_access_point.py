"""The access point's policies as they will be, and what a plan says about the network origin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.terraform import Terraform, plan_copy
from tools.terraform_inventory import PREVIEW, applied, example_inputs, stand_in_packages

pytestmark = pytest.mark.terraform

ARN = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
READER = "arn:aws:iam::111122223333:role/reader"
PARTNER = "arn:aws:iam::444455556666:role/partner"
ROOT = f"""
provider "aws" {{
  region = "us-east-1"
}}

module "access_point" {{
  source = "../../modules/s3-access-point"

  context = {{ account_id = "111122223333", name_prefix = "fsxn-s3ap", region = "us-east-1" }}
  create = {{
    identity       = {{ name = "reader", type = "UNIX" }}
    name           = "legal-vol1"
    network_origin = "internet"
    volume_id      = "fsvol-0123456789abcdef0"
  }}
  notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:topic"
  grants       = {{ Partner = {{ actions = ["s3:GetObject"], principal_arns = ["{PARTNER}"] }} }}
  restrictions = {{ Only = {{ principal_arns = ["{READER}", "{PARTNER}"] }} }}
}}

output "all" {{
  value = module.access_point
}}
"""
# Which resource IAM knows each kind of action for (S3 service authorization reference).
OF_THE_ACCESS_POINT = {"s3:ListBucket", "s3:ListBucketMultipartUploads"}


@pytest.fixture(scope="module")
def evaluation(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Outputs and resources of a root that creates an access point."""
    base = tmp_path_factory.mktemp("access-point")
    root = base / "checkout/envs/access-point"
    root.mkdir(parents=True)
    (base / "checkout/modules").symlink_to(repository / "modules")
    (root / "main.tf").write_text(ROOT)
    terraform = Terraform(root, base, environment=PREVIEW)
    resources = applied(terraform)
    return terraform.output()["all"], resources


def statements(document: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(document)["Statement"]
    return found


def actions(statement: dict[str, Any]) -> set[str]:
    listed = statement["Action"]
    return {listed} if isinstance(listed, str) else set(listed)


@pytest.fixture(scope="module")
def documents(evaluation: tuple[dict[str, Any], list[dict[str, Any]]]) -> dict[str, str]:
    outputs, resources = evaluation
    (policy,) = [found for found in resources if found["type"] == "aws_s3control_access_point_policy"]
    return {
        "access point": policy["values"]["policy"],
        **{name: outputs[name] for name in ("endpoint_policy", "reader_policy", "writer_policy")},
    }


@pytest.mark.parametrize("name", ["access point", "endpoint_policy", "reader_policy", "writer_policy"])
def test_each_action_names_the_resource_that_iam_knows_it_for(documents: dict[str, str], name: str) -> None:
    """ListBucket on the access point, what is an object's below /object/; the alias never."""
    for statement in statements(documents[name]):
        of_access_point = actions(statement) <= OF_THE_ACCESS_POINT
        assert of_access_point or not actions(statement) & OF_THE_ACCESS_POINT
        assert statement["Resource"] == (ARN if of_access_point else f"{ARN}/object/*")
    assert "s3alias" not in documents[name]


def test_a_restriction_denies_everybody_but_the_named(documents: dict[str, str]) -> None:
    denied = [found for found in statements(documents["access point"]) if found["Effect"] == "Deny"]
    assert set().union(*map(actions, denied)) >= {"s3:ListBucket", "s3:GetObject", "s3:PutObject"}
    for statement in denied:
        assert "NotPrincipal" not in statement
        assert statement["Principal"] in ("*", {"AWS": "*"})
        (name,) = statement["Condition"]["StringNotEquals"]
        assert name == "aws:PrincipalArn"
        assert set(statement["Condition"]["StringNotEquals"][name]) == {READER, PARTNER}


def test_a_grant_allows_only_the_named(documents: dict[str, str]) -> None:
    (allowed,) = [found for found in statements(documents["access point"]) if found["Effect"] == "Allow"]
    assert (allowed["Principal"], actions(allowed)) == ({"AWS": PARTNER}, {"s3:GetObject"})


def test_a_reader_may_not_write(documents: dict[str, str]) -> None:
    assert set().union(*map(actions, statements(documents["reader_policy"]))) == {
        "s3:GetObject",
        "s3:ListBucket",
    }
    assert "s3:PutObject" in set().union(*map(actions, statements(documents["writer_policy"])))


def test_a_created_one_hands_on_the_alias_that_the_stack_reports(
    evaluation: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    outputs, resources = evaluation
    (stack,) = [found for found in resources if found["type"] == "aws_cloudformation_stack"]
    template = json.loads(stack["values"]["template_body"])
    assert template["Outputs"]["Alias"]["Value"] == {"Fn::GetAtt": ["AccessPoint", "S3AccessPoint.Alias"]}
    assert outputs["alias"] == "aws_cloudformation_stack(fsxn-s3ap-access-point-legal-vol1).outputs.Alias"
    assert outputs["access_point"] == {"alias": outputs["alias"], "arn": ARN}


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("internet", "Network origin of legal-vol1: Internet, for life."),
        ("vpc-0123456789abcdef0", "Network origin of legal-vol1: vpc-0123456789abcdef0, for life."),
    ],
)
def test_the_plan_says_what_the_network_origin_means(
    origin: str, said: str, repository: Path, tmp_path: Path
) -> None:
    packages = stand_in_packages(tmp_path)
    new = {
        "identity": {"name": "reader", "type": "UNIX"},
        "name": "legal-vol1",
        "network_origin": origin,
        "volume_id": "fsvol-0123456789abcdef0",
    }
    vpc = {"security_group_ids": ["sg-0123456789abcdef0"], "subnet_ids": ["subnet-0123456789abcdef0"]}
    terraform = plan_copy(
        repository / "envs/production",
        tmp_path,
        inputs=example_inputs(repository / "envs/production"),
        variables={"package_dir": str(packages), "new_access_point": new, "function_vpc": vpc},
        environment=PREVIEW,
    )
    with terraform:
        terraform.init()
        terraform.plan()
        shown = terraform.run("show", "-no-color", str(terraform.plan_file), quiet=True)
    assert said in shown.split("Changes to Outputs:")[1]
