"""`fsxn lineage trace`: from a file to its outputs, from an output back to its inputs."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.lineage_graph import svg
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.settings import text
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage import Edge, LineageStore, Trace, trace


def register(commands: Any) -> None:
    """Add the command."""
    words = "follow a file to its outputs, and an output back to its inputs"
    command = commands.add_parser(
        "trace", help=words, description=f"{words.capitalize()}. Exit status 1 when nothing is known of it."
    )
    command.add_argument("thing", metavar="FILE_OR_OUTPUT", help="/vol1/legal/a.pdf, or an output's key")
    command.add_argument("--depth", type=int, default=3, metavar="N", help="steps in each direction (3)")
    command.add_argument("--limit", type=int, default=200, metavar="N", help="at most N lines (200)")
    command.add_argument("--table", metavar="NAME", help="lineage table (default: LINEAGE_TABLE)")
    how = command.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="one JSON object")
    how.add_argument("--svg", type=Path, metavar="FILE", help="write a picture instead")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> Exit:
    table = arguments.table or text(os.environ, "LINEAGE_TABLE")
    found = trace(LineageStore(client("dynamodb"), table), arguments.thing, arguments.depth, arguments.limit)
    if arguments.svg:
        _write(arguments.svg, svg(found))
    elif arguments.json:
        say(json.dumps(asdict(found), ensure_ascii=False, default=str))
    else:
        for line in lines(found):
            say(line)
    return Exit.OK if found.edges else Exit.FINDING


def _write(file: Path, picture: str) -> None:
    try:
        file.write_text(picture, encoding="utf-8")
    except OSError as exc:
        raise RejectedError(f"the picture cannot be written: {exc}", code="wrong_output") from exc


def lines(found: Trace) -> Iterator[str]:
    """Draw a trace: what it came from with <-, what was made of it with ->, each step indented."""
    yield found.thing
    if not found.edges:
        yield "  nothing is known of it"
    for edge in found.edges:
        yield "  " * edge.steps + _step(edge)
    if found.is_cut:
        yield "  ... and more: give a higher --limit"


def _step(edge: Edge) -> str:
    record = edge.record
    status = f"{record.status} ({record.reason})" if record.reason else str(record.status)
    by = f"{record.uc_id} {record.action} {status} {record.processing_timestamp}"
    if edge.is_upstream:
        return f"<- {record.source_file_key}  [{by}]"
    return f"-> {edge.output or '(no output)'}  [{by}]"
