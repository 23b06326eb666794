"""Settings of the forecast Lambda."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fsxn_runtime.edge.settings import integer, log_level, metric_namespace, text


@dataclass(frozen=True, slots=True)
class Settings:
    """What Terraform sets on the function. Lengths of time are days."""

    file_system_id: str
    lookback_days: int
    minimum_window_days: int
    threshold_days: int
    table: str
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the environment. Raises MisconfiguredError with the value seen and allowed."""
        return cls(
            file_system_id=text(env, "FILE_SYSTEM_ID"),
            # CloudWatch keeps hourly values for 455 days (user guide, metrics retention).
            lookback_days=integer(env, "LOOKBACK_DAYS", 30, minimum=1, maximum=455),
            # Two days: the least in which a daily pattern is seen to be none of growth.
            minimum_window_days=integer(env, "MINIMUM_WINDOW_DAYS", 2, minimum=0, maximum=30),
            threshold_days=integer(env, "THRESHOLD_DAYS", 30, minimum=1, maximum=3650),
            table=text(env, "FORECAST_TABLE"),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )
