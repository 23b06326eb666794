"""Settings of starter, finisher and poller."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fsxn_runtime.edge.settings import choice, integer, log_level, metric_namespace, text
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.lineage import RetentionProfile
from fsxn_runtime.workloads.model import WorkKeyKind

# From what anybody may see to what few may: a tag on resources, and a field of every lineage record.
DATA_CLASSIFICATIONS: Final = ("public", "internal", "confidential", "restricted")
# It becomes part of table keys, object keys and a metric dimension.
_UC_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def uc_id(env: Mapping[str, str]) -> str:
    """Read UC_ID, the workload's name."""
    value = text(env, "UC_ID")
    if _UC_ID.fullmatch(value) is None:
        raise MisconfiguredError(
            f"UC_ID is {value!r}; it must be 1 to 64 letters, digits, - or _", code="wrong_setting"
        )
    return value


def labels(env: Mapping[str, str]) -> dict[str, str]:
    """Read what a workload's records carry beside what happened; only what is set."""
    found = {
        "data_classification": choice(env, "DATA_CLASSIFICATION", ("", *DATA_CLASSIFICATIONS), ""),
        "policy_version": text(env, "POLICY_VERSION", ""),
        "retention_profile": choice(env, "RETENTION_PROFILE", ("", *RetentionProfile), ""),
        "uc_template_version": text(env, "UC_TEMPLATE_VERSION", ""),
    }
    return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class StartSettings:
    """The starter's settings. `access_point` is an alias, used as `Bucket=`.

    `records_decisions`: also events that start nothing get a lineage record. `labels` go with the work into
    its records; only those that are set are there.
    """

    uc_id: str
    state_table: str
    state_machine_arn: str
    queue_url: str
    dlq_url: str
    access_point: str
    junction_path: str
    settle_seconds: int
    work_key: WorkKeyKind
    records_decisions: bool
    labels: Mapping[str, str]
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> StartSettings:
        """Read the environment. Raises MisconfiguredError with the value seen and the value allowed."""
        return cls(
            uc_id=uc_id(env),
            state_table=text(env, "STATE_TABLE"),
            state_machine_arn=text(env, "STATE_MACHINE_ARN"),
            queue_url=text(env, "WORKLOAD_QUEUE_URL"),
            dlq_url=text(env, "WORKLOAD_DLQ_URL"),
            access_point=text(env, "ACCESS_POINT"),
            junction_path=text(env, "JUNCTION_PATH"),
            # An hour of quiet is the most that makes sense for work that starts when files change.
            settle_seconds=integer(env, "SETTLE_SECONDS", 30, minimum=0, maximum=3600),
            work_key=WorkKeyKind(choice(env, "WORK_KEY", tuple(WorkKeyKind), "file_version")),
            records_decisions=choice(env, "RECORD_DECISIONS", ("outcomes", "all"), "outcomes") == "all",
            labels=labels(env),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )


@dataclass(frozen=True, slots=True)
class FinishSettings:
    """The finisher's settings. The lineage settings are read by the tracker itself."""

    uc_id: str
    state_table: str
    state_machine_arn: str
    dlq_url: str
    max_attempts: int
    sweep_after_seconds: int
    starter_mapping_id: str
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> FinishSettings:
        """Read the environment. Raises MisconfiguredError with the value seen and the value allowed."""
        return cls(
            uc_id=uc_id(env),
            state_table=text(env, "STATE_TABLE"),
            state_machine_arn=text(env, "STATE_MACHINE_ARN"),
            dlq_url=text(env, "WORKLOAD_DLQ_URL"),
            max_attempts=integer(env, "MAX_ATTEMPTS", 3, minimum=1, maximum=10),
            # Longer than the state machine's own time limit, or every sweep looks at running executions.
            sweep_after_seconds=integer(env, "SWEEP_AFTER_SECONDS", 900, minimum=1, maximum=86_400),
            starter_mapping_id=text(env, "STARTER_MAPPING_ID"),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )


@dataclass(frozen=True, slots=True)
class PollSettings:
    """The poller's settings. `state_parameter` is "" where nobody keeps the access point's state."""

    uc_id: str
    state_table: str
    queue_url: str
    access_point: str
    state_parameter: str
    svm_name: str
    volume_name: str
    junction_path: str
    settle_seconds: int
    overlap_seconds: int
    max_messages: int
    process_existing: bool
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> PollSettings:
        """Read the environment. Raises MisconfiguredError with the value seen and the value allowed."""
        return cls(
            uc_id=uc_id(env),
            state_table=text(env, "STATE_TABLE"),
            queue_url=text(env, "WORKLOAD_QUEUE_URL"),
            access_point=text(env, "ACCESS_POINT"),
            state_parameter=text(env, "STATE_PARAMETER", ""),
            svm_name=text(env, "SVM_NAME"),
            volume_name=text(env, "VOLUME_NAME"),
            junction_path=text(env, "JUNCTION_PATH"),
            settle_seconds=integer(env, "SETTLE_SECONDS", 30, minimum=0, maximum=3600),
            # A minute of clock skew (core.CLOCK_TOLERANCE_US), the second that a listing's times lack, and
            # the time from a file's modification to its place in the listing.
            overlap_seconds=integer(env, "POLL_OVERLAP_SECONDS", 120, minimum=62, maximum=86_400),
            max_messages=integer(env, "POLL_MAX_MESSAGES", 10_000, minimum=1, maximum=100_000),
            process_existing=choice(env, "POLL_PROCESS_EXISTING", ("true", "false"), "false") == "true",
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )
