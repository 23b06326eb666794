"""Settings of the reconcile function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fsxn_runtime.edge.settings import integer, log_level, metric_namespace, text


@dataclass(frozen=True, slots=True)
class ReconcileSettings:
    """Where the tasks, the volume map, the table and the secret are."""

    cluster: str
    service: str
    health_port: int
    bucket: str
    map_key: str
    table: str
    secret_id: str
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> ReconcileSettings:
        """Read the environment. Raises MisconfiguredError with the value seen and the value allowed."""
        return cls(
            cluster=text(env, "ECS_CLUSTER"),
            service=text(env, "ECS_SERVICE"),
            health_port=integer(env, "HEALTH_PORT", 9899, minimum=1, maximum=65535),
            bucket=text(env, "CONFIG_BUCKET"),
            map_key=text(env, "VOLUME_MAP_KEY", "volume-map.json"),
            table=text(env, "RECONCILE_TABLE"),
            secret_id=text(env, "ONTAP_SECRET_ID"),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )
