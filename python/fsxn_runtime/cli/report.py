"""`fsxn report`: a period, or a run of the laboratory, as one HTML file. Reads only."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.times import parse_time
from fsxn_runtime.cost import Configuration, read_plan
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.settings import metric_namespace, text
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import parse_timestamp
from fsxn_runtime.expansion import ACTION_TYPES
from fsxn_runtime.forecast import Inventory
from fsxn_runtime.guardrails import GuardrailStore
from fsxn_runtime.lineage_export import Rows
from fsxn_runtime.report import (
    Period,
    collect,
    count_lineage,
    failed,
    read_dashboards,
    read_growth,
    read_incidents,
    read_objectives,
    read_outlook,
    read_replays,
    read_spending,
    render,
)
from fsxn_runtime.slo import kept_seconds

# A name's link may only lead to a web page or a file: no other scheme.
_RUNBOOKS: Final = re.compile(r"https?://\S+|(?![a-zA-Z][a-zA-Z0-9+.-]*:)\S+")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `report`."""
    parser = subparsers.add_parser(
        "report",
        help="draw a period or a run as one HTML file",
        description="Draw a period as one HTML file that opens from disk: objectives, incidents, replays, "
        "lineage, forecast, guardrail ledger, dashboards. What cannot be read is named with its reason, and "
        "the rest is there. Exit status 1 when a part could not be read, 3 when none could. With --run draw "
        "what was collected before.",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--from",
        dest="start",
        default="7d",
        metavar="TIME",
        help="2026-01-31, 2026-01-31T12:00, or 30m, 6h, 7d ago (7d)",
    )
    which.add_argument(
        "--run",
        dest="run_file",
        type=Path,
        metavar="FILE",
        help="what --json printed, or a run such as run.json",
    )
    parser.add_argument("--to", dest="end", metavar="TIME", help="the same forms (now); not in the period")
    parser.add_argument(
        "-o", "--out", dest="output", type=Path, metavar="FILE", help="the HTML file to write"
    )
    parser.add_argument("--json", action="store_true", help="print what was collected as one JSON object")
    parser.add_argument("--title", metavar="TEXT", help="the page's title (the prefix)")
    parser.add_argument(
        "--prefix",
        default="fsxn-s3ap",
        metavar="NAME",
        help="alarms and dashboards whose names begin so (fsxn-s3ap)",
    )
    parser.add_argument("--file-system", metavar="ID", help="file system (default: FILE_SYSTEM_ID)")
    parser.add_argument("--lineage-table", metavar="NAME", help="lineage table (default: LINEAGE_TABLE)")
    parser.add_argument("--guardrail-table", metavar="NAME", help="its table (default: GUARDRAIL_TABLE)")
    parser.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="output of terraform show -json: cost also of what stands there (only of traffic)",
    )
    parser.add_argument(
        "--runbooks",
        default="",
        metavar="URL",
        help="where docs/runbooks lies: makes links of incidents' names",
    )
    parser.set_defaults(run=_report)


def _report(arguments: argparse.Namespace) -> Exit:
    if arguments.output is None and not arguments.json:
        raise RejectedError("give -o FILE for the page, --json for the data, or both")
    if arguments.runbooks and not _RUNBOOKS.fullmatch(arguments.runbooks):
        raise RejectedError(f"--runbooks is {arguments.runbooks!r}; it must be a web address or a path")
    data = _read(arguments.run_file) if arguments.run_file else _collect(arguments)
    if arguments.output is not None:
        page = render(data, runbooks=arguments.runbooks)
        try:
            arguments.output.write_text(page, encoding="utf-8")
        except OSError as exc:
            raise RejectedError(f"cannot write {exc.filename}: {exc.strerror}") from exc
    if arguments.json:
        say(json.dumps(data))
    return _status(data) if not arguments.run_file else Exit.OK


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as exc:
        raise RejectedError(f"{exc.filename}: {exc.strerror}") from exc
    except ValueError as exc:
        raise RejectedError(f"{file} is not JSON: {exc}") from exc
    if not isinstance(data, dict):
        raise RejectedError(f"{file} is {type(data).__name__}; it must be an object")
    return data


def _status(data: Mapping[str, Any]) -> Exit:
    """Name the parts that could not be read; say how the command ends."""
    missing = failed(data)
    for name, why in missing.items():
        sys.stderr.write(f"fsxn: {name}: {why}\n")
    if not missing:
        return Exit.OK
    return (
        Exit.FINDING if any(part["state"] == "there" for part in data["parts"].values()) else Exit.UNREACHABLE
    )


def _collect(arguments: argparse.Namespace) -> dict[str, Any]:
    now = now_us() // 1_000_000 + 1  # the second that runs is in
    period = Period(*(_seconds(given, now) for given in (arguments.start, arguments.end or "0m")))
    if not period.seconds > 0:
        raise RejectedError("--to must be after --from")
    if period.end > now:
        raise RejectedError("--to is in the future; it must be now or before")
    title = arguments.title or arguments.prefix
    return collect(title, period, now, _parts(arguments, period, now))


def _seconds(given: str, now: int) -> int:
    return parse_timestamp(parse_time(given, datetime.fromtimestamp(now, UTC))) // 1_000_000


def _parts(arguments: argparse.Namespace, period: Period, now: int) -> dict[str, Callable[[], Any] | str]:
    """Give how each part is collected, or why it is left out."""
    prefix = arguments.prefix
    lineage = arguments.lineage_table or text(os.environ, "LINEAGE_TABLE", "")
    guardrail = arguments.guardrail_table or text(os.environ, "GUARDRAIL_TABLE", "")
    system = arguments.file_system or text(os.environ, "FILE_SYSTEM_ID", "")
    namespace = metric_namespace(os.environ)
    length = kept_seconds(period.start, now)
    deployed = read_plan(_read(arguments.plan)) if arguments.plan else Configuration()
    return {
        "objectives": lambda: read_objectives(client("cloudwatch"), period),
        "incidents": lambda: read_incidents(client("cloudwatch"), prefix, period),
        "replays": lambda: read_replays(client("cloudwatch"), namespace, period, length),
        "lineage": (lambda: count_lineage(Rows(client("dynamodb"), lineage).of_hour, period))
        if lineage
        else "no table: give --lineage-table or LINEAGE_TABLE",
        "forecast": (lambda: read_outlook(Inventory(client("fsx"), client("cloudwatch"), system), period.end))
        if system
        else "no file system: give --file-system or FILE_SYSTEM_ID",
        "guardrails": (
            lambda: read_growth(
                GuardrailStore(client("dynamodb"), guardrail), tuple(ACTION_TYPES.values()), period
            )
        )
        if guardrail
        else "no table: give --guardrail-table or GUARDRAIL_TABLE",
        "cost": lambda: read_spending(
            client("cloudwatch"), namespace, period, length, client("cloudwatch").meta.region_name, deployed
        ),
        "dashboards": lambda: read_dashboards(client("cloudwatch"), prefix, period),
    }
