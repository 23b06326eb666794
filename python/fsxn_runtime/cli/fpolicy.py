"""`fsxn fpolicy`: what is wanted of ONTAP, what it shows, and a run of the reconciler by hand.

Everything goes through the reconcile function, which is in the VPC where ONTAP can be reached.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from typing import Any, Final

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.function import invoke
from fsxn_runtime.edge.settings import text
from fsxn_runtime.events import format_timestamp

# A store this full is a finding, as the alarm has it.
_STORE_PCT: Final = 70
_GOOD_STATES: Final = {"connected", "off"}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the group."""
    group = subparsers.add_parser("fpolicy", help="ONTAP's FPolicy side: status, reconcile")
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    words = "show what is wanted and what ONTAP shows; exit status 1 when they differ"
    _add(commands, "status", words, _status)
    words = "let the reconciler run now; exit status 1 when something is missing afterwards"
    _add(commands, "reconcile", words, _reconcile)


def _add(commands: Any, name: str, words: str, run: Any) -> None:
    command = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
    command.add_argument(
        "--function", metavar="NAME", help="reconcile function (default: RECONCILE_FUNCTION)"
    )
    command.add_argument("--json", action="store_true", help="the function's answer as it is")
    command.set_defaults(run=run)


def _ask(arguments: argparse.Namespace, action: str) -> dict[str, Any]:
    function = arguments.function or text(os.environ, "RECONCILE_FUNCTION")
    answer: dict[str, Any] = invoke(function, {"action": action})
    if arguments.json:
        say(json.dumps(answer))
    elif not answer["svms"]:
        say("no SVM is wanted")
    return answer


def _status(arguments: argparse.Namespace) -> Exit:
    answer = _ask(arguments, "status")
    if not arguments.json:
        for task in answer["tasks"]:
            say(f"task {task['address']}  {task['probe']}")
        for svm in answer["svms"]:
            for line in svm_lines(svm):
                say(line)
    return Exit.OK if answer["svms"] and all(is_well(svm) for svm in answer["svms"]) else Exit.FINDING


def _reconcile(arguments: argparse.Namespace) -> Exit:
    answer = _ask(arguments, "reconcile")
    if not arguments.json:
        for svm in answer["svms"]:
            steps = ", ".join(svm["steps"]) or "nothing to do"
            say(f"{svm['svm']}  {svm['state']}  servers {_listed(svm['servers'])}  {steps}")
    good = all(svm["state"] in _GOOD_STATES for svm in answer["svms"])
    return Exit.OK if answer["svms"] and good else Exit.FINDING


def is_well(svm: Mapping[str, Any]) -> bool:
    """Say whether an SVM is as wanted: switch, servers, connections, and a store with room."""
    if not svm["wanted_enabled"]:
        return not svm["enabled"]
    as_wanted = svm["enabled"] is True and svm["engine_servers"] == svm["servers"]
    roomy = svm["store_used_pct"] is None or svm["store_used_pct"] < _STORE_PCT
    return as_wanted and svm["missing"] == 0 and roomy


def svm_lines(svm: Mapping[str, Any]) -> list[str]:
    """Write an SVM for a person: wanted against seen, connections by node, store, since when."""
    wanted, seen = _switch(svm["wanted_enabled"]), _switch(svm["enabled"])
    lines = [
        f"{svm['svm']}  {'as wanted' if is_well(svm) else 'NOT AS WANTED'}",
        f"  policy   wanted {wanted}, is {seen}, priority {svm['priority']}",
        f"  servers  wanted {_listed(svm['servers'])}, engine names {_listed(svm['engine_servers'] or [])}",
    ]
    for link in svm["links"]:
        state = "connected" if link["is_connected"] else f"disconnected: {link['reason'] or 'no reason'}"
        lines.append(f"  node {link['node']}  {link['server']}  {state}")
    if svm["guard_enabled"]:
        lines.append("  guard    enabled: a change is under way")
    if svm["store"]:
        used = svm["store_used_pct"]
        lines.append(f"  store    {svm['store']}, {'fill unknown' if used is None else f'{used} % used'}")
    for name, words in (("lost_us", "a connection is missing since"), ("all_there_us", "all there at")):
        if svm[name]:
            lines.append(f"  {words} {format_timestamp(svm[name])}")
    return lines


def _switch(is_on: bool | None) -> str:
    return "absent" if is_on is None else "enabled" if is_on else "disabled"


def _listed(addresses: list[str]) -> str:
    return " ".join(addresses) or "none"
