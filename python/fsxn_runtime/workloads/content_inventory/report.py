"""The report about one job. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.workloads.core import MAX_KEY_BYTES, normalise, object_key
from fsxn_runtime.workloads.job import Job

SCHEMA_VERSION: Final = "1.0"


def report_key(job: Job, prefix: str, junction_path: str) -> str:
    """Give the report's object key: below the key of the file that the event names.

    A key that would be longer than S3 takes has the hash of the file's key in its place.
    """
    name = object_key(normalise(job.event.file_path), junction_path)
    if name is None:
        raise RejectedError(f"the file lies outside the junction path {junction_path}", code="other_volume")
    head = "/".join(part for part in (prefix.strip("/"), job.uc_id) if part)
    key = f"{head}/{name}/{job.work_key}.json"
    if len(key.encode()) > MAX_KEY_BYTES:
        key = f"{head}/{hashlib.sha256(name.encode()).hexdigest()}/{job.work_key}.json"
    return key


def build(job: Job, inventory: Mapping[str, Any] | None, now_us: int) -> dict[str, Any]:
    """Build the report. Without an inventory (a delete, a rename whose target is gone) it has nulls."""
    report: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "uc_id": job.uc_id,
        "work_key": job.work_key,
        "action": job.action,
        "file_path": job.event.file_path,
        "event_id": job.event.event_id,
        "event_timestamp": job.event.timestamp,
        **dict.fromkeys(("size", "sha256", "media_type", "text", "last_modified")),
        "execution_arn": job.execution_arn,
        "processed_at": format_timestamp(now_us),
    }
    if inventory is not None and job.version is not None:
        report |= {**inventory, "last_modified": format_timestamp(job.version.last_modified_us)}
    if job.event.target_path is not None:
        report["target_path"] = job.event.target_path
    return report
