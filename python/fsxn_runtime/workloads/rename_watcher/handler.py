"""The process function: one rename, judged, told or held, counted, recorded.

Idempotency key: the work key, which is the event's id. A repetition of the rename that told people tells
them again; one of a rename that was held is held.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import TimeBudget, now_us
from fsxn_runtime.edge.log import logger, set_level
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.lineage import LineageStatus, LineageTracker
from fsxn_runtime.workloads.job import Job, lineage_record
from fsxn_runtime.workloads.rename_watcher.core import Outcome, alert, new_extension
from fsxn_runtime.workloads.rename_watcher.settings import WatcherSettings
from fsxn_runtime.workloads.rename_watcher.store import Topic, Window

_log = logger("workload.rename-watcher")
_RESERVE_MS: Final = 1_000


@cache
def _parts() -> tuple[WatcherSettings, Window, Topic, LineageTracker]:
    settings = WatcherSettings.from_env(os.environ)
    set_level(settings.log_level)
    window = Window(client("dynamodb"), settings.window_table)
    return settings, window, Topic(client("sns"), settings.topic_arn), LineageTracker()


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Watch one rename; the result says what became of it."""
    settings, window, topic, tracker = _parts()
    began = now_us()
    job = Job.from_input(event)
    outcome = watch(job, settings, window, topic, began)
    emf = Emf(settings.metric_namespace, {"UcId": settings.uc_id})
    emf.count("RenameWatcherRenames_count", Outcome=outcome)
    emf.count("RenameWatcherSuspicious_count", int(outcome is not Outcome.HARMLESS))
    emf.flush()
    duration_ms = (now_us() - began) // 1000
    tracker.record(lineage_record(job, LineageStatus.SUCCESS, duration_ms=duration_ms, reason=outcome))
    tracker.flush(TimeBudget.of(context, _RESERVE_MS))
    return {"status": "processed", "work_key": job.work_key, "outcome": outcome}


def watch(job: Job, settings: WatcherSettings, window: Window, topic: Topic, now: int) -> Outcome:
    """Judge a rename, and tell people unless they were told a short while ago."""
    extension = new_extension(job.event, settings.extensions)
    if extension is None:
        return Outcome.HARMLESS
    _log.warning("rename.suspicious", event_id=job.event.event_id, extension=extension)
    if not window.claim(job.work_key, now // 1_000_000, settings.window_seconds):
        return Outcome.HELD
    topic.tell(alert(job.event, extension, settings.uc_id, settings.window_seconds))
    return Outcome.TOLD
