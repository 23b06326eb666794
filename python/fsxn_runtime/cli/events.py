"""`fsxn events`: what happened to file events."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from fsxn_runtime.cli import backfill, pause, redrive, rules, storm
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
    queue_depths,
    render,
    verify,
)

# What a workload asks for unless its scope says otherwise (modules/workload, scope.event_types).
DEFAULT_EVENT_TYPES = "FILE_CLOSE,FILE_CREATE,FILE_DELETE,FILE_RENAME,FILE_WRITE"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the group `events`."""
    group = subparsers.add_parser(
        "events",
        help="file events: backfill, dead letters, rules, storms, and proof that what happened arrived",
    )
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    backfill.register(commands)
    pause.register(commands)
    redrive.register(commands)
    rules.register(commands)
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
    parser.add_argument(
        "--output",
        help="s3://BUCKET/PREFIX/WORKLOAD that holds the reports; without it only delivery is compared",
    )
    parser.add_argument("--state-table", help="the workload's state table (with --output)")
    parser.add_argument("--lineage-table", help="the lineage table (with --output)")
    parser.add_argument("--event-types", default=DEFAULT_EVENT_TYPES, help="types the workload asks for")
    parser.add_argument(
        "--queue", action="append", default=[], metavar="NAME=URL", help="a queue that must be empty"
    )
    parser.add_argument(
        "--allow-lost", type=int, default=0, metavar="N", help="operations that may lack their event"
    )
    parser.add_argument(
        "--scope", metavar="PATH", help="compare only what is below this folder (without --output)"
    )
    parser.add_argument(
        "--match",
        choices=("time", "path"),
        default="time",
        help="how an event is known to be an operation's: by time and path (%(default)s), or by path alone, "
        "for storage that stamps replayed or doubled events anew",
    )
    parser.add_argument("--json", action="store_true", help="everything as one JSON object")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="also draw it as one HTML file")
    parser.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> Exit:
    """Verify, print, draw, and give the exit status: 0 the same, 1 different."""
    place = _place(arguments)
    queues = _queues(arguments.queue)
    ledger = parse_ledger(_read(arguments.ledger))
    if arguments.scope is not None:
        ledger = replace(ledger, scope=arguments.scope.rstrip("/"))
    wanted_types = frozenset(arguments.event_types.split(","))
    evidence = Evidence(
        arrivals=parse_arrivals(_read(arguments.events)),
        queues=queue_depths(queues),
        work=None if place is None else Reader(place).work(wanted_types),
    )
    verification = verify(ledger, evidence, arguments.allow_lost, by_time=arguments.match == "time")
    _print(verification, as_json=arguments.json)
    if arguments.chart is not None:
        _draw(verification, arguments.chart, title=str(arguments.ledger))
    return Exit.OK if verification.ok else Exit.FINDING


def _place(arguments: argparse.Namespace) -> Place | None:
    if arguments.output is None:
        return None
    if arguments.scope is not None:
        raise RejectedError("--scope goes without --output: work is not kept by folder")
    scheme, _, rest = arguments.output.partition("://")
    bucket, _, prefix = rest.strip("/").partition("/")
    if scheme != "s3" or not bucket or not prefix:
        raise RejectedError(f"--output is {arguments.output!r}; it must be s3://BUCKET/PREFIX/WORKLOAD")
    if not (arguments.state_table and arguments.lineage_table):
        raise RejectedError("--output needs --state-table and --lineage-table of the same workload")
    return Place(
        bucket=bucket,
        prefix=prefix,
        state_table=arguments.state_table,
        lineage_table=arguments.lineage_table,
    )


def _queues(entries: Iterable[str]) -> dict[str, str]:
    queues = {}
    for entry in entries:
        name, separator, url = entry.partition("=")
        if not separator:
            raise RejectedError(f"--queue is {entry!r}; it must be NAME=URL")
        queues[name] = url
    return queues


def _draw(verification: Verification, path: Path, title: str) -> None:
    page = render({"title": title, "verification": verification.to_dict()})
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as exc:
        raise RejectedError(f"cannot write {path}: {exc.strerror}") from exc


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
