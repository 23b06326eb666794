"""Who asks: the caller as AWS knows it, and whatever name is added."""

from __future__ import annotations

import argparse

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.clients import client


def add_actor(command: argparse.ArgumentParser) -> None:
    """Add `--actor`, which adds to the caller's ARN and never stands in its place."""
    command.add_argument("--actor", metavar="NAME", help="who asks, noted beside the caller's ARN")


def actor_of(arguments: argparse.Namespace) -> str:
    """Give the caller's ARN, with the name of `--actor` behind it in brackets.

    The ARN comes first: what keeps it may cut a long text at its end.
    """
    with aws_call("sts:GetCallerIdentity"):
        caller = str(client("sts").get_caller_identity()["Arn"])
    return f"{caller} ({arguments.actor})" if arguments.actor else caller
