"""`fsxn slo`: whether objectives are met, what they are, what is left of their budgets. Reads only."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from typing import Any

from fsxn_runtime.cli.console import Exit, say, say_table
from fsxn_runtime.edge.clients import client
from fsxn_runtime.slo import (
    Budget,
    Catalogue,
    SloResult,
    effective_catalogue,
    error_budgets,
    evaluate_slos,
    is_finding,
)

_SIGN = {"less": "<", "greater": ">"}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the group."""
    group = subparsers.add_parser(
        "slo",
        help="service level objectives: status, targets, budget",
        description="Service level objectives. Those of SLO_PARAMETER, the parameter that module slo writes; "
        "without it this package's defaults.",
    )
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    words = (
        "say of each objective whether it is met now, as its alarm would. Exit status 1 when one is "
        "violated, or when one that is measured every minute has no data"
    )
    _add(commands, "status", "whether each objective is met now", words, _status)
    words = "show the objectives in force and where they were read"
    _add(commands, "targets", "the objectives in force", words, _targets)
    words = (
        "show what each objective's error budget lost and how fast it burns. Exit status 1 when one is "
        "spent, or burns faster than both windows of a pair allow"
    )
    _add(commands, "budget", "what is left of each error budget", words, _budget)


def _add(commands: Any, name: str, brief: str, words: str, run: Callable[[argparse.Namespace], Exit]) -> None:
    command = commands.add_parser(name, help=brief, description=f"{words[0].upper()}{words[1:]}.")
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    command.set_defaults(run=run)


def _status(arguments: argparse.Namespace) -> Exit:
    catalogue = effective_catalogue()
    results = evaluate_slos(client("cloudwatch"), catalogue=catalogue)
    if arguments.json:
        _say_json(result.to_dict() for result in results)
    else:
        say_table([("OBJECTIVE", "STATE", "VALUE", "TARGET"), *(_status_row(catalogue, r) for r in results)])
    found = any(is_finding(catalogue.targets[result.slo_name], result) for result in results)
    return Exit.FINDING if found else Exit.OK


def _status_row(catalogue: Catalogue, result: SloResult) -> tuple[str, ...]:
    target = catalogue.targets[result.slo_name]
    value = "-" if result.value is None else f"{result.value:g}"
    state = result.state.replace("_", " ")
    return target.name, state, value, f"{_SIGN[target.comparison]} {target.threshold:g}"


def _targets(arguments: argparse.Namespace) -> Exit:
    catalogue = effective_catalogue()
    if arguments.json:
        _say_json({**target.to_dict(), "origin": catalogue.origin} for target in catalogue.targets.values())
        return Exit.OK
    say(f"from {catalogue.origin}, namespace {catalogue.namespace}")
    rows = [("OBJECTIVE", "METRIC", "STATISTIC", "TARGET", "PERIODS", "BUDGET", "SILENCE")]
    for target in catalogue.targets.values():
        counted = "samples" if target.objective_pct is None else "periods"
        silence = "good" if target.missing_data == "notBreaching" else "unknown"
        wanted = f"{_SIGN[target.comparison]} {target.threshold:g}"
        periods = f"{target.periods} of {target.period_seconds} s"
        budget = f"{target.required_pct:g} % of {counted} in {catalogue.budget_days} days"
        rows.append((target.name, target.metric, target.statistic, wanted, periods, budget, silence))
    say_table(rows)
    return Exit.OK


def _budget(arguments: argparse.Namespace) -> Exit:
    catalogue = effective_catalogue()
    budgets = error_budgets(client("cloudwatch"), catalogue=catalogue)
    if arguments.json:
        _say_json(budget.to_dict() for budget in budgets)
    else:
        pairs = [f"{name.upper()} AT {rate.rate:g}" for name, rate in catalogue.burn_rates.items()]
        say_table([("OBJECTIVE", "BAD", "USED", *pairs), *map(_budget_row, budgets)])
    return Exit.FINDING if any(budget.is_spent for budget in budgets) else Exit.OK


def _budget_row(budget: Budget) -> tuple[str, ...]:
    """Write a budget; of each pair the burn rate of the long and the short window."""
    pairs = []
    for burn in budget.burns:
        rates = " / ".join("-" if rate is None else f"{rate:.1f}" for rate in (burn.long, burn.short))
        pairs.append(f"{rates} BURNING" if burn.burning else rates)
    bad, used = (
        "-" if share is None else f"{share:.3g} %" for share in (budget.bad_pct, budget.consumed_pct)
    )
    return budget.slo_name, bad, used, *pairs


def _say_json(objects: Iterable[dict[str, object]]) -> None:
    for found in objects:
        say(json.dumps(found))
