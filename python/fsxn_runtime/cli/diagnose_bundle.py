"""`fsxn diagnose bundle`: collect both sides, name the most likely cause, write one archive. Reads only."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.function import invoke
from fsxn_runtime.cli.redrive import add_prefix
from fsxn_runtime.diagnose import (
    AwsSide,
    Cause,
    Collector,
    Facts,
    causes,
    collect,
    first_page,
    missing,
    write,
)
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.slo import SloSettings, effective_catalogue, evaluate_slos

_LONGEST_MINUTES: Final = 24 * 60


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the group `diagnose`."""
    parser = commands.add_parser(
        "bundle",
        help="collect everything into one archive whose first page names the most likely cause",
        description=(
            "Ask AWS and ONTAP at once, each part for itself and with a deadline, rank by evidence what "
            "stands in the way of an event, and write README.txt and the facts into one archive. Reads "
            "only. Exit status 1 when a cause was seen, 3 when none was and something could not be collected."
        ),
    )
    add_prefix(parser)
    parser.add_argument("-o", "--output", type=Path, help="the archive to make, a new file ending in .tar.gz")
    parser.add_argument(
        "--minutes", type=int, default=60, metavar="N", help="how far back logs are read (%(default)s)"
    )
    parser.add_argument(
        "--deadline", type=float, default=90.0, metavar="SECONDS", help="for all parts (%(default)g)"
    )
    parser.add_argument("--json", action="store_true", help="causes and what is missing as one JSON object")
    parser.set_defaults(run=_bundle)


def _bundle(arguments: argparse.Namespace) -> Exit:
    if not 1 <= arguments.minutes <= _LONGEST_MINUTES:
        raise RejectedError(f"--minutes is {arguments.minutes}; it must be 1 to {_LONGEST_MINUTES}")
    if not 5 <= arguments.deadline <= 600:
        raise RejectedError(f"--deadline is {arguments.deadline:g}; it must be 5 to 600 seconds")
    now = datetime.fromtimestamp(now_us() // 1_000_000, UTC)
    prefix = arguments.prefix
    path = arguments.output or Path(f"fsxn-diagnose-{prefix}-{now:%Y%m%dT%H%M%SZ}.tar.gz")
    if not path.name.endswith(".tar.gz") or path.exists():
        raise RejectedError(f"--output is {path}; it must be a new file that ends in .tar.gz")
    facts = collect(_collectors(prefix, arguments.minutes), arguments.deadline)
    found = causes(facts, prefix)
    moment = now.isoformat()
    page = first_page(facts, found, prefix, moment)
    write(path, page, _documents(facts, found, prefix, moment), int(now.timestamp()))
    if arguments.json:
        say(json.dumps({"archive": str(path), **_conclusion(facts, found, prefix, moment)}))
    else:
        for line in page.splitlines():
            say(line)
        say(f"archive: {path}")
    if found:
        return Exit.FINDING
    return Exit.UNREACHABLE if missing(facts) else Exit.OK


def _collectors(prefix: str, minutes: int) -> dict[str, Collector]:
    aws = AwsSide(partial(client, is_brief=True), prefix, minutes)
    return {
        **aws.collectors(),
        "objectives": partial(_objectives, prefix),
        "ontap": partial(invoke, f"{prefix}-diagnose", {"action": "look"}),
    }


def _objectives(prefix: str) -> list[dict[str, object]]:
    """Evaluate the objectives that module slo wrote for this prefix, or those of SLO_PARAMETER."""
    given = SloSettings.from_env(os.environ)
    settings = given if given.parameter else replace(given, parameter=f"/{prefix}/slo-catalogue")
    catalogue = effective_catalogue(client("ssm", is_brief=True), settings)
    results = evaluate_slos(client("cloudwatch", is_brief=True), catalogue=catalogue)
    return [result.to_dict() for result in results]


def _conclusion(facts: Facts, found: list[Cause], prefix: str, moment: str) -> dict[str, Any]:
    return {
        "prefix": prefix,
        "at": moment,
        "causes": [{**asdict(cause), "weight": cause.weight.name.lower()} for cause in found],
        "collected": sorted(set(facts) - set(missing(facts))),
        "not_collected": missing(facts),
    }


def _documents(facts: Facts, found: list[Cause], prefix: str, moment: str) -> Mapping[str, Any]:
    documents = {f"facts/{name}.json": fact.data for name, fact in facts.items() if not fact.why_not}
    return {**documents, "conclusion.json": _conclusion(facts, found, prefix, moment)}
