"""`fsxn expansion`: growth that is proposed, running or done, and a person's word about it.

Approving is a call of the expand function under the caller's own identity: who may approve is who may invoke
it, and CloudTrail knows who did (docs/decisions/0006-approval-by-command.md).
"""

from __future__ import annotations

import argparse
import json
import os
import uuid
from dataclasses import asdict

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.function import invoke
from fsxn_runtime.cli.identity import actor_of, add_actor
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.settings import text
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.expansion import OperationStore

# What the function answers when it did, or will do, what was asked.
_GOOD = {
    "approve": {"approved", "started"},
    "reject": {"rejected"},
    "grow": {"started", "proposed", "nothing"},
}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the group."""
    group = subparsers.add_parser("expansion", help="guarded growth: list, approve, reject, ask")
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    words = "show operations of the last 90 days, oldest first; exit status 1 when there are none"
    show = commands.add_parser("list", help=words, description=words.capitalize() + ".")
    show.add_argument("--open", action="store_true", help="only what waits for approval or for its result")
    show.add_argument("--table", metavar="NAME", help="table of operations (default: EXPANSION_TABLE)")
    show.add_argument("--json", action="store_true", help="one JSON object a line")
    show.set_defaults(run=_list)
    for action, meaning in (("approve", "carry out a proposal"), ("reject", "close a proposal")):
        command = commands.add_parser(action, help=meaning, description=meaning.capitalize() + ".")
        command.add_argument("operation_id", metavar="ID")
        add_actor(command)
        _add_function(command, action)
    grow = commands.add_parser("grow", help="ask for a growth now", description="Ask for a growth now.")
    grow.add_argument("file_system_id", metavar="FILE_SYSTEM", help="fs-...")
    grow.add_argument("--volume", default="", metavar="ID", help="fsvol-..., instead of the file system")
    _add_function(grow, "grow")


def _add_function(command: argparse.ArgumentParser, action: str) -> None:
    command.add_argument("--function", metavar="NAME", help="expand function (default: EXPANSION_FUNCTION)")
    command.add_argument("--json", action="store_true", help="the function's answer as it is")
    command.set_defaults(run=_ask, action=action)


def _list(arguments: argparse.Namespace) -> Exit:
    store = OperationStore(client("dynamodb"), arguments.table or text(os.environ, "EXPANSION_TABLE"))
    found = store.open() if arguments.open else list(store.all())
    for operation in sorted(found, key=lambda operation: operation.created_us):
        if arguments.json:
            say(json.dumps({name: v for name, v in asdict(operation).items() if name != "link_hash"}))
            continue
        sizes = f"{operation.from_mib / 1024:g} -> {operation.to_mib / 1024:g} GiB"
        at = format_timestamp(operation.created_us)
        line = f"{operation.operation_id}  {at}  {operation.outcome}  {operation.resource_id}  {sizes}"
        say(f"{line}  {operation.cause}  {operation.reason}".rstrip())
    if not found and not arguments.json:
        say("no operations")
    return Exit.OK if found else Exit.FINDING


def _ask(arguments: argparse.Namespace) -> Exit:
    event: dict[str, str] = {"action": arguments.action}
    if arguments.action == "grow":
        event |= {"file_system_id": arguments.file_system_id, "volume_id": arguments.volume}
        event["request_id"] = uuid.uuid4().hex
    else:
        event |= {"operation_id": arguments.operation_id, "actor": actor_of(arguments)}
    (answer,) = invoke(arguments.function or text(os.environ, "EXPANSION_FUNCTION"), event)["answers"]
    if arguments.json:
        say(json.dumps(answer))
    else:
        parts = (answer["outcome"], answer["reason"], answer["resource_id"], answer["operation_id"])
        say("  ".join(part for part in parts if part))
    return Exit.OK if answer["outcome"] in _GOOD[arguments.action] else Exit.FINDING
