"""The process function: read one file version through the access point, write its report and lineage.

Idempotency key: the work key. The report is written only if there is none; a repetition finds the first
one and reports it again. A version that was replaced or removed meanwhile ends as `superseded`, which is a
success: the operation that did it has an event of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import TimeBudget, now_us
from fsxn_runtime.edge.log import logger, set_level
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.lineage import LineageStatus, LineageTracker
from fsxn_runtime.workloads.clients import Files, Reports
from fsxn_runtime.workloads.content_inventory.core import Inventory
from fsxn_runtime.workloads.content_inventory.report import build
from fsxn_runtime.workloads.content_inventory.settings import InventorySettings
from fsxn_runtime.workloads.job import Job, lineage_record, output_key
from fsxn_runtime.workloads.model import Action, ObjectVersion

_log = logger("workload.content-inventory")
_RESERVE_MS: Final = 1_000


@cache
def _parts() -> tuple[InventorySettings, Files, Reports, LineageTracker]:
    settings = InventorySettings.from_env(os.environ)
    set_level(settings.log_level)
    s3 = client("s3")
    return settings, Files(s3, settings.access_point), Reports(s3, settings.output_bucket), LineageTracker()


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Process one job; the result's `status` is `processed` or `superseded`."""
    settings, files, reports, tracker = _parts()
    try:
        return process(event, settings, files, reports, tracker)
    finally:
        tracker.flush(TimeBudget.of(context, _RESERVE_MS))


def process(
    event: Mapping[str, Any],
    settings: InventorySettings,
    files: Files,
    reports: Reports,
    tracker: LineageTracker,
) -> dict[str, Any]:
    """Read the version, write its report, then its lineage."""
    began = now_us()
    job = Job.from_input(event)
    inventory = None if job.version is None else take_inventory(files, job.version)
    if inventory is None and job.action is Action.PROCESS:
        duration_ms = (now_us() - began) // 1000
        tracker.record(
            lineage_record(job, LineageStatus.SUPERSEDED, duration_ms=duration_ms, reason="replaced")
        )
        _log.info("job.superseded", work_key=job.work_key, event_id=job.event.event_id)
        return {"status": "superseded", "work_key": job.work_key}
    key = output_key(job, settings.output_prefix, settings.junction_path)
    report = json.dumps(build(job, inventory, now_us()), ensure_ascii=False, indent=1)
    body = reports.put_once(key, report.encode())
    duration_ms = (now_us() - began) // 1000
    tracker.record(
        lineage_record(
            job,
            LineageStatus.SUCCESS,
            duration_ms=duration_ms,
            output_keys=(key,),
            input_checksum=None if inventory is None else inventory["sha256"],
            output_checksum=hashlib.sha256(body).hexdigest(),
        )
    )
    count(settings, job.action, duration_ms, inventory["size"] if inventory else 0)
    _log.info("job.done", action=job.action, work_key=job.work_key, event_id=job.event.event_id)
    return {"status": "processed", "work_key": job.work_key, "output_key": key}


def count(settings: InventorySettings, action: Action, duration_ms: int, read_bytes: int) -> None:
    """Emit the metrics of one report."""
    emf = Emf(settings.metric_namespace, {"UcId": settings.uc_id})
    emf.put("ContentInventoryDuration_ms", duration_ms, "Milliseconds")
    emf.put("ContentInventoryRead_bytes", read_bytes, "Bytes")
    emf.count("ContentInventoryProcessed_count", Action=action)
    emf.flush()


def take_inventory(files: Files, version: ObjectVersion) -> dict[str, Any] | None:
    """Read one version; None when it is gone or was replaced."""
    inventory = Inventory()
    return inventory.result(version.key) if files.read(version, inventory.update) else None
