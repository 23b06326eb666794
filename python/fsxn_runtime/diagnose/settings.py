"""Settings of the diagnose function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fsxn_runtime.edge.settings import integer, log_level, text


@dataclass(frozen=True, slots=True)
class DiagnoseSettings:
    """Where the tasks, what is wanted, and the secret are."""

    cluster: str
    service: str
    health_port: int
    table: str
    secret_id: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> DiagnoseSettings:
        """Read the environment. Raises MisconfiguredError with the value seen and the value allowed."""
        return cls(
            cluster=text(env, "ECS_CLUSTER"),
            service=text(env, "ECS_SERVICE"),
            health_port=integer(env, "HEALTH_PORT", 9899, minimum=1, maximum=65535),
            table=text(env, "RECONCILE_TABLE"),
            secret_id=text(env, "ONTAP_SECRET_ID"),
            log_level=log_level(env),
        )
