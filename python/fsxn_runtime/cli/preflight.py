"""`fsxn diagnose preflight`: is what Terraform is given, and what ONTAP is, as it must be? Reads only."""

from __future__ import annotations

import argparse
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.function import invoke
from fsxn_runtime.cli.redrive import add_prefix
from fsxn_runtime.diagnose import Check, Inputs, Network, Verdict, aws_checks, collect, ontap_checks
from fsxn_runtime.edge.clients import client
from fsxn_runtime.errors import RejectedError

_DEADLINE_SECONDS = 90.0


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the group `diagnose`."""
    parser = commands.add_parser(
        "preflight",
        help="check what Terraform is given and what ONTAP is, before and after the apply",
        description=(
            "Check file system, SVMs, subnets, security groups and routes of each node by the inputs of "
            "Terraform, and, once applied, ONTAP by the function in the VPC: version, clock, LIF service, "
            "policies, scope, store, NFS 4.2 clients. Reads only. Exit status 1 when something was found, 3 "
            "when something is not known."
        ),
    )
    add_prefix(parser)
    parser.add_argument("--plan", type=Path, help="the root's plan as JSON (terraform show -json FILE)")
    parser.add_argument("--file-system", default="", metavar="FS", help="id of the file system")
    parser.add_argument("--svm", action="append", default=[], metavar="NAME", help="may be repeated")
    parser.add_argument("--vpc", default="", metavar="VPC", help="where the server runs")
    parser.add_argument("--subnet", action="append", default=[], metavar="SUBNET", help="may be repeated")
    parser.add_argument(
        "--source-group", action="append", default=[], metavar="SG", help="network.source_security_group_ids"
    )
    parser.add_argument(
        "--management", action="append", default=[], metavar="ADDRESS", help="ONTAP's management endpoint"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(run=_preflight)


def _preflight(arguments: argparse.Namespace) -> Exit:
    inputs = _said(arguments, _planned(arguments.plan) if arguments.plan else Inputs())
    for address in inputs.management_addresses:
        try:
            ipaddress.IPv4Address(address)
        except ValueError as exc:
            raise RejectedError(f"--management is {address!r}; it must be an IPv4 address") from exc
    network = Network(partial(client, is_brief=True), inputs)
    look = partial(invoke, f"{arguments.prefix}-diagnose", {"action": "look"})
    facts = collect({**network.collectors(), "ontap": look}, _DEADLINE_SECONDS)
    checks = [*aws_checks(inputs, facts), *ontap_checks(inputs, facts, arguments.prefix)]
    for check in checks:
        if arguments.json:
            say(json.dumps(asdict(check)))
        else:
            _show(check)
    verdicts = {check.verdict for check in checks}
    if Verdict.FINDING in verdicts:
        return Exit.FINDING
    return Exit.UNREACHABLE if Verdict.UNKNOWN in verdicts else Exit.OK


def _show(check: Check) -> None:
    say(f"{check.verdict:<10}{check.name}: {check.says}")
    if check.todo and check.verdict is not Verdict.OK:
        say(f"{'':<10}do: {check.todo}")


def _said(arguments: argparse.Namespace, planned: Inputs) -> Inputs:
    """What is said on the command line goes before the plan."""
    given = {
        "file_system_id": arguments.file_system,
        "svms": tuple(arguments.svm),
        "vpc_id": arguments.vpc,
        "subnet_ids": tuple(arguments.subnet),
        "source_group_ids": tuple(arguments.source_group),
        "management_addresses": tuple(arguments.management),
    }
    return replace(planned, **{name: value for name, value in given.items() if value})


def _planned(path: Path) -> Inputs:
    """Read the variables of a plan; all of the roots name them alike. Raises RejectedError."""
    try:
        variables = json.loads(path.read_text(encoding="utf-8"))["variables"]
        given: Mapping[str, Any] = {name: each["value"] for name, each in variables.items()}
    except OSError as exc:
        raise RejectedError(f"--plan is {path}: {exc.strerror}") from exc
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise RejectedError(
            f"--plan is {path}; it must be what `terraform show -json PLAN` writes, with its variables"
        ) from exc
    network = given.get("network") or {}
    management = (given.get("ontap") or {}).get("management") or {}
    return Inputs(
        file_system_id=given.get("file_system_id") or "",
        svms=tuple(sorted(svm["name"] for svm in (given.get("svms") or {}).values())),
        vpc_id=network.get("vpc_id") or "",
        subnet_ids=tuple(sorted(network.get("subnet_ids") or [])),
        source_group_ids=tuple(sorted((network.get("source_security_group_ids") or {}).values())),
        management_addresses=tuple(sorted(management.get("addresses") or [])),
    )
