"""Settings of the content inventory. The lineage settings are read by the tracker itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fsxn_runtime.edge.settings import log_level, metric_namespace, text
from fsxn_runtime.workloads.settings import uc_id


@dataclass(frozen=True, slots=True)
class InventorySettings:
    """Where files are read (`access_point` is an alias, used as `Bucket=`) and reports written."""

    uc_id: str
    access_point: str
    junction_path: str
    output_bucket: str
    output_prefix: str
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> InventorySettings:
        """Read the environment. Raises MisconfiguredError with the value seen and the value allowed."""
        return cls(
            uc_id=uc_id(env),
            access_point=text(env, "ACCESS_POINT"),
            junction_path=text(env, "JUNCTION_PATH"),
            output_bucket=text(env, "OUTPUT_BUCKET"),
            output_prefix=text(env, "OUTPUT_PREFIX", "reports"),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )
