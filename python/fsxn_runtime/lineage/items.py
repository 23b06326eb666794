"""The table's items: pure conversions between a record and what is stored."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any, Final

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import format_timestamp, parse_timestamp
from fsxn_runtime.lineage import metadata
from fsxn_runtime.lineage.model import (
    ABOUT_AN_EVENT,
    FIRST_VERSION,
    LineageRecord,
    LineageStatus,
    RetentionProfile,
)

_DAY_US: Final = 86_400_000_000
_FIELD_NAMES: Final = tuple(field.name for field in fields(LineageRecord))
# 8 hex characters: two records share time and suffix by accident once in four billion pairs.
_SUFFIX_LENGTH: Final = 8
_PROFILE_DAYS: Final[Mapping[RetentionProfile, int]] = {
    RetentionProfile.STANDARD: 365,
    RetentionProfile.COMPLIANCE: 2_557,  # seven years, two of them leap years
}

_SCHEMA: Final = re.compile(r"[12]\.[0-9]{1,3}")
_CHECKSUM: Final = re.compile(r"[0-9a-f]{64}")
_GUARDRAIL_MODES: Final = ("DRY_RUN", "ENFORCE", "BREAK_GLASS")
_REQUIRED: Final = ("source_file_key", "uc_id", "work_key", "event_id", "action")
_OPTIONAL: Final = (
    "step_functions_execution_arn",
    "target_path",
    "guardrail_mode",
    "policy_version",
    "uc_template_version",
)
_SECOND_VERSION: Final = ("policy_version", "uc_template_version", "retention_profile", "metadata")
# Bytes. DynamoDB's limit of a partition key is 2,048, also in an index. S3 keys have at most 1,024.
_MAX_TEXT_BYTES: Final = 2_048
_MAX_OUTPUT_KEY_BYTES: Final = 1_024
# Characters of a reason that are kept: it may be the text of an error, whose begin says what it was.
_MAX_REASON: Final = 500
# What has more outputs is a batch: name its manifest. 100 keys of full length fill a quarter of an item.
MAX_OUTPUT_KEYS: Final = 100
# Before an output's key where its pointer has a file's path. Paths begin with / and FSx ids with fs.
OUTPUT_PREFIX: Final = "output:"


def sort_key(record: LineageRecord) -> str:
    """Give time, `#` and a suffix derived from the record's identity.

    The same processing always has the same key (a repeated write is one item); two processings of one
    microsecond have two. Decisions about events are told apart by the event.
    """
    identity = [record.uc_id, record.work_key, record.step_functions_execution_arn or "", str(record.status)]
    if record.status in ABOUT_AN_EVENT:
        identity.append(record.event_id)
    digest = hashlib.sha256("\0".join(identity).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{record.processing_timestamp}#{digest[:_SUFFIX_LENGTH]}"


def check(record: LineageRecord) -> None:
    """Raise RejectedError unless the record can be kept: which field, what it is, what it must be."""
    parse_timestamp(record.processing_timestamp, "processing_timestamp")
    if not isinstance(record.schema_version, str) or not _SCHEMA.fullmatch(record.schema_version):
        raise _wrong("schema_version", record.schema_version, "1.x or 2.x")
    if record.schema_version.startswith("1."):
        later = [name for name in _SECOND_VERSION if getattr(record, name)]
        if later:
            raise RejectedError(
                f"{', '.join(later)}: new in version 2; schema_version is {record.schema_version}",
                code="wrong_field",
            )
    for name in _REQUIRED:
        _check_text(name, getattr(record, name), _MAX_TEXT_BYTES)
    for name in _OPTIONAL:
        value = getattr(record, name)
        if value is not None:
            _check_text(name, value, _MAX_TEXT_BYTES)
    if record.reason is not None:
        _check_text("reason", record.reason, len(record.reason) * 4)  # of any length: it is cut
    _check_outputs(record.output_keys)
    _check_kinds(record)
    if record.status is not LineageStatus.SUCCESS and record.reason is None:
        raise RejectedError(f"reason is empty; a record that says {record.status} must say why", code="empty")
    metadata.to_text(record.metadata)


def _check_kinds(record: LineageRecord) -> None:
    if not isinstance(record.status, LineageStatus):
        raise _wrong("status", record.status, " or ".join(LineageStatus))
    for name in ("input_checksum", "output_checksum"):
        value = getattr(record, name)
        if value is not None and not (isinstance(value, str) and _CHECKSUM.fullmatch(value)):
            raise _wrong(name, value, "a SHA-256 as 64 lower-case hex characters, or None")
    for name in ("duration_ms", "fpolicy_sequence_number"):
        value = getattr(record, name)
        # bool is an int in Python. 2**64: what a protocol's counter can hold.
        if value is not None and (type(value) is not int or not 0 <= value <= 2**64):
            raise _wrong(name, value, "a whole number from 0 to 2^64")
    if record.guardrail_mode is not None and record.guardrail_mode not in _GUARDRAIL_MODES:
        raise _wrong("guardrail_mode", record.guardrail_mode, " or ".join(_GUARDRAIL_MODES))
    if record.retention_profile is not None and not isinstance(record.retention_profile, RetentionProfile):
        raise _wrong("retention_profile", record.retention_profile, " or ".join(RetentionProfile))
    if not isinstance(record.metadata, Mapping):
        raise _wrong("metadata", record.metadata, "a mapping")


def _check_outputs(keys: tuple[str, ...]) -> None:
    if not isinstance(keys, tuple) or len(keys) > MAX_OUTPUT_KEYS:
        given = f"{len(keys)} keys" if isinstance(keys, tuple) else type(keys).__name__
        raise _wrong("output_keys", given, f"a tuple of at most {MAX_OUTPUT_KEYS} keys")
    for key in keys:
        _check_text("an output key", key, _MAX_OUTPUT_KEY_BYTES)


def _check_text(name: str, value: object, most: int) -> None:
    if not isinstance(value, str):
        raise _wrong(name, value, "a text")
    if not value:
        raise RejectedError(f"{name} is empty; it must have a value", code="empty")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise _wrong(name, value, "valid Unicode") from None
    if size > most:
        raise _wrong(name, f"{size} bytes long", f"at most {most} bytes")


def _wrong(name: str, value: object, allowed: str) -> RejectedError:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return RejectedError(f"{name} is {shown}; it must be {allowed}", code="wrong_field")


def to_item(record: LineageRecord, written_at_us: int, ttl_days: int) -> dict[str, Any]:
    """Build the item. `written_at_us` gives the hour under which an export finds it; 0 days keep for ever.

    The hour is that of writing, not of processing: a record that comes late must fall into an hour that no
    export has closed yet.
    Raises RejectedError when the record cannot be kept (`check`).
    """
    check(record)
    values = {name: getattr(record, name) for name in _FIELD_NAMES}
    item = {name: value for name, value in values.items() if value is not None}
    item["status"] = str(record.status)
    if record.reason is not None:
        item["reason"] = record.reason[:_MAX_REASON]
    item["output_keys"] = list(record.output_keys)
    item["processing_timestamp"] = sort_key(record)
    item["write_hour"] = format_timestamp(written_at_us)[: len("2026-01-31T23")]
    if record.retention_profile is not None:
        item["retention_profile"] = str(record.retention_profile)
    if record.metadata:
        item["metadata"] = metadata.to_text(record.metadata)
    else:
        del item["metadata"]
    days = expiry_days(record.retention_profile, ttl_days)
    if days:
        item["ttl"] = (written_at_us + days * _DAY_US) // 1_000_000
    return item


def pointers(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the items by which a record's outputs lead to it; in no index, and expiring with it."""
    common = {
        "processing_timestamp": item["processing_timestamp"],
        "record_file_key": item["source_file_key"],
        **({"ttl": item["ttl"]} if "ttl" in item else {}),
    }
    return [{"source_file_key": OUTPUT_PREFIX + key, **common} for key in dict.fromkeys(item["output_keys"])]


def expiry_days(profile: RetentionProfile | None, ttl_days: int) -> int:
    """Give the days after which a record expires; 0: never, which the setting says for every profile."""
    if ttl_days == 0 or profile is None:
        return ttl_days
    return _PROFILE_DAYS.get(profile, ttl_days)


def from_item(item: Mapping[str, Any]) -> LineageRecord:
    """Read an item back. Attributes that this version does not know are left out."""
    values = {name: item[name] for name in _FIELD_NAMES if name in item}
    values["status"] = LineageStatus(values["status"])
    values["output_keys"] = tuple(values["output_keys"])
    values["processing_timestamp"] = values["processing_timestamp"].partition("#")[0]
    values.setdefault("schema_version", FIRST_VERSION)
    if "retention_profile" in values:
        values["retention_profile"] = RetentionProfile(values["retention_profile"])
    if "metadata" in values:
        values["metadata"] = metadata.from_text(values["metadata"])
    for name, value in values.items():
        if isinstance(value, Decimal):  # DynamoDB's numbers; all of ours are whole
            values[name] = int(value)
    return LineageRecord(**values)
