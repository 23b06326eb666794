"""What is called from inside the VPC is what the roles there may call, and each of it can be reached."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.terraform import Terraform, TerraformError, plan_copy
from tools.terraform_inventory import (
    PREVIEW,
    Resource,
    applied,
    example_inputs,
    roles,
    stand_in_packages,
    variables_of,
)

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-roots")]

VPC_ID = "vpc-0123456789abcdef0"
IN_THE_VPC = {
    "access_point": {
        "alias": "legal-vol1-abcdefghijklmnopqrstuvwxyz-ext-s3alias",
        "arn": "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1",
    },
    "expansion_ontap": {},
    "function_vpc": {
        "security_group_ids": ["sg-0123456789abcdef2"],
        "subnet_ids": ["subnet-0123456789abcdef0"],
    },
    "new_access_point": None,
    "rotation": {"fsx_recovery": "asked"},
    "server_ca_certificates": ["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"],
    "server_tls": {
        "certificate_secret_arn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:fpolicy/cert-AbCdEf",
        "key_secret_arn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:fpolicy/key-AbCdEf",
    },
    "vpc_endpoints": {"route_table_ids": ["rtb-0123456789abcdef0"]},
}
# Names of endpoints where they are not the prefix of the actions.
ENDPOINTS = {"cloudwatch": {"monitoring"}, "ecr": {"ecr.api", "ecr.dkr"}}
# Lambda does these for a function, from outside its VPC: log, traces, interfaces, the queue that it reads.
BY_LAMBDA = ("logs:", "xray:", "ec2:", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
# The service that keeps something encrypted asks the key; what a caller itself asks of one is other actions.
BY_SERVICES = ("kms:Decrypt", "kms:GenerateDataKey")
# Synthetics writes a canary's log from its VPC, Fargate a task's; a canary's traces are Lambda's.
BY_OTHERS = ("xray:", "ec2:")


@dataclass(frozen=True)
class World:
    resources: list[Resource]
    outputs: dict[str, Any]


@pytest.fixture(scope="module")
def world(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Production with everything in the VPC that can be there, and the endpoints made."""
    terraform = production(repository, tmp_path_factory.mktemp("vpc"), IN_THE_VPC)
    resources = applied(terraform)
    return World(resources, terraform.output())


def production(repository: Path, folder: Path, given: dict[str, Any]) -> Terraform:
    root = repository / "envs/production"
    access_point = {**IN_THE_VPC["access_point"], "network_origin": VPC_ID}
    variables = {
        **variables_of("production"),
        **given,
        "access_point": access_point,
        "package_dir": str(stand_in_packages(folder)),
    }
    return plan_copy(root, folder, inputs=example_inputs(root), variables=variables, environment=PREVIEW)


def called(role: str, allowed: list[str], by_others: tuple[str, ...]) -> Iterator[str]:
    """Endpoints of what a role's (action, resource) pairs allow, less what others do for it."""
    for pair in allowed:
        action, target = pair.split(" ")[:2]
        own_letters = action == "sqs:SendMessage" and target == f"aws_sqs_queue({role}-dead-letters).arn"
        if not action.startswith((*by_others, *BY_SERVICES)) and not own_letters:
            service = action.partition(":")[0]
            yield from ENDPOINTS.get(service, {service})


def roles_of(caller: str) -> dict[str, tuple[str, ...]]:
    """Roles that make a caller's calls, with what others do for each."""
    if caller == "server":
        return {"fsxn-s3ap-fpolicy-execution": BY_OTHERS, "fsxn-s3ap-fpolicy-task": BY_OTHERS}
    if caller == "canary":
        return {"fsxn-s3ap-ontap-canary": BY_OTHERS}
    return {f"fsxn-s3ap-{caller}": BY_LAMBDA}


def test_each_caller_names_the_services_that_its_role_may_call(world: World) -> None:
    allowed = roles(world.resources)
    said = {caller: set(services) for caller, services in world.outputs["vpc_services"].items()}
    found = {
        caller: {
            service
            for role, by_others in roles_of(caller).items()
            for service in called(role, allowed[role]["allow"], by_others)
        }
        for caller in said
    }
    assert said == found


def test_every_function_in_the_vpc_is_a_caller(world: World) -> None:
    inside = {
        resource["values"]["function_name"].removeprefix("fsxn-s3ap-")
        for resource in world.resources
        if resource["type"] == "aws_lambda_function" and resource["values"]["vpc_config"]
    }
    callers = {caller for caller, services in world.outputs["vpc_services"].items() if services}
    assert inside == callers - {"canary", "server"}
    assert {"expand", "reconcile", "content-inventory-poll", "access-point-monitor"} <= inside


def test_each_service_called_has_one_endpoint_and_the_plan_takes_it(world: World) -> None:
    services = sorted({each for called in world.outputs["vpc_services"].values() for each in called})
    made = [r["values"]["service_name"] for r in world.resources if r["type"] == "aws_vpc_endpoint"]
    assert sorted(made) == [f"com.amazonaws.us-east-1.{service}" for service in services]


def test_the_plan_names_each_service_that_cannot_be_reached(repository: Path, tmp_path: Path) -> None:
    """Everything but queues and ECS has an endpoint: who calls those is named."""
    existing = ["dynamodb", "ecr.api", "ecr.dkr", "fsx", "logs", "monitoring", "s3", "secretsmanager"]
    given = {**IN_THE_VPC, "vpc_endpoints": {"existing": [*existing, "sns", "ssm", "states"], "made": False}}
    with production(repository, tmp_path, given) as terraform:
        terraform.init()
        with pytest.raises(TerraformError) as caught:
            terraform.plan("-refresh=false")
    said = " ".join(caught.value.output.replace("│", " ").split())
    for named in (
        "The server runs in a VPC without an endpoint of sqs, which it",
        "fsxn-s3ap-reconcile runs in a VPC without an endpoint of ecs, which it calls",
        "fsxn-s3ap-content-inventory-start runs in a VPC without an endpoint of sqs, which it calls",
    ):
        assert named in said


def test_an_interface_endpoint_admits_its_own_service_and_the_own_account(world: World) -> None:
    """ecr.api and ecr.dkr serve actions of ecr, monitoring those of cloudwatch."""
    prefixes = {"ecr.api": "ecr", "ecr.dkr": "ecr", "monitoring": "cloudwatch"}
    endpoints = [r["values"] for r in world.resources if r["type"] == "aws_vpc_endpoint"]
    interfaces = [each for each in endpoints if each["vpc_endpoint_type"] == "Interface"]
    assert interfaces
    for each in interfaces:
        service = each["service_name"].removeprefix("com.amazonaws.us-east-1.")
        (statement,) = json.loads(each["policy"])["Statement"]
        assert statement["Action"] == f"{prefixes.get(service, service)}:*"
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}
