"""Settings of the rename watcher. The lineage settings are read by the tracker itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fsxn_runtime.edge.settings import integer, log_level, metric_namespace, text
from fsxn_runtime.workloads.settings import uc_id


@dataclass(frozen=True, slots=True)
class WatcherSettings:
    """What is suspicious, whom to tell, and how often at most."""

    uc_id: str
    extensions: frozenset[str]
    topic_arn: str
    window_table: str
    window_seconds: int
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> WatcherSettings:
        """Read the environment. Raises MisconfiguredError with the value seen and the value allowed."""
        listed = text(env, "EXTENSIONS").lower().split(",")
        return cls(
            uc_id=uc_id(env),
            extensions=frozenset(each.strip(" .") for each in listed) - {""},
            topic_arn=text(env, "ALERT_TOPIC_ARN"),
            window_table=text(env, "WINDOW_TABLE"),
            # A minute to a day: shorter floods people, longer lets a second attack pass in silence.
            window_seconds=integer(env, "WINDOW_SECONDS", 900, minimum=60, maximum=86_400),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )
