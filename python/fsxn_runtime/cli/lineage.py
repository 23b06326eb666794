"""`fsxn lineage show`: what was done with a file, by a workload, in an execution, for an output."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from fsxn_runtime.cli import lineage_archive, lineage_openlineage, lineage_trace
from fsxn_runtime.cli.console import Exit, say, say_table
from fsxn_runtime.cli.lineage_selection import add_selectors, selected
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage import MAX_PAGE, LineageRecord, Records

_COLUMNS = ("TIME", "WORKLOAD", "ACTION", "STATUS", "MS", "FILE", "OUTPUT")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the group."""
    group = subparsers.add_parser("lineage", help="what was processed, when, by what, into what")
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    show = commands.add_parser(
        "show",
        help="show lineage records",
        description="Show lineage records of one file (newest first), one workload (oldest first), one "
        "execution or one output. Exit status 1 when there are none.",
    )
    add_selectors(show)
    show.add_argument("--limit", type=int, default=100, metavar="N", help="at most N records (100)")
    show.add_argument(
        "--after", metavar="TOKEN", help="go on behind a page, with the token that it ended with"
    )
    show.add_argument("--json", action="store_true", help="one JSON object a line")
    show.set_defaults(run=_show)
    lineage_trace.register(commands)
    lineage_archive.register(commands)
    lineage_openlineage.register(commands)


def _show(arguments: argparse.Namespace) -> Exit:
    if arguments.limit < 1:
        raise RejectedError(f"--limit is {arguments.limit}; it must be 1 or more")
    records, token = _read(selected(arguments), arguments.limit, arguments.after)
    count = _print(iter(records), as_json=arguments.json)
    if token:
        sys.stderr.write(f"there are more: --after {token}\n")
    return Exit.OK if count else Exit.FINDING


def _read(found: Records, limit: int, token: str | None) -> tuple[list[LineageRecord], str | None]:
    """Read so many records, over as many pages as that takes; give the token of what follows."""
    records: list[LineageRecord] = []
    while True:
        page = found.page(min(limit - len(records), MAX_PAGE), token)
        records += page.records
        token = page.token
        if token is None or len(records) >= limit:
            return records, token


def _print(records: Iterator[LineageRecord], *, as_json: bool) -> int:
    """Print records; give their number."""
    if as_json:
        count = 0
        for record in records:
            say(json.dumps(asdict(record), ensure_ascii=False, default=str))  # default: Decimals
            count += 1
        return count
    rows = [_row(record) for record in records]
    if not rows:
        say("no lineage records")
        return 0
    say_table([_COLUMNS, *rows])
    return len(rows)


def _row(record: LineageRecord) -> tuple[str, ...]:
    name = record.source_file_key + (f" -> {record.target_path}" if record.target_path else "")
    status = f"{record.status} ({record.reason})" if record.reason else str(record.status)
    output = ", ".join(record.output_keys) or "-"
    time = record.processing_timestamp
    return (time, record.uc_id, record.action, status, str(record.duration_ms), name, output)
