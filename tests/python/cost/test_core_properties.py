"""Every formula is the sum that gives its line, whatever the traffic."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fsxn_runtime.cost import Configuration, estimate, price_list, read_profile
from fsxn_runtime.cost.model import SHARED, Mapped, Scheduled, Standing, WorkloadConfiguration
from hypothesis import given
from hypothesis import strategies as st

OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}

shares = st.decimals(0, 1, places=2)
few = st.decimals(0, 3, places=2)
workloads = st.fixed_dictionaries(
    {
        "event_share": shares,
        "events_per_version": st.decimals(1, 5, places=1),
        "final_share": shares,
        "delete_share": shares,
        "retries_per_version": few,
        "resettles_per_version": few,
        "listed_files": st.integers(0, 5000),
    }
)
profiles = st.fixed_dictionaries(
    {
        "hours": st.integers(1, 2000),
        "events": st.integers(0, 10**9),
        "busy_events_per_second": st.integers(1, 1000),
        "event_bytes": st.integers(200, 200_000),
        "replayed_share": few,
        "workloads": st.dictionaries(st.sampled_from(["a", "b"]), workloads, min_size=1),
    }
)
PRICES = price_list("us-east-1")
DEPLOYED = Configuration(
    server_tasks=Decimal(2),
    workloads={
        "a": WorkloadConfiguration(starter=Mapped(Decimal(50), Decimal(2)), polls_per_hour=Decimal(12))
    },
    standing=(
        Standing("alarms", "a", Decimal(7), "cloudwatch.alarm_metric"),
        Standing("Fargate vCPU", SHARED, Decimal("0.5"), "fargate.vcpu_hour.arm64", hourly=True),
    ),
    scheduled=(Scheduled(SHARED, Decimal(60), Decimal(256)), Scheduled("a", Decimal(12), Decimal(512))),
    canary_runs_per_hour=Decimal(12),
)


@given(profile=profiles)
def test_each_formula_gives_the_cost_of_its_line(profile: dict[str, Any]) -> None:
    for line in estimate(read_profile(profile), DEPLOYED, PRICES).lines:
        # A formula shows four places of each number.
        assert abs(value(line.formula) - float(line.usd)) <= max(0.01 * float(line.usd), 0.0001), line.formula


@given(profile=profiles)
def test_nothing_costs_less_than_nothing(profile: dict[str, Any]) -> None:
    found = estimate(read_profile(profile), DEPLOYED, PRICES)
    assert all(line.quantity.amount > 0 and line.usd >= 0 for line in found.lines)
    assert found.usd == sum(found.by_workload.values())


@given(profile=profiles, factor=st.integers(1, 20))
def test_what_grows_with_the_files_grows_with_them_and_nothing_else_does(
    profile: dict[str, Any], factor: int
) -> None:
    def parts(events: int) -> tuple[Decimal, Decimal]:
        found = estimate(read_profile({**profile, "events": events}), DEPLOYED, PRICES)
        grows = sum((line.usd for line in found.lines if line.quantity.by_traffic), Decimal(0))
        return grows, found.usd - grows

    once, often = parts(profile["events"]), parts(profile["events"] * factor)
    assert abs(often[0] - factor * once[0]) < Decimal("1e-7")
    assert abs(often[1] - once[1]) < Decimal("1e-7")


def value(formula: str) -> float:
    """Do the sum of a formula: its numbers, brackets, x, / and +; the words beside them are left out."""
    text = re.sub(r"(?<![\w.])x(?![\w.])", "*", formula.replace(",", ""))
    return calculate(ast.parse(re.sub(r"[A-Za-z][A-Za-z-]*", "", text).strip(), mode="eval").body)


def calculate(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](calculate(node.left), calculate(node.right))
    assert isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    return node.value
