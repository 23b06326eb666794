"""What is wrong with a chain, an object, a period: pure comparisons, each giving findings."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage_export import core
from fsxn_runtime.lineage_export.model import ALGORITHM, NO_PREVIOUS, Finding, Manifest
from fsxn_runtime.lineage_export.parts import row_of
from fsxn_runtime.lineage_export.signatures import PublicKey

# DynamoDB deletes what expired "within a few days" (developer guide, TTL); until then both are right.
_NEVER: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Link:
    """One manifest that was read: its name, what it says (None: unreadable), and the findings about it."""

    key: str
    sequence: int
    manifest: Manifest | None
    sha256: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One record as it stands somewhere: its hash, its name, and when it may vanish from the table."""

    sha256: bytes
    name: str
    expires: int


Lines = dict[bytes, Line]

# Findings that are kept with their words; further ones are counted. Nobody reads a thousand.
MAX_FINDINGS: Final = 1_000


class Found:
    """Findings, the first thousand of them, and how many there were."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[Finding] = []

    def take(self, findings: Iterable[Finding]) -> None:
        """Add findings."""
        for finding in findings:
            self.count += 1
            if len(self.first) < MAX_FINDINGS:
                self.first.append(finding)


def read_link(key: str, data: bytes, trusted: Iterable[PublicKey]) -> Link:
    """Read one manifest's file and check its signature."""
    sequence = core.sequence_of(key)
    if sequence is None:
        raise RejectedError(f"{key} is no manifest's name", code="no_manifest")
    try:
        file = json.loads(data)
        manifest = core.parse_manifest(file["manifest"])
        signature = base64.b64decode(file["signature"]["value"], validate=True)
        algorithm = file["signature"]["algorithm"]
    except (ValueError, KeyError, TypeError, RejectedError) as exc:
        text = f"{key} cannot be read: {type(exc).__name__}: {exc}"
        return Link(key, sequence, None, "", (Finding("manifest.unreadable", "", key, text),))
    body = core.body(manifest)
    found = []
    if algorithm != ALGORITHM or not any(each.verifies(body, signature) for each in trusted):
        text = f"{key} is not signed by a key that is trusted"
        found.append(Finding("signature.wrong", manifest.hour, key, text))
    if manifest.sequence != sequence:
        text = f"{key} says that it is number {manifest.sequence}"
        found.append(Finding("chain.broken", manifest.hour, key, text))
    return Link(key, sequence, manifest, core.sha256_of(body), tuple(found))


def check_chain(before: Link | None, link: Link) -> Iterator[Finding]:
    """Say what is wrong between two manifests that are there; `before` is None at the chain's begin."""
    expected = 1 if before is None else before.sequence + 1
    for sequence in range(expected, link.sequence):
        key = core.manifest_key(sequence)
        yield Finding("manifest.missing", "", key, f"{key} is not there")
    if link.manifest is None or link.sequence != expected or (before and before.manifest is None):
        return
    previous = NO_PREVIOUS if before is None else before.sha256
    if link.manifest.previous_sha256 != previous:
        name = "the begin of the chain" if before is None else before.key
        text = f"{link.key} does not follow {name}: one of the two is not what was signed, or was replaced"
        yield Finding("chain.broken", link.manifest.hour, link.key, text)


def lines_by_key(lines: Iterable[bytes]) -> Lines:
    """Read an object's records. Raises RejectedError for what is no object of records."""
    return {core.key_of(row := row_of(line)): _line(row, line) for line in lines}


def rows_by_key(rows: Iterable[Mapping[str, Any]]) -> Lines:
    """Read the table's rows of an hour."""
    return {core.key_of(row): _line(row, core.line_of(row)) for row in rows}


def _line(row: Mapping[str, Any], line: bytes) -> Line:
    ttl = row.get("ttl", _NEVER)
    expires = int(ttl) if isinstance(ttl, int | float) or hasattr(ttl, "to_integral_value") else _NEVER
    name = f"{row['source_file_key']} at {str(row['processing_timestamp']).partition('#')[0]}"
    return Line(bytes.fromhex(core.sha256_of(line)), name, expires)


def compare_object(hour: str, key: str, signed: Lines, found: Lines) -> Iterator[Finding]:
    """Say which records of an altered object are not those that were signed."""
    yield from _differences(hour, signed, found, f"from {key}", f"in {key}", f"into {key}")


def compare_table(hour: str, exported: Lines, rows: Lines, now_seconds: int) -> Iterator[Finding]:
    """Say how the table differs from the export; what expired may be gone from the table."""
    due = {key: line for key, line in exported.items() if key in rows or line.expires > now_seconds}
    yield from _differences(
        hour,
        due,
        rows,
        "from the table: it was exported, and has not expired",
        "in the table since it was exported",
        "into the table since the hour was sealed, or came late and is not exported yet",
    )


def _differences(
    hour: str, before: Lines, after: Lines, gone: str, changed: str, new: str
) -> Iterator[Finding]:
    for key, line in before.items():
        other = after.get(key)
        if other is None:
            yield Finding("record.removed", hour, line.name, f"{line.name} was removed {gone}")
        elif other.sha256 != line.sha256:
            yield Finding("record.changed", hour, line.name, f"{line.name} was changed {changed}")
    for key, line in after.items():
        if key not in before:
            yield Finding("record.inserted", hour, line.name, f"{line.name} came {new}")
