"""The canary in the VPC: every five minutes by CloudWatch Synthetics, and anywhere by hand.

It uses none of Synthetics' own packages, so it runs without them. Synthetics takes an error for a failed run
and a return for a good one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fsxn_runtime.canary.core import failure_text
from fsxn_runtime.canary.ontap_checks import OntapChecks, ontap_results
from fsxn_runtime.canary.publish import publish
from fsxn_runtime.canary.runner import run_all
from fsxn_runtime.canary.settings import CanarySettings
from fsxn_runtime.edge import log
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import TransientError

_log = log.logger("canary")


@dataclass(frozen=True, slots=True)
class _Parts:
    settings: CanarySettings
    ontap: OntapChecks


@cache
def _parts() -> _Parts:
    settings = CanarySettings.from_env(os.environ)
    log.set_level(settings.log_level)
    secretsmanager = client("secretsmanager", is_brief=True)
    checks = OntapChecks(settings, secretsmanager, client("s3", is_brief=True), time.time)
    return _Parts(settings, checks)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 (Synthetics' signature)
    """Check ONTAP and tell what was found; raise TransientError when any check failed."""
    parts = _parts()
    settings = parts.settings
    results = ontap_results(run_all(parts.ontap.checks(), settings.check_seconds))
    publish(results, Emf(settings.metric_namespace), _log)
    if failed := failure_text(results):
        raise TransientError(failed, code="checks_failed")
    return {"checks": [result.to_dict() for result in results]}
