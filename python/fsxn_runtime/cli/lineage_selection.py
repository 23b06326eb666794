"""Which lineage records a command is about: of a file, a workload, an execution, or an output."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime

from fsxn_runtime.cli.times import parse_time
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.settings import text
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage import LineageStore, Records


def add_selectors(command: argparse.ArgumentParser) -> None:
    """Add the arguments that `selected` reads."""
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("file", nargs="?", metavar="FILE", help="path with junction path: /vol1/legal/a.pdf")
    which.add_argument("--workload", metavar="UC_ID", help="records of one workload")
    which.add_argument("--execution", metavar="ARN", help="records of one execution")
    which.add_argument("--output", metavar="KEY", help="records that name this output: its inputs")
    command.add_argument(
        "--since", metavar="TIME", help="with --workload: 2026-01-31, 2026-01-31T12:00, or 30m, 6h, 7d ago"
    )
    command.add_argument("--until", metavar="TIME", help="with --workload: the same forms")
    command.add_argument("--table", metavar="NAME", help="lineage table (default: LINEAGE_TABLE)")


def selected(arguments: argparse.Namespace) -> Records:
    """Give the records; nothing is read yet."""
    if (arguments.since or arguments.until) and not arguments.workload:
        raise RejectedError("--since and --until need --workload")
    now = datetime.now(UTC)
    since, until = (parse_time(given, now) if given else "" for given in (arguments.since, arguments.until))
    store = LineageStore(client("dynamodb"), arguments.table or text(os.environ, "LINEAGE_TABLE"))
    if arguments.workload:
        return store.by_workload(arguments.workload, since, until)
    if arguments.execution:
        return store.by_execution(arguments.execution)
    if arguments.output:
        return store.by_output(arguments.output)
    return store.by_file(arguments.file)
