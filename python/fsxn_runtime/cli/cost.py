"""`fsxn cost`: what a deployment costs with a given traffic, line by line. Calls nothing."""

from __future__ import annotations

import argparse
import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from fsxn_runtime.cli.console import Exit, say, say_table
from fsxn_runtime.cost import Configuration, Estimate, compare, estimate, price_list, read_plan, read_profile
from fsxn_runtime.errors import RejectedError


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the group."""
    group = subparsers.add_parser("cost", help="what a deployment costs")
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = commands.add_parser(
        "estimate",
        help="estimate the cost of a traffic profile",
        description="Estimate what a period of traffic costs, each line with its formula, by workload. "
        "Without a plan only what grows with the files, as modules are by default. No free tiers.",
    )
    _add_inputs(command)
    command.set_defaults(run=_estimate)
    command = commands.add_parser(
        "compare",
        help="compare an estimate with what was counted",
        description="Estimate, and put beside each quantity what was really used, counted by somebody else.",
    )
    _add_inputs(command)
    command.add_argument(
        "--counted",
        required=True,
        type=Path,
        metavar="FILE",
        help="JSON: an object `quantities`, a list of workload, quantity (as estimate names it), amount",
    )
    command.set_defaults(run=_compare)


def _add_inputs(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--profile", required=True, type=Path, metavar="FILE", help="the traffic, as JSON or TOML (.toml)"
    )
    command.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="what is deployed: output of `terraform show -json`, of a plan or the state",
    )
    command.add_argument("--region", default="us-east-1", metavar="REGION", help="whose prices (us-east-1)")
    command.add_argument(
        "--prices", type=Path, metavar="FILE", help="a price file instead of the shipped one"
    )
    command.add_argument("--json", action="store_true", help="one JSON object a line, the sums last")


def _found(arguments: argparse.Namespace) -> Estimate:
    profile = read_profile(_read(arguments.profile))
    configuration = read_plan(_read(arguments.plan)) if arguments.plan else Configuration()
    prices = price_list(arguments.region, _read(arguments.prices) if arguments.prices else None)
    return estimate(profile, configuration, prices)


def _estimate(arguments: argparse.Namespace) -> Exit:
    found = _found(arguments)
    if arguments.json:
        for line in found.lines:
            say(json.dumps(line.to_dict()))
        say(json.dumps(found.to_dict()))
    else:
        _say(found)
    return Exit.OK


def _compare(arguments: argparse.Namespace) -> Exit:
    counted = _read(arguments.counted).get("quantities")
    if not isinstance(counted, list):
        raise RejectedError(f"{arguments.counted} has no list `quantities`", code="wrong_counts")
    found = compare(_found(arguments), counted)
    if arguments.json:
        for each in found:
            say(json.dumps(each.to_dict()))
        return Exit.OK
    rows = [("WORKLOAD", "QUANTITY", "UNIT", "ESTIMATED", "COUNTED", "COUNTED / ESTIMATED")]
    for each in found:
        ratio = "-" if each.ratio is None else f"{each.ratio:.2f}"
        estimated, counts = f"{each.estimated:,.3f}", f"{each.counted:,.3f}"
        rows.append((each.workload, each.quantity, each.unit, estimated, counts, ratio))
    say_table(rows)
    return Exit.OK


def _say(found: Estimate) -> None:
    say(f"{found.hours:,f} hours, list prices of {found.region}, gathered {found.as_of}, USD")
    rows = [("WORKLOAD", "QUANTITY", "AMOUNT", "UNIT", "USD", "FORMULA")]
    for line in found.lines:
        each = line.quantity
        rows.append(
            (each.workload, each.name, f"{each.amount:,.2f}", each.unit, f"{line.usd:,.4f}", line.formula)
        )
    say_table(rows)
    say("")
    sums = [("WORKLOAD", "USD", "USD FOR A MILLION FILE VERSIONS")]
    for name, usd in found.by_workload.items():
        million = found.per_million_versions.get(name)
        sums.append((name, f"{usd:,.2f}", "-" if million is None else f"{million:,.2f}"))
    sums.append(("together", f"{found.usd:,.2f}", ""))
    say_table(sums)


def _read(path: Path) -> dict[str, Any]:
    """Read a file of one object. Raises RejectedError naming the file."""
    try:
        text = path.read_text(encoding="utf-8")
        data = (
            tomllib.loads(text, parse_float=Decimal)
            if path.suffix == ".toml"
            else json.loads(text, parse_float=Decimal)
        )
    except OSError as exc:
        raise RejectedError(f"{path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise RejectedError(f"{path} is neither JSON nor, with the ending .toml, TOML: {exc}") from exc
    if not isinstance(data, dict):
        raise RejectedError(f"{path} holds no object")
    return data
