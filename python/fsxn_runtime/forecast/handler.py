"""The forecast Lambda: daily by schedule, and on demand with any event.

A crossing is told first and written down then: dying in between tells it again, never not at all.
Idempotency key: file system, resource and the level that was told before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fsxn_runtime.edge import log
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.forecast.core import forecast, must_tell, next_level
from fsxn_runtime.forecast.model import US_PER_DAY, Forecast
from fsxn_runtime.forecast.settings import Settings
from fsxn_runtime.forecast.store import Bus, Inventory, Told

_log = log.logger("forecast")


@dataclass(frozen=True, slots=True)
class _Parts:
    settings: Settings
    inventory: Inventory
    told: Told
    bus: Bus
    metrics: Emf


@cache
def _parts() -> _Parts:
    settings = Settings.from_env(os.environ)
    log.set_level(settings.log_level)
    return _Parts(
        settings,
        Inventory(client("fsx"), client("cloudwatch"), settings.file_system_id),
        Told(client("dynamodb"), settings.table),
        Bus(client("events")),
        Emf(settings.metric_namespace, {"FileSystemId": settings.file_system_id}),
    )


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 (Lambda's signature)
    """Forecast everything of the file system; answer the SSD tier's forecast and those of the volumes."""
    parts = _parts()
    settings = parts.settings
    now = now_us() / US_PER_DAY
    usages = parts.inventory.usages(now, settings.lookback_days)
    found = [forecast(usage, now, settings.minimum_window_days) for usage in usages]
    try:
        for one in found:
            _measure(parts.metrics, one)
            _deal_with(parts, one)
    finally:
        parts.metrics.flush()
    ssd, *others = (one.to_dict() for one in found)
    return {"file_system_id": settings.file_system_id, **ssd, "others": others}


def _deal_with(parts: _Parts, found: Forecast) -> None:
    """Tell of a crossing, once, and keep the forecast."""
    settings = parts.settings
    before = parts.told.level(settings.file_system_id, found.resource)
    after = next_level(before, found, settings.threshold_days)
    if must_tell(before, after):
        parts.bus.tell(settings.file_system_id, found, after, settings.threshold_days)
        parts.metrics.count("ForecastCrossings_count", Resource=found.resource.key)
    kept = parts.told.keep(settings.file_system_id, found, before, after)
    _log.info(
        "forecast.made",
        resource=found.resource.key,
        outcome=found.outcome,
        days_until_full=round(found.days_until_full, 2),
        method=found.method,
        level=after,
        kept=kept,
    )


def _measure(metrics: Emf, found: Forecast) -> None:
    """Publish the days only when there are some: a -1 would raise every alarm on "fewer than"."""
    resource = found.resource.key
    metrics.put("ForecastAvailable", int(found.available), "Count", Resource=resource)
    if found.available:
        metrics.put("DaysUntilFull", found.days_until_full, "None", Resource=resource)
