"""What a plan says of things that the roots' examples do not have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from fsxn_runtime.cost import Configuration, read_plan
from fsxn_runtime.errors import RejectedError

MACHINE = ("aws_sfn_state_machine", {"tags_all": {"Workload": "inventory"}})


def plan(*resources: tuple[str, dict[str, Any]], key: str = "planned_values") -> dict[str, Any]:
    """A plan with one workload and these resources, by type."""
    found = [
        {"address": f"{kind}.n{number}", "mode": "managed", "type": kind, "values": values}
        for number, (kind, values) in enumerate([MACHINE, *resources])
    ]
    return {key: {"root_module": {"child_modules": [{"resources": found}]}}}


def standing(configuration: Configuration) -> dict[str, Decimal]:
    return {each.name: each.count for each in configuration.standing}


def task(launch_type: str) -> tuple[str, dict[str, Any]]:
    values = {"cpu": "1024", "memory": "2048", "requires_compatibilities": [launch_type]}
    return "aws_ecs_task_definition", values


def test_a_task_on_instances_of_the_operators_costs_no_fargate() -> None:
    service = ("aws_ecs_service", {"desired_count": 3})
    on_fargate = standing(read_plan(plan(task("FARGATE"), service)))
    assert on_fargate["Fargate vCPU"] == 3
    assert on_fargate["Fargate GB"] == 6
    assert "Fargate vCPU" not in standing(read_plan(plan(task("EC2"), service)))


def test_an_interface_endpoint_costs_by_zone_and_a_gateway_nothing() -> None:
    interface = ("aws_vpc_endpoint", {"vpc_endpoint_type": "Interface", "subnet_ids": ["a", "b"]})
    gateway = ("aws_vpc_endpoint", {"vpc_endpoint_type": "Gateway"})
    assert standing(read_plan(plan(gateway, interface)))["VPC endpoints, zones"] == 2
    assert "VPC endpoints, zones" not in standing(read_plan(plan(gateway)))


def test_an_alarm_costs_each_metric_that_it_looks_at() -> None:
    queries = [{"metric": [{}]}, {"metric": [{}]}, {"expression": "m1 / m2", "metric": []}]
    alarms = [("aws_cloudwatch_metric_alarm", {"metric_query": each}) for each in (queries, [])]
    assert standing(read_plan(plan(*alarms)))["CloudWatch alarm metrics"] == 3


def test_a_state_is_read_like_a_plan() -> None:
    assert set(read_plan(plan(key="values")).workloads) == {"inventory"}


def test_functions_of_two_architectures_are_refused() -> None:
    functions = [("aws_lambda_function", {"architectures": [name]}) for name in ("arm64", "x86_64")]
    with pytest.raises(RejectedError, match=r"several architectures \(arm64, x86_64\)"):
        read_plan(plan(*functions))
