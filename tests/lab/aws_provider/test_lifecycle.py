"""Every applied type through its life with the real Terraform, checked past the provider by boto3.

One root holds all types, because starting Terraform is what costs. Steps, done once: apply; plan; apply the
changes of round 2; plan; change a default tag; plan; destroy. The tests look at what each step left behind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.aws_provider.schema_types import APPLIED
from lab.cloud.emulator import Emulator
from lab.terraform import Terraform
from tests.lab.aws_provider.readback import READBACK

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("aws-provider"), pytest.mark.timeout(600)]

EVERY_TYPE = Path(__file__).parent / "roots" / "every_type"
# Changed in round 2 by a new object, as on AWS; all others change in place or not at all.
REPLACED = {"ecs_task_definition", "secretsmanager_secret_version", "vpc_security_group_ingress_rule"}


@dataclass
class Life:
    """What the steps saw: changes of plans as address -> actions, values of `READBACK` by type."""

    seen: list[dict[str, Any]] = field(default_factory=list)
    planned: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    leftovers: dict[str, Any] = field(default_factory=dict)
    invoked: Any = None


def changes(terraform: Terraform) -> dict[str, list[str]]:
    if not terraform.plan():
        return {}
    resources = terraform.show_json()["resource_changes"]
    return {
        change["address"]: change["change"]["actions"]
        for change in resources
        if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
    }


def look(emulator: Emulator) -> dict[str, Any]:
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in clients:
            clients[service] = emulator.client(service)
        return clients[service]

    found: dict[str, Any] = {}
    for name, (function, _, _) in READBACK.items():
        try:
            found[name] = function(client)
        except (ClientError, LookupError, StopIteration, TypeError):
            found[name] = None
    return found


@pytest.fixture(scope="module")
def life(local_aws: Emulator, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Life:
    build = tmp_path_factory.mktemp("every_type")
    result = Life()
    terraform = Terraform(EVERY_TYPE, build, endpoint=local_aws.endpoint)
    terraform.init()
    with terraform:
        for name, number, tag in (("1", 1, "one"), ("2", 2, "one"), ("tag", 2, "two")):
            terraform.variables = {"v": number, "package": str(package), "default_tag": tag}
            result.planned[name] = changes(terraform)
            terraform.apply_plan()
            result.planned[f"after {name}"] = changes(terraform)
            result.seen.append(look(local_aws))
        answer = local_aws.client("lambda").invoke(FunctionName="lab-fn", Payload=b'{"n": 1}')
        result.invoked = answer["Payload"].read()
        terraform.destroy()
    result.leftovers = {name: value for name, value in look(local_aws).items() if value is not None}
    return result


def actions(planned: dict[str, list[str]], kind: str) -> set[tuple[str, ...]]:
    return {tuple(done) for address, done in planned.items() if address.split(".")[0] == f"aws_{kind}"}


@pytest.fixture(params=APPLIED)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_apply_creates_it_as_boto3_sees_it(life: Life, kind: str) -> None:
    assert actions(life.planned["1"], kind) == {("create",)}
    assert life.seen[0][kind] == READBACK[kind][1]


def test_a_change_reaches_it(life: Life, kind: str) -> None:
    assert life.seen[1][kind] == READBACK[kind][2]


def test_a_change_replaces_only_what_cannot_change(life: Life, kind: str) -> None:
    done = actions(life.planned["2"], kind)
    if kind in REPLACED:
        assert {frozenset(one) for one in done} == {frozenset({"create", "delete"})}
    else:
        assert done <= {("update",)}
        if READBACK[kind][1] != READBACK[kind][2]:
            assert done == {("update",)}


@pytest.mark.parametrize("step", ["1", "2", "tag"])
def test_the_plan_after_an_apply_is_empty(life: Life, step: str) -> None:
    assert life.planned[f"after {step}"] == {}


def test_a_changed_default_tag_changes_only_tagged_objects_in_place(life: Life) -> None:
    done = life.planned["tag"]
    assert "aws_sqs_queue.main" in done
    assert "aws_sqs_queue_policy.third" not in done
    assert {tuple(one) for one in done.values()} == {("update",)}


def test_destroy_leaves_nothing(life: Life) -> None:
    assert life.leftovers == {}


def test_a_python_function_runs_on_the_custom_runtime(life: Life) -> None:
    assert life.invoked == b'{"got": {"n": 1}}'


def test_every_applied_type_is_in_the_root() -> None:
    assert set(READBACK) == set(APPLIED)
