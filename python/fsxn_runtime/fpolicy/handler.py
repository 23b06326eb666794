"""The reconcile function: a schedule, ECS's task events, the server, Terraform, a person.

Invoked every minute, by task state changes, and by the server's log line of a changed volume, with any event:
what runs and what is mounted is read, not believed. By Terraform with {"svm": name, "wanted": {...}} and its
own "tf": {"action": "create" | "update" | "delete"}. By people with {"action": "status"} and
{"action": "reconcile"}. Idempotency: every step follows from what ONTAP shows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.log import logger, set_level
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.fpolicy.clients import Prober, Tasks, VolumeMapObject
from fsxn_runtime.fpolicy.ontap_side import CALL_SECONDS, Ontap
from fsxn_runtime.fpolicy.reconciler import Reconciler
from fsxn_runtime.fpolicy.settings import ReconcileSettings
from fsxn_runtime.fpolicy.store import Lock, Logins, Memory
from fsxn_runtime.ontap import Refusals, connect

_log = logger("fpolicy")
# What is written after the last call: metrics, the lock's end, the answer.
_RESERVE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class _Parts:
    settings: ReconcileSettings
    ontap: Ontap
    tasks: Tasks
    volume_map: VolumeMapObject
    memory: Memory
    emf: Emf


class InvocationClock:
    """The clock of one invocation."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def now(self) -> float:
        """Give seconds that only grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def left(self) -> float:
        """Give the seconds until Lambda ends the invocation, without those for the end."""
        return float(self._context.get_remaining_time_in_millis()) / 1000 - _RESERVE_SECONDS


@cache
def _parts() -> _Parts:
    settings = ReconcileSettings.from_env(os.environ)
    set_level(settings.log_level)
    refusals = Refusals(Logins(client("dynamodb"), settings.table), time.time)
    return _Parts(
        settings,
        Ontap(connect(settings.secret_id, deadline_seconds=CALL_SECONDS, refusals=refusals)),
        Tasks(client("ecs"), settings.cluster, settings.service, Prober(settings.health_port)),
        VolumeMapObject(client("s3"), settings.bucket, settings.map_key),
        Memory(client("dynamodb"), settings.table),
        Emf(settings.metric_namespace),
    )


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Handle one event; answer what was done."""
    parts = _parts()
    lock = Lock(client("dynamodb"), parts.settings.table, context.aws_request_id)
    reconciler = Reconciler(
        parts.ontap, parts.tasks, parts.volume_map, parts.memory, lock, parts.emf, InvocationClock(context)
    )
    try:
        return answer(reconciler, event)
    finally:
        parts.emf.flush()


def answer(reconciler: Reconciler, event: Mapping[str, Any]) -> dict[str, Any]:
    """Give each kind of event to its method. Raises RejectedError for one that nobody sends."""
    match event:
        case {"tf": {"action": "delete"}, "svm": str(name), "wanted": dict(document)}:
            return reconciler.remove(name, document)
        case {"tf": {"action": "create" | "update"}, "svm": str(name), "wanted": dict(document)}:
            return reconciler.want(name, document)
        case {"action": "status"}:
            return reconciler.status()
        case {"awslogs": {"data": str()}}:
            _log.info("reconcile.asked", by="server")
            return reconciler.reconcile()
        case {"action": "reconcile"} | {"source": "aws.ecs" | "aws.events"}:
            return reconciler.reconcile()
    raise RejectedError(
        "the event is no task state change, schedule, log line, lifecycle call or action of this function",
        code="unknown_event",
    )
