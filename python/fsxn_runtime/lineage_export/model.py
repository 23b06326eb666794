"""What an export consists of: hours, parts, manifests, and what a verification finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

MANIFEST_VERSION: Final = "1.0"
# What the first manifest of a chain names as the one before.
NO_PREVIOUS: Final = "0" * 64
ALGORITHM: Final = "RSASSA_PKCS1_V1_5_SHA_256"


class Kind(StrEnum):
    """Why an object was written."""

    HOUR = "hour"  # the hour's own records, in parts
    LATE = "late"  # records that came into the hour after it was sealed


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object of records. `sha256` is that of its bytes as they lie in S3."""

    key: str
    version_id: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What was written, signed, and bound to the manifest before.

    One for each object, and one without an object for an hour without records. `hour` is the hour of writing
    (`2026-01-31T12`, UTC), `part` counts the objects of its kind in this hour from 1, `is_last` says that the
    hour has no further part, `in_turn` is the hour that was to be sealed next when this was written: it never
    goes back. `previous_sha256` is the SHA-256 of the body of the manifest before
    (`core.body`).
    """

    sequence: int
    hour: str
    kind: Kind
    part: int
    is_last: bool
    in_turn: str
    count: int
    object: ObjectInfo | None
    exported_at: str
    table: str
    previous_sha256: str
    schema_version: str = MANIFEST_VERSION


@dataclass(frozen=True, slots=True)
class Part:
    """Records on their way to S3: gzipped JSON lines, their number and the sum of their hashes."""

    body: bytes
    sha256: str
    count: int
    digest: int
    resume: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pending:
    """A part whose object or manifest may not be there yet: written down before anything is uploaded."""

    hour: str
    kind: Kind
    part: int
    is_last: bool
    count: int
    digest: int
    resume: Mapping[str, str]
    key: str  # "" for an hour without records
    sha256: str
    size_bytes: int
    exported_at: str


@dataclass(frozen=True, slots=True)
class State:
    """Where the export stands. `version` moves with each write: the store refuses one that saw another."""

    version: int
    start_hour: str
    sealed_through: str  # "" before the first hour is sealed
    sequence: int
    head_sha256: str
    pending: Pending | None


@dataclass(frozen=True, slots=True)
class HourState:
    """What is exported of one hour. `resume` is the key of the last exported row while the hour is open."""

    hour: str
    is_sealed: bool = False
    parts: int = 0
    late_parts: int = 0
    count: int = 0
    digest: int = 0
    resume: Mapping[str, str] | None = None
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did."""

    sealed: tuple[str, ...]
    records: int
    late_records: int
    lag_seconds: int
    is_complete: bool

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {
            "sealed": list(self.sealed),
            "records": self.records,
            "late_records": self.late_records,
            "lag_seconds": self.lag_seconds,
            "is_complete": self.is_complete,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as the manifests say. `code` is from a bounded set, `subject` names the thing."""

    code: str
    hour: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at, and what was found."""

    since: str
    until: str
    hours: int
    manifests: int
    objects: int
    records: int
    table_compared: bool
    finding_count: int
    findings: tuple[Finding, ...]  # the first of them

    @property
    def ok(self) -> bool:
        """Whether the period is complete and unaltered."""
        return self.finding_count == 0
