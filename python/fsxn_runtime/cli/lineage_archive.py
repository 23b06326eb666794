"""`fsxn lineage export` and `fsxn lineage verify`: the archive of records, and the proof of a period."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.function import invoke
from fsxn_runtime.cli.times import parse_time
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.settings import text
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage_export import (
    Archive,
    ExportTable,
    PublicKey,
    Rows,
    Signer,
    Verification,
    Verifier,
    begin_of,
    hour_of,
    lag_seconds,
    next_hour,
    public_key,
)

_HOUR: Final = len("2026-01-31T12")
# As the alarm lineage-export-behind has it.
_BEHIND_SECONDS: Final = 10_800


def register(commands: Any) -> None:
    """Add both commands."""
    words = "export the hours that are over, one hour, or say where the export stands"
    export = commands.add_parser(
        "export",
        help=words,
        description=f"{words.capitalize()}. The export function does it, every hour by itself. "
        "Exit status 1 when the export is more than three hours behind.",
    )
    export.add_argument(
        "--hour",
        metavar="HOUR",
        help="2026-01-31T12 (UTC): what came late into it, or all that never was exported",
    )
    export.add_argument("--status", action="store_true", help="only say where the export stands")
    export.add_argument(
        "--function", metavar="NAME", help="export function (default: LINEAGE_EXPORT_FUNCTION)"
    )
    export.add_argument("--export-table", metavar="NAME", help="state (default: LINEAGE_EXPORT_TABLE)")
    export.add_argument("--json", action="store_true", help="one JSON object")
    export.set_defaults(run=_export)

    verify = commands.add_parser(
        "verify",
        help="prove that the export of a period is complete and unaltered",
        description="Prove that the export of a period is complete and unaltered: every hour and object, the "
        "chain of manifests, their signatures, and the table. Exit status 1 when something is wrong.",
    )
    verify.add_argument(
        "--since", required=True, metavar="TIME", help="2026-01-31, 2026-01-31T12, or 6h, 7d ago"
    )
    verify.add_argument(
        "--until", metavar="TIME", help="the same forms, not included (default: what is sealed by now)"
    )
    verify.add_argument("--bucket", metavar="NAME", help="the archive (default: LINEAGE_EXPORT_BUCKET)")
    verify.add_argument(
        "--key", action="append", metavar="ARN", help="signing key in KMS (default: LINEAGE_SIGNING_KEY)"
    )
    verify.add_argument(
        "--public-key", action="append", metavar="FILE", help="trust this key (PEM or DER), without KMS"
    )
    verify.add_argument("--table", metavar="NAME", help="lineage table (default: LINEAGE_TABLE)")
    verify.add_argument("--export-table", metavar="NAME", help="state (default: LINEAGE_EXPORT_TABLE)")
    verify.add_argument("--no-table", action="store_true", help="check the archive alone")
    verify.add_argument("--json", action="store_true", help="one JSON object")
    verify.set_defaults(run=_verify)


def _export(arguments: argparse.Namespace) -> Exit:
    if arguments.status:
        if arguments.hour:
            raise RejectedError("--status and --hour exclude each other", code="wrong_use")
        return _status(arguments)
    function = arguments.function or text(os.environ, "LINEAGE_EXPORT_FUNCTION")
    event = {"action": "export"}
    if arguments.hour:
        begin_of(arguments.hour)
        event["hour"] = arguments.hour
    answer = invoke(function, event)
    if arguments.json:
        say(json.dumps(answer))
    elif "skipped" in answer:
        say("another export runs; see fsxn lineage export --status")
    else:
        say(f"sealed {len(answer['sealed'])} hours, {_count(answer['records'], 'record')}, "
            f"{answer['late_records']} of them late")  # fmt: skip
        if not answer["is_complete"]:
            say("there is more to do; run it again")
    return Exit.FINDING if answer.get("lag_seconds", 0) > _BEHIND_SECONDS else Exit.OK


def _status(arguments: argparse.Namespace) -> Exit:
    state = _state_table(arguments).state()
    if state is None:
        say("{}" if arguments.json else "nothing was exported yet")
        return Exit.FINDING
    lag = lag_seconds(state, datetime.now(UTC))
    if arguments.json:
        say(json.dumps({**asdict(state), "lag_seconds": lag}, default=str))
    else:
        say(f"sealed through {state.sealed_through or '(nothing yet)'}, {lag // 60} minutes ago; "
            f"{_count(state.sequence, 'manifest')}; began with {state.start_hour}")  # fmt: skip
        if state.pending is not None:
            say(
                f"a run writes {state.pending.key or state.pending.hour}, or died there: the next finishes it"
            )
    return Exit.FINDING if lag > _BEHIND_SECONDS else Exit.OK


def _verify(arguments: argparse.Namespace) -> Exit:
    now = datetime.now(UTC)
    archive = Archive(client("s3"), arguments.bucket or text(os.environ, "LINEAGE_EXPORT_BUCKET"))
    table = None if arguments.no_table else _state_table(arguments)
    rows = None
    if not arguments.no_table:
        rows = Rows(client("dynamodb"), arguments.table or text(os.environ, "LINEAGE_TABLE"))
    until = _hour(arguments.until, now) if arguments.until else _sealed(table, now)
    verifier = Verifier(archive, _trusted(arguments), rows, table)
    result = verifier.verify(_hour(arguments.since, now), until, now)
    if arguments.json:
        say(json.dumps({"ok": result.ok, **asdict(result)}, ensure_ascii=False))
    else:
        for line in lines(result):
            say(line)
    return Exit.OK if result.ok else Exit.FINDING


def lines(result: Verification) -> Iterator[str]:
    """Say what was checked, and each finding."""
    for finding in result.findings:
        yield f"{finding.code:<20}  {finding.text}"
    if result.finding_count > len(result.findings):
        yield f"... and {result.finding_count - len(result.findings)} more"
    hours, records = _count(result.hours, "hour"), _count(result.records, "record")
    objects, manifests = _count(result.objects, "object"), _count(result.manifests, "manifest")
    yield f"{result.since} to {result.until}: {hours}, {records} in {objects}; {manifests} followed"
    compared = "the table says the same" if result.table_compared else "the table was not compared"
    yield (
        f"complete and unaltered; {compared}"
        if result.ok
        else f"NOT PROVEN: {_count(result.finding_count, 'finding')}"
    )


def _state_table(arguments: argparse.Namespace) -> ExportTable:
    name = arguments.export_table or text(os.environ, "LINEAGE_EXPORT_TABLE")
    return ExportTable(client("dynamodb"), name)


def _trusted(arguments: argparse.Namespace) -> list[PublicKey]:
    """Give the keys that the caller names; what the archive says of keys counts for nothing."""
    files = arguments.public_key or []
    keys = arguments.key or ([] if files else [text(os.environ, "LINEAGE_SIGNING_KEY")])
    try:
        found = [public_key(Path(name).read_bytes()) for name in files]
    except OSError as exc:
        raise RejectedError(f"the public key cannot be read: {exc}", code="wrong_public_key") from exc
    return found + [public_key(Signer(client("kms"), key).public_key()) for key in keys]


def _hour(given: str, now: datetime) -> str:
    """Read a time as the hour that it lies in; an hour alone is one of the forms."""
    if len(given) == _HOUR and "T" in given:
        return hour_of(begin_of(given))
    return parse_time(given, now)[:_HOUR]


def _sealed(table: ExportTable | None, now: datetime) -> str:
    """Give the end of what is sealed; without the state, of what must be by now."""
    state = None if table is None else table.state()
    return next_hour(state) if state is not None else hour_of(now - timedelta(hours=1))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
