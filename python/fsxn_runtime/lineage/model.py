"""What is known about one processing of one file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LineageStatus(StrEnum):
    """How the processing ended."""

    SUCCESS = "success"
    SUPERSEDED = "superseded"  # the version was gone or replaced before it could be read
    FAILED = "failed"  # all attempts are used


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageRecord:
    """One processing: which file, by what, into what.

    `source_file_key` is the file's path as events carry it (with the volume's junction path).
    `processing_timestamp` is when the attempt began, RFC 3339 UTC with microseconds: the same on every
    repetition of that attempt, so that repetitions are one record. Checksums are SHA-256 in hex.
    `guardrail_mode` is the mode of the guardrail that let a change of capacity pass; for files there is none.
    """

    source_file_key: str
    processing_timestamp: str
    uc_id: str
    status: LineageStatus
    step_functions_execution_arn: str
    work_key: str
    event_id: str
    action: str
    output_keys: tuple[str, ...] = ()
    duration_ms: int = 0
    target_path: str | None = None
    input_checksum: str | None = None
    output_checksum: str | None = None
    fpolicy_sequence_number: int | None = None
    guardrail_mode: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RecordResult:
    """Whether the record is in the table; if not, the code of the error that kept it out."""

    stored: bool
    reason: str = ""
