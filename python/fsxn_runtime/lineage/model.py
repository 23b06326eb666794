"""What is known about one processing of one file, and about one decision not to process it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

SCHEMA_VERSION: Final = "2.0"
# Records written before records had a version.
FIRST_VERSION: Final = "1.0"


class LineageStatus(StrEnum):
    """What became of the work: the ledger of decisions. All but SUCCESS carry a reason."""

    SUCCESS = "success"
    SUPERSEDED = "superseded"  # the version was gone or replaced before it could be read
    FAILED = "failed"  # all attempts are used
    DUPLICATE = "duplicate"  # another event asked for the same work first
    FILTERED = "filtered"  # the workload does not want this event


# Decisions about one event, not about one piece of work: each event has a record of its own.
ABOUT_AN_EVENT: Final = frozenset({LineageStatus.DUPLICATE, LineageStatus.FILTERED})


class RetentionProfile(StrEnum):
    """How long a record is kept in the table."""

    STANDARD = "standard-365d"
    COMPLIANCE = "compliance-7y"
    CUSTOM = "custom"  # the table's LINEAGE_TTL_DAYS, as without a profile


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageRecord:
    """One processing: which file, by what, into what.

    `source_file_key` is the file's path as events carry it (with the volume's junction path).
    `processing_timestamp` is RFC 3339 UTC with microseconds: when the attempt began, and for `duplicate` and
    `filtered` the time of the event; the same on every repetition, so that repetitions are one record.
    `step_functions_execution_arn` is None where no execution was started. `work_key` is what makes the work
    unique; for `filtered`, where there is none, the event's id. Checksums are SHA-256 in lower-case hex.
    `guardrail_mode` is the mode of the guardrail that let a change of capacity pass; for files there is none.

    `policy_version` (of the FPolicy policy), `uc_template_version` (of the workload's template),
    `retention_profile` and `metadata` are new in version 2. `metadata` is a JSON-like object: text, true and
    false, None, lists, mappings, and numbers of every kind (int, float, Decimal), which are read back as
    they were given.
    """

    source_file_key: str
    processing_timestamp: str
    uc_id: str
    status: LineageStatus
    work_key: str
    event_id: str
    action: str
    step_functions_execution_arn: str | None = None
    output_keys: tuple[str, ...] = ()
    duration_ms: int = 0
    target_path: str | None = None
    input_checksum: str | None = None
    output_checksum: str | None = None
    fpolicy_sequence_number: int | None = None
    guardrail_mode: str | None = None
    reason: str | None = None
    policy_version: str | None = None
    uc_template_version: str | None = None
    retention_profile: RetentionProfile | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    schema_version: str = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class RecordResult:
    """Whether the record is in the table; if not, the code of the error that kept it out, and its words."""

    stored: bool
    reason: str = ""
    message: str = ""
