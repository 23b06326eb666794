"""Settings of the export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from fsxn_runtime.edge.settings import integer, log_level, metric_namespace, text
from fsxn_runtime.lineage_export.core import begin_of


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Lineage table, the export's own table, bucket, signing key, and how far a run goes.

    `since` is the first hour ("": that of the first run). `grace` is how long after its end an hour is left
    open for late writers. `max_hours` bounds what one run catches up.
    """

    table: str
    export_table: str
    bucket: str
    signing_key: str
    since: str
    grace: timedelta
    max_hours: int
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> ExportSettings:
        """Read the environment. Raises MisconfiguredError or RejectedError with the value seen."""
        since = text(env, "LINEAGE_EXPORT_SINCE", "")
        if since:
            begin_of(since)
        return cls(
            table=text(env, "LINEAGE_TABLE"),
            export_table=text(env, "LINEAGE_EXPORT_TABLE"),
            bucket=text(env, "LINEAGE_EXPORT_BUCKET"),
            signing_key=text(env, "LINEAGE_SIGNING_KEY"),
            since=since,
            # A function ends within 15 minutes, and an index follows within seconds.
            grace=timedelta(minutes=integer(env, "LINEAGE_EXPORT_GRACE_MINUTES", 15, minimum=1, maximum=59)),
            # Two days; a run has time for many small hours.
            max_hours=integer(env, "LINEAGE_EXPORT_MAX_HOURS", 48, minimum=1, maximum=1000),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )
