"""What the cost estimate reads out of the roots, as Terraform evaluates them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fsxn_runtime.cost import Configuration, estimate, price_list, read_plan, read_profile
from fsxn_runtime.cost.model import SHARED, Mapped
from fsxn_runtime.cost.plan import per_hour
from fsxn_runtime.errors import RejectedError

from tests.terraform.conftest import Evaluate
from tools.terraform_inventory import Resource

WORKLOADS = {"content-inventory": {"listed_files": 10_000}, "rename-watcher": {"event_share": "0.01"}}
MONTH = {"hours": 730, "events": 2_000_000, "busy_events_per_second": 50, "workloads": WORKLOADS}


def configuration(resources: list[Resource]) -> Configuration:
    return read_plan({"planned_values": {"root_module": {"resources": resources}}})


def test_the_production_root_is_read_as_it_is(evaluated: Evaluate) -> None:
    found = configuration(evaluated("production"))
    assert set(found.workloads) == {"content-inventory", "rename-watcher"}
    inventory = found.workloads["content-inventory"]
    assert (inventory.starter, inventory.process_memory_mb) == (Mapped(Decimal(10), Decimal(0)), Decimal(512))
    assert inventory.polls_per_hour == found.canary_runs_per_hour == 12
    assert found.workloads["rename-watcher"].process_memory_mb == 256
    assert (found.router, found.architecture) == (Mapped(Decimal(100), Decimal(1)), "arm64")
    assert found.server_tasks == 2
    vcpu = {each.name: (each.count, each.price) for each in found.standing if each.name.startswith("Fargate")}
    assert vcpu == {
        "Fargate vCPU": (Decimal(1), "fargate.vcpu_hour.arm64"),
        "Fargate GB": (Decimal(2), "fargate.gb_hour.arm64"),
    }


def test_every_alarm_dashboard_and_key_of_the_root_is_counted(evaluated: Evaluate) -> None:
    resources = evaluated("production")
    found = configuration(resources).standing

    def counted(name: str) -> Decimal:
        return sum((each.count for each in found if each.name == name), Decimal(0))

    def made(kind: str) -> list[Resource]:
        return [each for each in resources if each["type"] == kind]

    queries = [each["values"]["metric_query"] for each in made("aws_cloudwatch_metric_alarm")]
    assert counted("CloudWatch alarm metrics") == sum(
        len([query for query in each if query["metric"]]) or 1 for each in queries
    )
    assert counted("CloudWatch dashboards") == len(made("aws_cloudwatch_dashboard"))
    assert counted("CloudWatch composite alarms") == len(made("aws_cloudwatch_composite_alarm"))
    assert counted("KMS keys") == len(made("aws_kms_key"))


def test_every_resource_with_tags_says_whose_cost_it_is(evaluated: Evaluate) -> None:
    resources = evaluated("production")
    tagged = [each for each in resources if each["values"].get("tags_all")]
    owners = {each["address"]: each["values"]["tags_all"].get("Workload") for each in tagged}
    assert {address for address, owner in owners.items() if not owner} == set()
    parts = {
        "module.content_inventory.": "content-inventory",
        "module.rename_watcher.": "rename-watcher",
        "module.watched_renames.": "rename-watcher",
        "module.workload.": "content-inventory",
    }
    for address, owner in owners.items():
        wanted = [name for part, name in parts.items() if address.startswith(part)] or [SHARED]
        assert [owner] == wanted, address


def test_what_stands_has_its_price_and_its_workload(evaluated: Evaluate) -> None:
    found = estimate(read_profile(MONTH), configuration(evaluated("production")), price_list("us-east-1"))
    assert set(found.by_workload) == {SHARED, "content-inventory", "rename-watcher"}
    alarms = [line for line in found.lines if line.quantity.name == "CloudWatch alarm metrics"]
    assert {line.quantity.workload for line in alarms} == {SHARED, "content-inventory", "rename-watcher"}
    assert set(found.per_million_versions) == {"content-inventory", "rename-watcher"}


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ("rate(1 minute)", Decimal(60)),
        ("rate(5 minutes)", Decimal(12)),
        ("rate(1 hour)", Decimal(1)),
        ("rate(2 days)", Decimal(1) / 48),
        ("cron(20 * * * ? *)", Decimal(1)),
        ("cron(0 6 * * ? *)", Decimal(1) / 24),
        ("cron(0/15 8,20 * * ? *)", Decimal(1) / 3),
    ],
)
def test_a_schedule_is_runs_in_an_hour(schedule: str, runs: Decimal) -> None:
    assert abs(per_hour(schedule) - runs) < Decimal("1e-20")


@pytest.mark.parametrize("plan", [{}, {"planned_values": []}, {"planned_values": {"root_module": {}}}])
def test_what_is_no_plan_of_ours_is_refused(plan: dict[str, object]) -> None:
    with pytest.raises(
        RejectedError,
        match=r"neither a plan nor a state: write it with `terraform show -json|has no workload",
    ):
        read_plan(plan)
