"""`fsxn guardrails`: what was used, grants, resets, settling what was left open, room of the caps."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.identity import actor_of, add_actor
from fsxn_runtime.cli.times import parse_time
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.log import set_level
from fsxn_runtime.edge.settings import text
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.expansion import ACTION_TYPES, MIB_PER_GIB, Fsx, Kind, least_step_gb, took_place
from fsxn_runtime.guardrails import (
    Alerts,
    AuditEntry,
    GuardrailOperations,
    GuardrailSettings,
    GuardrailStore,
    Reservation,
)

_TYPES = tuple(ACTION_TYPES.values())


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the group."""
    group = subparsers.add_parser(
        "guardrails", help="limits on growth: use, grants, resets, open actions, room of the caps"
    )
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)

    status = _command(commands, "status", _status, "show today's use, failures and the live grant")
    _add_types(status)
    history = _command(
        commands, "history", _history, "show the audit, newest first; exit status 1 when empty"
    )
    history.add_argument("--type", default=_TYPES[0], metavar="TYPE", help="action type, or BREAK_GLASS")
    history.add_argument("--since", metavar="TIME", help="2026-01-31, 2026-01-31T12:00, or 30m, 6h, 7d ago")
    history.add_argument("--limit", type=int, default=100, metavar="N", help="at most N entries (100)")

    grant = _command(commands, "break-glass", _break_glass, "let denied actions pass for a while")
    grant.add_argument("--reason", required=True, help="why, or the ticket")
    grant.add_argument("--minutes", type=minutes, default=60.0, metavar="N", help="0.5 to 240 (60)")
    revert = _command(commands, "revert", _revert, "end the live grant now; exit status 1 when there is none")
    reset = _command(commands, "reset", _reset, "forget today's use, the cooldown and the failures of a type")
    reset.add_argument("--type", required=True, metavar="TYPE", help="action type")
    reset.add_argument("--reason", required=True, help="why, or the ticket")
    for command in (grant, revert, reset):
        add_actor(command)
        command.add_argument("--topic", metavar="ARN", help="alerts (default: GUARDRAIL_SNS_TOPIC_ARN)")

    reconcile = _command(
        commands,
        "reconcile",
        _reconcile,
        "settle open actions by what FSx shows; exit status 1 when some stay",
    )
    _add_types(reconcile)
    reconcile.add_argument("--dry-run", action="store_true", help="show, change nothing")
    reconcile.add_argument("--executed", action="append", default=[], metavar="ID", help="this one ran")
    reconcile.add_argument(
        "--not-executed", action="append", default=[], metavar="ID", help="this one did not"
    )
    reconcile.add_argument(
        "--log", metavar="FILE", help="log lines of actions that ran without the store, to write down"
    )

    preflight = _command(
        commands,
        "preflight",
        _preflight,
        "say whether the daily cap leaves room for the least growth of a file system, 10 %; exit status 1 "
        "when it does not, or there is none",
        table=False,
    )
    preflight.add_argument(
        "file_systems",
        nargs="*",
        metavar="FILE_SYSTEM",
        help="fs-... (default: every ONTAP file system). The caps are GUARDRAIL_DAILY_CAP_GB and "
        "GUARDRAIL_DAILY_CAPS_GB, as the expand function has them",
    )


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Any,
    words: str,
    *,
    table: bool = True,
) -> argparse.ArgumentParser:
    description = (words[0].upper() + words[1:] + ".").replace("%", "%%")
    command = commands.add_parser(name, help=words.replace("%", "%%"), description=description)
    if table:
        command.add_argument("--table", metavar="NAME", help="guardrail table (default: GUARDRAIL_TABLE)")
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    command.set_defaults(run=run)
    return command


def _add_types(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--type", action="append", metavar="TYPE", help=f"action type (default: {', '.join(_TYPES)})"
    )


def _operations(arguments: argparse.Namespace) -> GuardrailOperations:
    set_level("ERROR")  # alerts and unreadable lines are log lines elsewhere; here they would mix with output
    table = arguments.table or text(os.environ, "GUARDRAIL_TABLE")
    topic = getattr(arguments, "topic", None) or text(os.environ, "GUARDRAIL_SNS_TOPIC_ARN", "")
    if "topic" in arguments and not topic:
        sys.stderr.write("fsxn: nobody is told of this: no --topic and no GUARDRAIL_SNS_TOPIC_ARN\n")
    return GuardrailOperations(
        GuardrailStore(client("dynamodb"), table), Alerts(client("sns", is_brief=True), topic)
    )


def _status(arguments: argparse.Namespace) -> Exit:
    operations = _operations(arguments)
    grant = operations.live_grant()
    for action_type in arguments.type or _TYPES:
        state = operations.status(action_type)
        opened = len(operations.open_reservations(action_type))
        last = None if state.last_action_us is None else format_timestamp(state.last_action_us)
        if arguments.json:
            row = {"action_type": action_type, "day": state.day, "daily_total_gb": float(state.total_gb)}
            row |= {"action_count": state.count, "last_action_ts": last, "failures": state.failures}
            say(json.dumps(row | {"open": opened}))
        else:
            say(
                f"{action_type}: {state.count} actions, {state.total_gb.normalize():f} GiB on {state.day}; "
                f"last {last or 'never'}; failures in a row {state.failures}; open {opened}"
            )
    if arguments.json:
        say(json.dumps({"grant": None if grant is None else asdict(grant)}))
    elif grant is None:
        say("no live grant")
    else:
        say(f"live grant until {format_timestamp(grant.expires_us)} for {grant.actor}: {grant.reason}")
    return Exit.OK


def _history(arguments: argparse.Namespace) -> Exit:
    if arguments.limit < 1:
        raise RejectedError(f"--limit is {arguments.limit}; it must be 1 or more")
    since = parse_time(arguments.since, datetime.now(UTC)) if arguments.since else ""
    entries = islice(_operations(arguments).history(arguments.type, since), arguments.limit)
    return _print(entries, as_json=arguments.json)


def _print(entries: Iterable[AuditEntry], *, as_json: bool) -> Exit:
    found = False
    for entry in entries:
        found = True
        action = entry.action
        at, size = format_timestamp(action.at_us), f"{action.requested_gb.normalize():f}"
        if as_json:
            row = {"at": at, "action_type": action.action_type, "action_id": action.action_id}
            row |= {"verdict": entry.verdict, "reason": entry.reason, "outcome": entry.outcome}
            say(
                json.dumps(row | {"mode": action.mode, "requested_gb": size, "context": dict(action.context)})
            )
            continue
        said = f"{entry.verdict} ({entry.reason})" if entry.reason else str(entry.verdict)
        context = " ".join(f"{name}={value}" for name, value in sorted(action.context.items()) if value)
        line = f"{at}  {said}  {entry.outcome}  {size} GiB  {action.mode}  {action.action_id}  {context}"
        say(line.rstrip())
    if not found and not as_json:
        say("no entries")
    return Exit.OK if found else Exit.FINDING


def minutes(text: str) -> float:
    """Read minutes, which may have a fraction. Raises ValueError for what is no number."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of minutes")
    return number


def _break_glass(arguments: argparse.Namespace) -> Exit:
    grant = _operations(arguments).break_glass(
        actor=actor_of(arguments), reason=arguments.reason, seconds=round(arguments.minutes * 60)
    )
    until = format_timestamp(grant.expires_us)
    say(json.dumps(asdict(grant)) if arguments.json else f"granted until {until} ({grant.grant_id})")
    return Exit.OK


def _revert(arguments: argparse.Namespace) -> Exit:
    grant = _operations(arguments).revert(actor=actor_of(arguments))
    if arguments.json:
        say(json.dumps({"reverted": None if grant is None else grant.grant_id}))
    else:
        say("no live grant" if grant is None else f"ended {grant.grant_id}")
    return Exit.FINDING if grant is None else Exit.OK


def _reset(arguments: argparse.Namespace) -> Exit:
    done = _operations(arguments).reset(arguments.type, actor=actor_of(arguments), reason=arguments.reason)
    if arguments.json:
        say(json.dumps({"action_type": arguments.type, "reset": done}))
    else:
        say(f"reset {arguments.type}" if done else f"{arguments.type} has never been used")
    return Exit.OK if done else Exit.FINDING


def _reconcile(arguments: argparse.Namespace) -> Exit:
    operations = _operations(arguments)
    if arguments.log and not arguments.dry_run:
        with Path(arguments.log).open(encoding="utf-8", errors="replace") as lines:
            new, known = operations.write_down(lines)
        say(
            json.dumps({"written": new, "known": known})
            if arguments.json
            else f"written {new}, known {known}"
        )
    left = 0
    for action_type in arguments.type or _TYPES:
        for reservation in operations.open_reservations(action_type):
            executed = _look(reservation, arguments)
            if executed is None:
                left += 1
            elif not arguments.dry_run:
                operations.settle(reservation, executed=executed)
            _say_settled(reservation, executed, as_json=arguments.json)
    return Exit.FINDING if left else Exit.OK


def _preflight(arguments: argparse.Namespace) -> Exit:
    action_type = ACTION_TYPES[Kind.FILE_SYSTEM]
    # Only the caps are asked for: whoever plans a root may not have a table yet.
    settings = GuardrailSettings.from_env(dict(os.environ, GUARDRAIL_TABLE="none"))
    cap = int(settings.limits(action_type).daily_cap_gb)
    fsx = Fsx(client("fsx"))
    found = [fsx.file_system(name) for name in arguments.file_systems] or list(fsx.file_systems())
    all_fit = bool(found)
    for resource in found:
        size = resource.size_mib // MIB_PER_GIB
        step = least_step_gb(size)
        fits = step <= cap
        all_fit &= fits
        if arguments.json:
            row = {"file_system_id": resource.resource_id, "name": resource.name, "size_gb": size}
            say(json.dumps(row | {"step_gb": step, "cap_gb": cap, "fits": fits}))
        else:
            words = "fits" if fits else "is above"
            say(
                f"{resource.resource_id}  {size} GiB: a step of 10 %, {step} GiB, {words} the daily cap of "
                f"{action_type}, {cap} GiB"
            )
    if not found and not arguments.json:
        say("no file systems")
    return Exit.OK if all_fit else Exit.FINDING


def _look(reservation: Reservation, arguments: argparse.Namespace) -> bool | None:
    """Say whether an action took place: by the operator's word, or by what FSx shows; None: not known yet."""
    action = reservation.action
    if action.action_id in arguments.executed:
        return True
    if action.action_id in arguments.not_executed:
        return False
    context = action.context
    if not {"kind", "resource_id", "from_mib", "to_mib"} <= context.keys():
        return None
    try:
        resource = Fsx(client("fsx")).describe(Kind(context["kind"]), context["resource_id"])
    except RejectedError:
        return None  # deleted since: only a person knows
    return took_place(resource, int(context["from_mib"]), int(context["to_mib"]), action.at_us, now_us())


def _say_settled(reservation: Reservation, executed: bool | None, *, as_json: bool) -> None:
    action = reservation.action
    word = {True: "executed", False: "not executed", None: "open"}[executed]
    if as_json:
        say(json.dumps({"action_type": action.action_type, "action_id": action.action_id, "found": word}))
    else:
        say(f"{action.action_type}  {action.action_id}  {format_timestamp(action.at_us)}  {word}")
