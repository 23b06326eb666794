"""Settings of the router Lambda."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fsxn_runtime.edge.settings import log_level, metric_namespace, text


@dataclass(frozen=True, slots=True)
class Settings:
    """What Terraform sets on the function."""

    event_bus_name: str
    quarantine_queue_url: str
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the environment. Raises MisconfiguredError with the value seen and allowed."""
        return cls(
            event_bus_name=text(env, "EVENT_BUS_NAME"),
            quarantine_queue_url=text(env, "QUARANTINE_QUEUE_URL"),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )
