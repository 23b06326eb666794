"""The export function: every hour, and when it is asked for one hour.

Invoked by a schedule with {"action": "export"}, by `fsxn lineage export` also with an `hour`. Idempotency:
the state table; a run that died is finished by the next one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.edge.log import logger, set_level
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import ConflictError
from fsxn_runtime.lineage_export.exporter import Exporter
from fsxn_runtime.lineage_export.settings import ExportSettings
from fsxn_runtime.lineage_export.store import Archive, ExportTable, Rows, Signer

_log = logger("lineage-export")
_RESERVE_MS: Final = 5_000  # the last manifest, the lease, the metrics


@cache
def _parts() -> tuple[ExportSettings, Exporter]:
    settings = ExportSettings.from_env(os.environ)
    set_level(settings.log_level)
    dynamodb = client("dynamodb")
    return settings, Exporter(
        settings,
        Rows(dynamodb, settings.table),
        ExportTable(dynamodb, settings.export_table),
        Archive(client("s3"), settings.bucket),
        Signer(client("kms"), settings.signing_key),
    )


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Export what is due, or one hour; answer what was done."""
    settings, exporter = _parts()
    budget, now, owner = TimeBudget.of(context, _RESERVE_MS), datetime.now(UTC), str(context.aws_request_id)
    hour = event.get("hour")
    try:
        run = exporter.run_hour(str(hour), now, budget, owner) if hour else exporter.run(now, budget, owner)
    except ConflictError as exc:
        if hour or exc.code != "export_runs":
            raise
        _log.warning("run.skipped", error=exc)  # what is due is being done; if it is not, the lag tells
        return {"skipped": exc.code}
    emf = Emf(settings.metric_namespace)
    emf.count("LineageExported_count", run.records)
    emf.count("LineageExportLate_count", run.late_records)
    emf.put("LineageExportLag_sec", run.lag_seconds, "Seconds")
    emf.flush()
    _log.info("run.done", **run.to_dict())
    return run.to_dict()
