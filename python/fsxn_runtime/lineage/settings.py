"""Settings of whoever writes lineage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fsxn_runtime.edge.settings import integer, metric_namespace, text


@dataclass(frozen=True, slots=True)
class LineageSettings:
    """Table, retention (days; 0 keeps for ever) and the namespace of the tracker's own metrics."""

    table: str
    ttl_days: int
    metric_namespace: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> LineageSettings:
        """Read LINEAGE_TABLE, LINEAGE_TTL_DAYS and METRIC_NAMESPACE. Raises MisconfiguredError."""
        return cls(
            table=text(env, "LINEAGE_TABLE"),
            # 36,500 days: a century; more is a typing error, and 0 is the way to say for ever.
            ttl_days=integer(env, "LINEAGE_TTL_DAYS", 365, minimum=0, maximum=36_500),
            metric_namespace=metric_namespace(env),
        )
