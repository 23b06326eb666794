"""`fsxn diagnose`: what is wrong, found by looking; which layer of an access point refuses, by trying."""

from __future__ import annotations

import argparse
import json
import re
import uuid
from dataclasses import asdict

from fsxn_runtime.cli import alert_test, diagnose_bundle, pilot, preflight
from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.diagnose import ACTIONS, Diagnosis, Prober, State, diagnose, parse_target
from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.clients import client
from fsxn_runtime.errors import RejectedError

_EXITS = {State.REFUSES: Exit.FINDING, State.UNREACHABLE: Exit.UNREACHABLE}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the group."""
    group = subparsers.add_parser(
        "diagnose", help="what is wrong: bundle, preflight, pilot, access-point, alert-test"
    )
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = commands.add_parser(
        "access-point",
        help="why calls through an S3 access point fail",
        description="Walk the layers of an S3 access point on FSx for ONTAP in order, by what AWS says of it "
        "and by real calls under the caller's identity; name the first that refuses. HeadBucket is "
        "tried, but proves nothing. Run it where the failing caller runs: the network is one of the layers.",
    )
    command.add_argument("target", metavar="ACCESS_POINT", help="name, alias or ARN")
    command.add_argument("--key", default="", help="object to read (default: the first that is listed)")
    command.add_argument(
        "--write", action="store_true", help="also write an object (.fsxn-diagnose-...) and delete it"
    )
    command.add_argument("--role", default="", metavar="ARN", help="simulate this role instead of the caller")
    command.add_argument(
        "--caller-vpc", default="", metavar="VPC", help="where the caller is: vpc-..., or outside (any VPC)"
    )
    command.add_argument("--json", action="store_true", help="one JSON object")
    command.set_defaults(run=_access_point)
    diagnose_bundle.register(commands)
    preflight.register(commands)
    pilot.register(commands)
    alert_test.register(commands)


def _access_point(arguments: argparse.Namespace) -> Exit:
    target = parse_target(arguments.target)
    if not re.fullmatch(r"(outside|vpc-[0-9a-f]+)?", arguments.caller_vpc):
        raise RejectedError(f"--caller-vpc is {arguments.caller_vpc!r}; it must be outside, or vpc-...")
    if not re.fullmatch(r"(arn:[a-z-]+:iam::[0-9]{12}:(role|user)/\S+)?", arguments.role):
        raise RejectedError(f"--role is {arguments.role!r}; it must be the ARN of an IAM role or user")
    with aws_call("diagnose"):  # a client without a Region cannot even be made
        prober = Prober(client, client("s3", is_brief=True), target)
        evidence = prober.collect(
            actions=ACTIONS,
            key=arguments.key,
            write_key=f".fsxn-diagnose-{uuid.uuid4().hex}" if arguments.write else "",
            role_arn=arguments.role,
            caller_vpc=arguments.caller_vpc,
        )
    found = diagnose(evidence)
    if arguments.json:
        say(json.dumps({**asdict(found), "unread": dict(evidence.unread)}))
    else:
        _show(found)
    return _EXITS[found.verdict.state] if found.verdict else Exit.OK


def _show(found: Diagnosis) -> None:
    for step in found.steps:
        say(f"{step.state:<12}{step.layer:<21}{step.text}")
    if found.verdict is None:
        say(f"{found.target}: no layer refuses")
        return
    say(f"{found.target}: {found.verdict.layer} {found.verdict.state}")
    say(f"do: {found.verdict.advice}")
