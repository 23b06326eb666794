"""`fsxn forecast`: when capacity will be full, as a table or a picture. Reads only, tells nobody."""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from fsxn_runtime.cli.console import Exit, say, say_table
from fsxn_runtime.cli.forecast_chart import svg, terminal
from fsxn_runtime.cli.forecast_png import png
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.settings import text
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.forecast import Forecast, Inventory, Outcome, Usage, forecast, look_ahead
from fsxn_runtime.report import Chart

_US_PER_DAY = 86_400_000_000
_PICTURES: Mapping[str, Callable[[Chart], bytes]] = {".png": png, ".svg": lambda chart: svg(chart).encode()}
_COLUMNS = (
    "RESOURCE",
    "NAME",
    "USED",
    "CAPACITY",
    "PERCENT",
    "A DAY",
    "DAYS",
    "EARLIEST",
    "LATEST",
    "METHOD",
)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the group."""
    group = subparsers.add_parser("forecast", help="when the SSD tier, volumes and inodes will be full")
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    show = commands.add_parser(
        "show",
        help="forecast everything of a file system",
        description="Forecast everything of a file system, the first to be full on top. EARLIEST and LATEST "
        "hold the day with 90 % probability. Exit status 1 when something is full within the threshold.",
    )
    show.add_argument("--threshold", type=int, default=30, metavar="DAYS", help="days until full (30)")
    show.add_argument("--json", action="store_true", help="one JSON object a line")
    show.set_defaults(run=_show)
    plot = commands.add_parser(
        "plot",
        help="draw one resource's usage and forecast",
        description="Draw usage, capacity, forecast and its 90 % interval in the terminal, or as PNG or SVG.",
    )
    plot.add_argument(
        "resource", metavar="RESOURCE", help="as `show` names it: ssd, fsvol-..., fsvol-.../files"
    )
    plot.add_argument("--days", type=int, default=30, metavar="N", help="days to look ahead (30)")
    plot.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write a picture instead: .png or .svg"
    )
    plot.set_defaults(run=_plot)
    for parser in (show, plot):
        parser.add_argument("--file-system", metavar="ID", help="file system (default: FILE_SYSTEM_ID)")
        parser.add_argument("--lookback", type=int, default=30, metavar="DAYS", help="days looked at (30)")


def _read(arguments: argparse.Namespace) -> tuple[float, list[Usage]]:
    """Read the file system's usages; give them with the time (days since 1970)."""
    if not 1 <= arguments.lookback <= 455:
        raise RejectedError(f"--lookback is {arguments.lookback}; it must be 1 to 455")
    file_system_id = arguments.file_system or text(os.environ, "FILE_SYSTEM_ID")
    now = now_us() / _US_PER_DAY
    inventory = Inventory(client("fsx"), client("cloudwatch"), file_system_id)
    return now, inventory.usages(now, arguments.lookback)


def _show(arguments: argparse.Namespace) -> Exit:
    if arguments.threshold < 1:
        raise RejectedError(f"--threshold is {arguments.threshold}; it must be 1 or more")
    now, usages = _read(arguments)
    found = [forecast(usage, now, 0) for usage in usages]
    found.sort(key=lambda one: one.days_until_full if one.available else math.inf)
    if arguments.json:
        for one in found:
            say(json.dumps(one.to_dict()))
    else:
        say_table([_COLUMNS, *(_row(one) for one in found)])
    near = any(one.available and one.days_until_full <= arguments.threshold for one in found)
    return Exit.FINDING if near else Exit.OK


def _plot(arguments: argparse.Namespace) -> Exit:
    if not 1 <= arguments.days <= 3650:
        raise RejectedError(f"--days is {arguments.days}; it must be 1 to 3650")
    if arguments.output and arguments.output.suffix not in _PICTURES:
        raise RejectedError(f"--output is {arguments.output}; it must end in {' or '.join(_PICTURES)}")
    now, usages = _read(arguments)
    by_key = {usage.resource.key: usage for usage in usages}
    if arguments.resource not in by_key:
        raise RejectedError(f"RESOURCE is {arguments.resource!r}; there are {', '.join(by_key)}")
    usage = by_key[arguments.resource]
    found = forecast(usage, now, 0)
    chart = Chart(
        title=_summary(found),
        unit=usage.resource.unit,
        used=usage.used,
        capacity=usage.capacity,
        ahead=look_ahead(usage, found, arguments.days),
    )
    if not chart.used:
        say(f"{usage.resource.key}: no data")
        return Exit.FINDING
    if arguments.output:
        try:
            arguments.output.write_bytes(_PICTURES[arguments.output.suffix](chart))
        except OSError as exc:
            raise RejectedError(f"cannot write {arguments.output}: {exc.strerror}") from exc
    else:
        for line in terminal(chart):
            say(line)
    return Exit.OK


def _summary(found: Forecast) -> str:
    """Say in one line what the forecast is."""
    name = f"{found.resource.key} ({found.resource.name})"
    if found.outcome is Outcome.FORECAST:
        return f"{name}: full in {_days(found.days_until_full)} days, by {found.method}"
    return f"{name}: {found.outcome.replace('_', ' ')}"


def _row(found: Forecast) -> tuple[str, ...]:
    known = found.capacity > 0
    is_words = found.outcome is Outcome.NEARLY_FULL or not found.available
    return (
        found.resource.key,
        found.resource.name,
        f"{found.used:.1f} {found.resource.unit}",
        f"{found.capacity:.1f}" if known else "-",
        f"{found.current_usage_pct:.1f}" if known else "-",
        f"{found.growth_per_day:+.2f}" if found.method else "-",
        found.outcome.replace("_", " ") if is_words else _days(found.days_until_full),
        _days(found.earliest_days),
        _days(found.latest_days),
        found.method or "-",
    )


def _days(days: float | None) -> str:
    return "-" if days is None else f"{days:.1f}"
