"""The table's items: pure conversions between a record and what is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any, Final

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import format_timestamp, parse_timestamp
from fsxn_runtime.lineage.model import LineageRecord, LineageStatus

_DAY_US: Final = 86_400_000_000
_FIELD_NAMES: Final = tuple(field.name for field in fields(LineageRecord))
# 8 hex characters: two records share time and suffix by accident once in four billion pairs.
_SUFFIX_LENGTH: Final = 8


def sort_key(record: LineageRecord) -> str:
    """Give time, `#` and a suffix derived from the record's identity.

    The same processing always has the same key (a repeated write is one item); two processings of one
    microsecond have two.
    """
    identity = "\0".join(
        (record.uc_id, record.work_key, record.step_functions_execution_arn, str(record.status))
    )
    return f"{record.processing_timestamp}#{hashlib.sha256(identity.encode()).hexdigest()[:_SUFFIX_LENGTH]}"


def to_item(record: LineageRecord, written_at_us: int, ttl_days: int) -> dict[str, Any]:
    """Build the item. `written_at_us` gives the hour under which an export finds it; 0 days keep for ever.

    The hour is that of writing, not of processing: a record that comes late must fall into an hour that no
    export has closed yet.
    Raises RejectedError when a key would be empty or `processing_timestamp` is no event time.
    """
    parse_timestamp(record.processing_timestamp, "processing_timestamp")
    for name in ("source_file_key", "uc_id", "step_functions_execution_arn"):
        if not getattr(record, name):
            raise RejectedError(f"{name} is empty; an index key must not be", code="empty_key")
    values = {name: getattr(record, name) for name in _FIELD_NAMES}
    item = {name: value for name, value in values.items() if value is not None}
    item["status"] = str(record.status)
    item["output_keys"] = list(record.output_keys)
    item["processing_timestamp"] = sort_key(record)
    item["write_hour"] = format_timestamp(written_at_us)[: len("2026-01-31T23")]
    if ttl_days:
        item["ttl"] = (written_at_us + ttl_days * _DAY_US) // 1_000_000
    return item


def from_item(item: Mapping[str, Any]) -> LineageRecord:
    """Read an item back. Attributes that this version does not know are left out."""
    values = {name: item[name] for name in _FIELD_NAMES if name in item}
    values["status"] = LineageStatus(values["status"])
    values["output_keys"] = tuple(values["output_keys"])
    values["processing_timestamp"] = values["processing_timestamp"].partition("#")[0]
    for name, value in values.items():
        if isinstance(value, Decimal):  # DynamoDB's numbers; all of ours are whole
            values[name] = int(value)
    return LineageRecord(**values)
