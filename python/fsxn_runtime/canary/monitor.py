"""The access point monitor Lambda: every five minutes by schedule, and on demand with any event.

A failed check is a metric, not an error of the function: an error would be tried again and have an alarm of
its own for the same cause. Metrics go out before the state is written, so that trouble there hides nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from fsxn_runtime.canary.access_point import AccessPoint, Witnesses
from fsxn_runtime.canary.diagnosis import Evidence, is_disrupted, results_of, state_of
from fsxn_runtime.canary.publish import publish
from fsxn_runtime.canary.runner import run_all
from fsxn_runtime.canary.settings import MonitorSettings
from fsxn_runtime.canary.state import StateParameter
from fsxn_runtime.edge import log
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.metrics import Emf

_log = log.logger("canary")


@dataclass(frozen=True, slots=True)
class _Parts:
    settings: MonitorSettings
    access_point: AccessPoint
    witnesses: Witnesses
    state: StateParameter


@cache
def _parts() -> _Parts:
    settings = MonitorSettings.from_env(os.environ)
    log.set_level(settings.log_level)

    def brief(service: str) -> Any:
        return client(service, is_brief=True)

    return _Parts(
        settings,
        AccessPoint(brief("s3"), settings.alias, settings.name, settings.marker_key),
        Witnesses(
            brief("s3control"),
            brief("fsx"),
            account_id=settings.account_id,
            name=settings.name,
            file_system_id=settings.file_system_id,
        ),
        StateParameter(client("ssm"), settings.state_parameter, settings.state_key_id),
    )


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 (Lambda's signature)
    """Check the access point, tell what was found, keep its state; answer both."""
    parts = _parts()
    settings = parts.settings
    now = datetime.now(UTC)
    body = f"probe of {now.isoformat()}\n".encode() if settings.probe_enabled else None
    outcomes = run_all(parts.access_point.checks(body), settings.check_seconds)
    all_ok = all(outcome.ok for outcome in outcomes)
    evidence = Evidence() if all_ok else parts.witnesses.gather(parts.access_point, settings.check_seconds)
    results = results_of(outcomes, evidence, joined_to_directory=settings.joined_to_directory)
    metrics = Emf(settings.metric_namespace)
    metrics.put("S3APDisrupted_count", int(is_disrupted(results)), "Count", Target=settings.name)
    publish(results, metrics, _log)
    state = state_of(results)
    if parts.state.keep(state, now):
        _log.warning("state.changed", target=settings.name, state=state)
    return {"state": state, "checks": [result.to_dict() for result in results]}
