"""The diagnose function, in the VPC: asked by `fsxn diagnose` with {"action": "look"}, it reads ONTAP.

It answers {"parts": ..., "errors": ...}, and what could not be read is in `errors` with its code. It changes
nothing; a refused login is counted where the reconciler counts them, so that both together lock no account.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from fsxn_runtime.diagnose.ontap_side import OntapSide, look
from fsxn_runtime.diagnose.settings import DiagnoseSettings
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.log import logger, set_level
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.fpolicy import CALL_SECONDS, Logins, Memory, Ontap, Prober, Tasks, status
from fsxn_runtime.ontap import OntapClient, Refusals, connect

_log = logger("diagnose")
_RESERVE_SECONDS: Final = 3.0  # for the answer


@cache
def _parts() -> tuple[DiagnoseSettings, OntapClient]:
    settings = DiagnoseSettings.from_env(os.environ)
    set_level(settings.log_level)
    refusals = Refusals(Logins(client("dynamodb"), settings.table), time.time)
    return settings, connect(settings.secret_id, deadline_seconds=CALL_SECONDS, refusals=refusals)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer what was seen."""
    if event.get("action") != "look":
        raise RejectedError('the event must be {"action": "look"}', code="unknown_event")
    settings, ontap = _parts()
    tasks = Tasks(client("ecs"), settings.cluster, settings.service, Prober(settings.health_port))
    memory = Memory(client("dynamodb"), settings.table)
    side = OntapSide(ontap, datetime.now(UTC))
    parts = {"fpolicy": lambda: status(Ontap(ontap), tasks, memory), **side.parts()}
    answer = look(parts, lambda: float(context.get_remaining_time_in_millis()) / 1000 - _RESERVE_SECONDS)
    _log.info("looked", parts=len(answer["parts"]), errors=len(answer["errors"]))
    return answer
