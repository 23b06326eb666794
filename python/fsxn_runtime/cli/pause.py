"""`fsxn events status|pause|resume`: the switches of workloads, and what waits behind them."""

from __future__ import annotations

import argparse
import json
from typing import Any

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.redrive import add_prefix
from fsxn_runtime.edge.clients import client
from fsxn_runtime.pause import Backlog, Backlogs, Mapping, Mappings, Switch, Switcher, hours_left


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the group `events`."""
    status = _add(
        commands,
        "status",
        _status,
        "show whether workloads run and what waits for them; exit status 1 when one is paused or has dead "
        "letters",
    )
    status.add_argument("workload", nargs="?", metavar="WORKLOAD", help="only this one")
    status.add_argument("--json", action="store_true", help="one JSON object a line")
    pause = _add(
        commands,
        "pause",
        _turn,
        "stop beginning new work of a workload; its events go on being kept in its queue, for 14 days. What "
        "has begun is finished, retries included",
    )
    pause.set_defaults(on=False)
    resume = _add(commands, "resume", _turn, "go on where pause stopped, oldest events included")
    resume.set_defaults(on=True)
    for command in (pause, resume):
        command.add_argument("workload", metavar="WORKLOAD")


def _add(commands: Any, name: str, run: Any, words: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=words.partition(";")[0], description=f"{words[0].upper()}{words[1:]}."
    )
    add_prefix(command)
    command.set_defaults(run=run)
    return command


def _turn(arguments: argparse.Namespace) -> Exit:
    switcher = Switcher(Mappings(client("lambda"), arguments.prefix))
    turned = switcher.turn(arguments.workload, on=arguments.on)
    word = Switch.ON if arguments.on else Switch.OFF
    say(f"{arguments.workload} is {word}" + ("" if turned else " already"))
    return Exit.OK


def _status(arguments: argparse.Namespace) -> Exit:
    mappings = Mappings(client("lambda"), arguments.prefix)
    backlogs = Backlogs(client("sqs"), client("cloudwatch"), arguments.prefix)
    found = [mappings.of(arguments.workload)] if arguments.workload else list(mappings.all())
    is_well = True
    for mapping in sorted(found, key=lambda each: each.workload):
        backlog = backlogs.of(mapping.workload)
        is_well &= mapping.switch is not Switch.OFF and backlog.dead_letters == 0
        say(_row(mapping, backlog) if arguments.json else _line(mapping, backlog))
    if not found and not arguments.json:
        say(f"no workloads below {arguments.prefix}")
    return Exit.OK if is_well else Exit.FINDING


def _row(mapping: Mapping, backlog: Backlog) -> str:
    left = hours_left(backlog)
    return json.dumps(
        {
            "workload": mapping.workload,
            "switch": mapping.switch,
            "since": mapping.since,
            "waiting": backlog.waiting,
            "in_flight": backlog.in_flight,
            "dead_letters": backlog.dead_letters,
            "oldest_seconds": backlog.oldest_seconds,
            "retention_seconds": backlog.retention_seconds,
            "hours_left": None if left is None else round(left, 1),
        }
    )


def _line(mapping: Mapping, backlog: Backlog) -> str:
    left = hours_left(backlog)
    age = "" if left is None else f", oldest {backlog.oldest_seconds} s: {left:.0f} h until it is dropped"
    return (
        f"{mapping.workload}  {mapping.switch} since {mapping.since}  "
        f"{backlog.waiting} waiting{age}, {backlog.in_flight} in flight, {backlog.dead_letters} dead letters"
    )
