"""`fsxn lineage openlineage`: lineage records as OpenLineage run events, for a data catalogue."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.lineage_selection import add_selectors, selected
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage import LineageRecord
from fsxn_runtime.sharing import LINEAGE_RECORD, Names, for_outside, run_events


def register(commands: Any) -> None:
    """Add the command."""
    command = commands.add_parser(
        "openlineage",
        help="write lineage records as OpenLineage events",
        description="Write the run events (OpenLineage 2-0-2) of one file, workload, execution or output, "
        "one JSON object a line. Names are hashed and free text is withheld, as field_classes.json says, "
        "unless --clear is given. Exit status 1 when there are none.",
    )
    add_selectors(command)
    names = command.add_mutually_exclusive_group(required=True)
    names.add_argument(
        "--hash-key", type=Path, metavar="FILE", help="file with the key of the hashes, 32 bytes or more"
    )
    names.add_argument(
        "--clear", action="store_true", help="hash and withhold nothing: for a catalogue inside the account"
    )
    command.add_argument(
        "--job-namespace", default="fsxn", metavar="NAME", help="namespace of the workloads (fsxn)"
    )
    command.add_argument(
        "--files", default="file", metavar="URI", help="namespace of the files: file://SVM_DNS_NAME (file)"
    )
    command.add_argument(
        "--outputs", required=True, metavar="URI", help="namespace of the outputs: s3://BUCKET"
    )
    command.add_argument(
        "--producer",
        default="urn:fsxn:lineage",
        metavar="URI",
        help="what wrote them (urn:fsxn:lineage)",
    )
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> Exit:
    names = Names(arguments.job_namespace, arguments.files, arguments.outputs, _uri(arguments.producer))
    key = None if arguments.clear else _key(arguments.hash_key)
    left_out: Counter[str] = Counter()
    count = 0
    for record in selected(arguments):
        events = run_events(_values(record, key), names)
        for event in events:
            say(json.dumps(event, ensure_ascii=False))
        count += len(events)
        if not events:
            left_out[str(record.status)] += 1
    if left_out:
        said = ", ".join(f"{number} {status}" for status, number in sorted(left_out.items()))
        sys.stderr.write(f"left out, because no execution belongs to them: {said}\n")
    return Exit.OK if count else Exit.FINDING


def _values(record: LineageRecord, key: bytes | None) -> dict[str, Any]:
    values = asdict(record)
    return values if key is None else for_outside(values, LINEAGE_RECORD, key)


def _key(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise RejectedError(f"the hash key cannot be read: {exc}", code="wrong_hash_key") from exc


def _uri(given: str) -> str:
    if not (urlsplit(given).scheme and given.isascii() and given.isprintable() and " " not in given):
        raise RejectedError(f"--producer is {given!r}; it must be a URI, for example urn:example:lineage")
    return given
