"""`fsxn events backfill`: ask a workload for files that are there already."""

from __future__ import annotations

import argparse
import json
from collections import Counter

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.redrive import add_prefix
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import parse_timestamp
from fsxn_runtime.workloads.backfill import Backfill, find_workload, prefixes_below

# Above it the starters of most accounts do not keep up, and the queue only grows.
_HIGHEST_RATE = 1000.0


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the group `events`."""
    parser = commands.add_parser(
        "backfill",
        help="show how many existing files a workload would take; with --yes, ask it for them",
        description=(
            "List a workload's files through its access point, as its rule's scope says, and count them; "
            "with --yes, put a message for each into its queue. Versions that were processed within "
            "the last 90 days are found to be duplicates. Run it where the access point can be reached. "
            "Exit status 0."
        ),
    )
    parser.add_argument("workload", metavar="WORKLOAD")
    parser.add_argument("--yes", action="store_true", help="send the messages; without it nothing is changed")
    parser.add_argument("--dry-run", action="store_true", help="only count, which is the default")
    parser.add_argument(
        "--below", metavar="PATH", help="only files whose path begins so, such as /vol1/legal/"
    )
    parser.add_argument(
        "--modified-since", metavar="TIME", help="only files modified since, as 2026-01-31T12:00:00Z"
    )
    parser.add_argument(
        "--rate", type=float, default=50.0, metavar="N", help=f"files a second, 1 to {_HIGHEST_RATE:g} (50)"
    )
    parser.add_argument("--svm", default="", help="the access point's SVM, if the scope names several")
    parser.add_argument("--volume", default="", help="the access point's volume, if the scope names several")
    parser.add_argument("--resume", metavar="PLACE", help="go on where a run stopped, as it said")
    add_prefix(parser)
    parser.add_argument("--json", action="store_true", help="the sums as one JSON object")
    parser.set_defaults(run=_backfill)


def _backfill(arguments: argparse.Namespace) -> Exit:
    if not 1 <= arguments.rate <= _HIGHEST_RATE:
        raise RejectedError(f"--rate is {arguments.rate:g}; it must be 1 to {_HIGHEST_RATE:g} a second")
    if arguments.yes and arguments.dry_run:
        raise RejectedError("--yes and --dry-run exclude each other")
    since_us = 0 if arguments.modified_since is None else _time(arguments.modified_since)
    found = find_workload(
        client("lambda"),
        client("events"),
        arguments.prefix,
        arguments.workload,
        svm=arguments.svm,
        volume=arguments.volume,
    )
    prefixes = prefixes_below(found.scope, arguments.below or found.scope.junction_path)
    place = ("", "") if arguments.resume is None else _place(arguments.resume, prefixes)
    walk = Backfill.of(found, client("s3"), client("sqs"), now_us)
    counts: Counter[str] = Counter()
    try:
        for progress in walk.run(prefixes, since_us, arguments.rate, send=arguments.yes, begin=place):
            counts.update(progress.counts)
            place = progress.following
    finally:  # also after an error or Ctrl-C: what was sent by then is not undone
        _say_sums(counts, place, sent=arguments.yes, as_json=arguments.json)
    return Exit.OK


def _time(text: str) -> int:
    """Read a time of whole seconds or finer."""
    whole = text.removesuffix("Z")
    return parse_timestamp(f"{whole}Z" if "." in whole else f"{whole}.000000Z", "--modified-since")


def _place(text: str, prefixes: list[str]) -> tuple[str, str]:
    try:
        prefix, token = json.loads(text)
    except (ValueError, TypeError) as exc:
        raise RejectedError(f"--resume is {text!r}; it must be what an earlier run said") from exc
    if prefix not in prefixes or not isinstance(token, str):
        raise RejectedError(f"--resume is {text!r}; it is of a run with another scope or --below")
    return prefix, token


def _say_sums(counts: Counter[str], place: tuple[str, str], *, sent: bool, as_json: bool) -> None:
    asked, skipped = counts["asked"], {name: n for name, n in sorted(counts.items()) if name != "asked"}
    stopped = json.dumps(place) if place != ("", "") else None
    if as_json:
        say(json.dumps({"files": asked, "sent": asked if sent else 0, "skipped": skipped, "resume": stopped}))
        return
    reasons = "".join(f", {count} {name.replace('_', ' ')}" for name, count in skipped.items())
    say(f"{asked} files {'asked for' if sent else 'would be asked for'}{reasons}")
    if not sent and asked:
        say("nothing was changed; --yes asks for them")
    if stopped is not None:
        say(f"stopped before the end; go on with --resume '{stopped}'")
