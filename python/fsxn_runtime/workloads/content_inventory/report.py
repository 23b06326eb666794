"""The report about one job. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fsxn_runtime.events import format_timestamp
from fsxn_runtime.workloads.job import Job

SCHEMA_VERSION: Final = "1.0"


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
