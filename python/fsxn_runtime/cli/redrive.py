"""`fsxn events redrive`: show dead letters with their reasons, and send them back."""

from __future__ import annotations

import argparse
import json
from collections import Counter

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.redrive import (
    Choice,
    Judgement,
    Kind,
    Letter,
    LetterBox,
    Outcome,
    Redriver,
    SendTo,
    find_route,
)

DEFAULT_PREFIX = "fsxn-s3ap"  # the default of every root's name_prefix
# Letters are hidden from others for two minutes while they are looked at, so a run must stay far below that.
_MOST_LETTERS = 5000
_HIGHEST_RATE = 100.0


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the group `events`."""
    parser = commands.add_parser(
        "redrive",
        help="show dead letters with their reasons; with --yes, send them back",
        description=(
            "Show what lies in a dead-letter queue and why; with --yes, send it back to the queue it came "
            "from. A letter is deleted only after the other queue has accepted it. What was refused for what "
            "it is goes back only when its reason is asked for. Exit status 0 when nothing is left that was "
            "there, else 1."
        ),
    )
    parser.add_argument("queue", metavar="QUEUE", help="a workload's name, ingestion, or quarantine")
    parser.add_argument("--yes", action="store_true", help="send them back; without it nothing is changed")
    parser.add_argument(
        "--reason", action="append", default=[], metavar="CODE", help="only letters with this reason"
    )
    parser.add_argument(
        "--limit", type=int, default=1000, metavar="N", help=f"at most N letters, 1 to {_MOST_LETTERS} (1000)"
    )
    parser.add_argument(
        "--rate", type=float, default=10.0, metavar="N", help=f"letters a second, 1 to {_HIGHEST_RATE:g} (10)"
    )
    add_prefix(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line, the last one the sums")
    parser.set_defaults(run=_redrive)


def add_prefix(parser: argparse.ArgumentParser) -> None:
    """Add --prefix, by which resources are found."""
    parser.add_argument(
        "--prefix", default=DEFAULT_PREFIX, help="the installation's name_prefix (%(default)s)"
    )


def _redrive(arguments: argparse.Namespace) -> Exit:
    choice = _choice(arguments)
    sqs = client("sqs")
    route = find_route(sqs, arguments.prefix, arguments.queue)
    redriver = Redriver(route.kind, LetterBox(sqs, route.source_url), SendTo(sqs, route.target_url), now_us)
    counts: Counter[Outcome] = Counter()
    reasons: Counter[str] = Counter()
    try:
        for letter, judgement, done in redriver.run(choice):
            counts[done] += 1
            reasons[judgement.reason] += 1
            say(_row(letter, judgement, done) if arguments.json else _line(letter, judgement, done))
    finally:  # also after an error: what was sent by then is not undone
        _say_sums(counts, reasons, as_json=arguments.json)
    if not arguments.json:
        _say_hint(route.kind, counts)
    left = sum(counts.values()) - counts[Outcome.REDRIVEN]
    return Exit.FINDING if left else Exit.OK


def _choice(arguments: argparse.Namespace) -> Choice:
    if not 1 <= arguments.limit <= _MOST_LETTERS:
        raise RejectedError(f"--limit is {arguments.limit}; it must be 1 to {_MOST_LETTERS}")
    if not 1 <= arguments.rate <= _HIGHEST_RATE:
        raise RejectedError(f"--rate is {arguments.rate:g}; it must be 1 to {_HIGHEST_RATE:g} a second")
    return Choice(arguments.yes, frozenset(arguments.reason), arguments.limit, arguments.rate)


def _row(letter: Letter, judgement: Judgement, done: Outcome) -> str:
    return json.dumps(
        {
            "message_id": letter.message_id,
            "sent_at": format_timestamp(letter.sent_us),
            "reason": judgement.reason,
            "outcome": done,
            "error": judgement.error,
            "file_path": judgement.file_path,
            "event_id": judgement.event_id,
            "work_key": judgement.work_key,
            "attempt": judgement.attempt,
        }
    )


def _line(letter: Letter, judgement: Judgement, done: Outcome) -> str:
    error = f" ({judgement.error})" if judgement.error else ""
    name = judgement.file_path or f"message {letter.message_id}"
    return f"{format_timestamp(letter.sent_us)}  {judgement.reason}{error}  {done}  {name}"


def _say_sums(counts: Counter[Outcome], reasons: Counter[str], *, as_json: bool) -> None:
    if as_json:
        sums = {"outcomes": {each: counts[each] for each in Outcome}, "reasons": dict(reasons)}
        say(json.dumps({"letters": sum(counts.values()), **sums}))
        return
    parts = [f"{counts[each]} {each}" for each in Outcome if counts[each]]
    say(f"{sum(counts.values())} letters" + (": " + ", ".join(parts) if parts else ""))


def _say_hint(kind: Kind, counts: Counter[Outcome]) -> None:
    if counts[Outcome.LISTED]:
        say("nothing was changed; --yes sends what is listed back")
    if counts[Outcome.NOT_CHOSEN]:
        say("not chosen: correct the cause, then ask for it with --reason CODE")
    if counts[Outcome.NOT_POSSIBLE] and kind is Kind.QUARANTINE:
        say("not possible: bytes of FPolicy, no event; docs/runbooks/quarantine.md")
