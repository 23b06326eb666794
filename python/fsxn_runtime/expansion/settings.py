"""Settings of the expand function; those of guardrail and lineage are read by these themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fsxn_runtime.edge.settings import choice, integer, log_level, metric_namespace, text
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.expansion.model import Level, Policy


@dataclass(frozen=True, slots=True)
class ExpansionSettings:
    """Level, policy, table of operations, and the alarms that a check looks at again."""

    level: Level
    policy: Policy
    table: str
    alarm_names: tuple[str, ...]
    approval_machine_arn: str  # "": a proposal is approved by a command only
    approval_url: str
    ontap_secret_id: str  # "": ONTAP is not asked
    volume_growth: str  # by fsx or ontap
    topic_arn: str
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> ExpansionSettings:
        """Read the environment. Raises MisconfiguredError with the value seen and the value allowed."""
        policy = Policy(
            threshold_pct=integer(env, "EXPANSION_THRESHOLD_PCT", 80, minimum=1, maximum=100),
            target_pct=integer(env, "EXPANSION_TARGET_PCT", 70, minimum=1, maximum=99),
            lead_days=integer(env, "EXPANSION_LEAD_DAYS", 30, minimum=0, maximum=365),
            # AWS recommends at most 80 % of the SSD tier: above it tiering and maintenance suffer.
            ssd_limit_pct=integer(env, "EXPANSION_SSD_LIMIT_PCT", 80, minimum=1, maximum=100),
            # The console's maximum of a first-generation file system; FSx itself has the last word.
            max_file_system_gb=integer(env, "EXPANSION_MAX_FILE_SYSTEM_GB", 196_608, minimum=1),
            # 100 TiB, the largest FlexVol of older ONTAP releases: larger is worth a person's thought.
            max_volume_gb=integer(env, "EXPANSION_MAX_VOLUME_GB", 102_400, minimum=1),
            autosized=frozenset(_words(env, "EXPANSION_AUTOSIZED_VOLUMES")),
        )
        if policy.target_pct >= policy.threshold_pct:
            raise MisconfiguredError(
                f"EXPANSION_TARGET_PCT is {policy.target_pct}; it must be below the threshold, "
                f"{policy.threshold_pct}",
                code="wrong_setting",
            )
        ontap_secret_id = text(env, "ONTAP_SECRET_ID", "")
        volume_growth = choice(env, "EXPANSION_VOLUME_GROWTH", ("fsx", "ontap"), "fsx")
        if volume_growth == "ontap" and not ontap_secret_id:
            raise MisconfiguredError(
                "EXPANSION_VOLUME_GROWTH is 'ontap'; it needs ONTAP_SECRET_ID", code="missing_setting"
            )
        return cls(
            level=Level(choice(env, "EXPANSION_LEVEL", tuple(Level), "propose")),
            policy=policy,
            table=text(env, "EXPANSION_TABLE"),
            alarm_names=tuple(_words(env, "EXPANSION_ALARM_NAMES")),
            approval_machine_arn=text(env, "EXPANSION_APPROVAL_MACHINE_ARN", ""),
            approval_url=text(env, "EXPANSION_APPROVAL_URL", ""),
            ontap_secret_id=ontap_secret_id,
            volume_growth=volume_growth,
            topic_arn=text(env, "EXPANSION_SNS_TOPIC_ARN", ""),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )


@dataclass(frozen=True, slots=True)
class ApprovalSettings:
    """Settings of the function behind approval links; those of the guardrail are read by itself."""

    table: str
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> ApprovalSettings:
        """Read the environment. Raises MisconfiguredError with the value seen and the value allowed."""
        return cls(
            table=text(env, "EXPANSION_TABLE"),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )


def _words(env: Mapping[str, str], name: str) -> list[str]:
    """Read words with commas between them."""
    return [word.strip() for word in text(env, name, "").split(",") if word.strip()]
