"""Tells of results: two metrics for each check, a count for each failure, a log line for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fsxn_runtime.canary.model import CheckName, Result
from fsxn_runtime.edge.log import Logger
from fsxn_runtime.edge.metrics import Emf

# The three families of the catalogue; the dimension Check tells those of a family apart.
_ONTAP: Final = ("ONTAPHealth_Success", "ONTAPHealth_Latency_ms")
_LIST: Final = ("S3APList_Success", "S3APList_Latency_ms")
_GET: Final = ("S3APGet_Success", "S3APGet_Latency_ms")
METRICS_OF: Final[Mapping[CheckName, tuple[str, str]]] = {
    CheckName.CERTIFICATE_EXPIRY: _ONTAP,
    CheckName.FPOLICY_CONNECTIONS: _ONTAP,
    CheckName.ONTAP_HEALTH: _ONTAP,
    CheckName.STORE_SPACE: _ONTAP,
    CheckName.S3AP_LIST: _LIST,
    CheckName.S3AP_GET: _GET,
    CheckName.S3AP_PROBE: _GET,
}


def publish(results: Sequence[Result], metrics: Emf, log: Logger) -> None:
    """Write log lines and metrics. A failed check's latency is published too: it is what was waited."""
    for result in results:
        success, latency = METRICS_OF[result.check]
        check, target = str(result.check), result.target
        metrics.put(success, int(result.ok), "Count", Check=check, Target=target)
        metrics.put(latency, result.latency_ms, "Milliseconds", Check=check, Target=target)
        fields = {
            "check": check,
            "target": target,
            "latency_ms": result.latency_ms,
            "detail": result.detail,
        }
        if result.ok:
            log.info("check.passed", **fields)
        else:
            metrics.count("CanaryFailures_count", Check=check, Target=target, Reason=result.reason)
            log.error("check.failed", reason=result.reason, **fields)
    metrics.flush()
