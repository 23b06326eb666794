"""Settings of the canary in the VPC and of the access point monitor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fsxn_runtime.canary.core import EVIDENCE_STEPS, check_budget, ontap_check_count
from fsxn_runtime.canary.model import Policy
from fsxn_runtime.edge.settings import choice, integer, log_level, metric_namespace, text
from fsxn_runtime.errors import MisconfiguredError

_SWITCH: Final = ("false", "true")
_ARN: Final = re.compile(r"arn:[^:]+:s3:[^:]+:(\d{12}):accesspoint/([a-z0-9-]+)")


@dataclass(frozen=True, slots=True)
class CanarySettings:
    """What Terraform sets on the canary. Times are seconds; `target` names the file system in metrics."""

    secret_id: str
    target: str
    policies: tuple[Policy, ...]
    node_count: int
    certificate_days: int
    store_percent: int
    check_seconds: int
    timeout_seconds: int
    state_bucket: str
    state_key: str
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> CanarySettings:
        """Read the environment. Raises MisconfiguredError, also when all checks may outlast a run."""
        settings = cls(
            secret_id=text(env, "ONTAP_SECRET_ID"),
            target=text(env, "FILE_SYSTEM_ID"),
            policies=_policies(text(env, "CANARY_POLICIES", "")),
            node_count=integer(env, "CANARY_NODE_COUNT", 2, minimum=1, maximum=24),
            certificate_days=integer(env, "CANARY_CERTIFICATE_DAYS", 30, minimum=1, maximum=365),
            store_percent=integer(env, "CANARY_STORE_PERCENT", 80, minimum=1, maximum=99),
            check_seconds=integer(env, "CANARY_CHECK_SECONDS", 15, minimum=2, maximum=120),
            # A run must be over before the next one; Synthetics asks for 3 at least (API reference).
            timeout_seconds=integer(env, "CANARY_TIMEOUT_SECONDS", 240, minimum=3, maximum=300),
            state_bucket=text(env, "CANARY_STATE_BUCKET"),
            state_key=text(env, "CANARY_STATE_KEY", "state/refused-login.json"),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )
        check_budget(ontap_check_count(settings.policies), settings.check_seconds, settings.timeout_seconds)
        return settings


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """What Terraform sets on the access point monitor. Times are seconds; account and name are the ARN's."""

    alias: str
    account_id: str
    name: str
    file_system_id: str
    marker_key: str
    probe_enabled: bool
    joined_to_directory: bool
    state_parameter: str
    state_key_id: str
    check_seconds: int
    timeout_seconds: int
    metric_namespace: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> MonitorSettings:
        """Read the environment. Raises MisconfiguredError, also when all steps together may outlast a run."""
        account_id, name = _access_point(text(env, "ACCESS_POINT_ARN", ""))
        settings = cls(
            alias=text(env, "ACCESS_POINT"),
            account_id=account_id,
            name=name,
            file_system_id=text(env, "FILE_SYSTEM_ID"),
            marker_key=text(env, "MARKER_KEY", ".fsxn-canary/marker"),
            probe_enabled=choice(env, "PROBE_ENABLED", _SWITCH, "false") == "true",
            joined_to_directory=choice(env, "JOINED_TO_DIRECTORY", _SWITCH, "false") == "true",
            state_parameter=text(env, "STATE_PARAMETER"),
            state_key_id=text(env, "STATE_KEY_ID", "alias/aws/ssm"),
            check_seconds=integer(env, "CHECK_SECONDS", 10, minimum=2, maximum=120),
            timeout_seconds=integer(env, "TIMEOUT_SECONDS", 90, minimum=3, maximum=300),
            metric_namespace=metric_namespace(env),
            log_level=log_level(env),
        )
        steps = 2 + int(settings.probe_enabled) + EVIDENCE_STEPS
        check_budget(steps, settings.check_seconds, settings.timeout_seconds)
        return settings


def _policies(value: str) -> tuple[Policy, ...]:
    """Read `svm/policy,svm/policy`."""
    pairs = [entry.strip().partition("/") for entry in value.split(",") if entry.strip()]
    if any(not svm or not policy or "/" in policy for svm, _, policy in pairs):
        raise MisconfiguredError(
            f"CANARY_POLICIES is {value!r}; it must be pairs svm/policy with commas between them",
            code="wrong_setting",
        )
    return tuple(Policy(svm, policy) for svm, _, policy in pairs)


def _access_point(arn: str) -> tuple[str, str]:
    """Account and name of an access point."""
    match = _ARN.fullmatch(arn)
    if match is None:
        raise MisconfiguredError(
            f"ACCESS_POINT_ARN is {arn!r}; it must be the ARN of an access point, not its alias",
            code="wrong_setting",
        )
    return match[1], match[2]
