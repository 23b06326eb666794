"""`fsxn events`: what happened to file events."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from fsxn_runtime.cli import storm
from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.report import (
    Evidence,
    Place,
    Reader,
    Verification,
    lines,
    parse_arrivals,
    parse_ledger,
    verify,
)

# What a workload asks for unless its scope says otherwise (modules/workload, scope.event_types).
DEFAULT_EVENT_TYPES = "FILE_CLOSE,FILE_CREATE,FILE_DELETE,FILE_RENAME,FILE_WRITE"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the group `events`."""
    group = subparsers.add_parser(
        "events", help="file events: storms, and proof that what happened also arrived"
    )
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    storm.register(commands)
    parser = commands.add_parser(
        "verify",
        help="compare the storage's ledger with events, outputs, state, lineage and queues",
        description=(
            "Compare a ledger of operations with what arrived. Exit status 0 when they are the same, 1 when "
            "they differ by one, 2 for wrong use, 3 when AWS cannot be reached."
        ),
    )
    parser.add_argument("--ledger", required=True, type=Path, help="JSON lines written by the storage")
    parser.add_argument("--events", required=True, type=Path, help="JSON lines taken from the bus")
    parser.add_argument("--output", required=True, help="s3://BUCKET/PREFIX/WORKLOAD that holds the reports")
    parser.add_argument("--state-table", required=True, help="the workload's state table")
    parser.add_argument("--lineage-table", required=True, help="the lineage table")
    parser.add_argument("--event-types", default=DEFAULT_EVENT_TYPES, help="types the workload asks for")
    parser.add_argument(
        "--queue", action="append", default=[], metavar="NAME=URL", help="a queue that must be empty"
    )
    parser.add_argument(
        "--allow-lost", type=int, default=0, metavar="N", help="operations that may lack their event"
    )
    parser.add_argument("--json", action="store_true", help="everything as one JSON object")
    parser.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> Exit:
    """Verify, print, and give the exit status: 0 the same, 1 different."""
    place = _place(arguments)
    ledger = parse_ledger(_read(arguments.ledger))
    reader = Reader(place)
    evidence = Evidence(
        arrivals=parse_arrivals(_read(arguments.events)),
        outputs=reader.outputs(),
        items=reader.items(),
        lineage=reader.lineage(),
        queues=reader.queues(),
        wanted_types=frozenset(arguments.event_types.split(",")),
    )
    verification = verify(ledger, evidence, arguments.allow_lost)
    _print(verification, as_json=arguments.json)
    return Exit.OK if verification.ok else Exit.FINDING


def _place(arguments: argparse.Namespace) -> Place:
    scheme, _, rest = arguments.output.partition("://")
    bucket, _, prefix = rest.strip("/").partition("/")
    if scheme != "s3" or not bucket or not prefix:
        raise RejectedError(f"--output is {arguments.output!r}; it must be s3://BUCKET/PREFIX/WORKLOAD")
    queues = {}
    for entry in arguments.queue:
        name, separator, url = entry.partition("=")
        if not separator:
            raise RejectedError(f"--queue is {entry!r}; it must be NAME=URL")
        queues[name] = url
    return Place(
        bucket=bucket,
        prefix=prefix,
        state_table=arguments.state_table,
        lineage_table=arguments.lineage_table,
        queues=queues,
    )


def _read(path: Path) -> list[str]:
    try:
        # Not splitlines: it also splits at characters that JSON may have inside a text.
        return path.read_text(encoding="utf-8").split("\n")
    except OSError as exc:
        raise RejectedError(f"cannot read {path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise RejectedError(f"cannot read {path}: it is not UTF-8 ({exc})") from exc


def _print(verification: Verification, *, as_json: bool) -> None:
    if as_json:
        say(json.dumps(verification.to_dict()))
        return
    for line in lines(verification):
        say(line)
