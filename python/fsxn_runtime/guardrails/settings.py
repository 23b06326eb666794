"""Settings of every guardrail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from fsxn_runtime.edge.settings import choice, integer, metric_namespace, text
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.guardrails.model import MAX_REQUEST_GB, Limits, Mode

_MAX_CAP_GB: Final = int(MAX_REQUEST_GB)


@dataclass(frozen=True, slots=True)
class GuardrailSettings:
    """Table, mode and limits. `caps_gb` replaces `daily_cap_gb` for the action types it names."""

    table: str
    mode: Mode
    rate_limit: int
    daily_cap_gb: int
    caps_gb: Mapping[str, int]
    cooldown_seconds: int
    max_failures: int
    dry_run_executes: bool
    topic_arn: str
    environment: str
    metric_namespace: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> GuardrailSettings:
        """Read the environment. Raises MisconfiguredError with the value seen and the value allowed."""
        mode = {"GUARDRAIL_MODE": text(env, "GUARDRAIL_MODE", "ENFORCE").upper()}
        return cls(
            table=text(env, "GUARDRAIL_TABLE"),
            mode=Mode(choice(mode, "GUARDRAIL_MODE", tuple(Mode))),
            # 400: the state item remembers the day's actions, and that many are half of what it can hold.
            rate_limit=integer(env, "GUARDRAIL_RATE_LIMIT", 10, minimum=0, maximum=400),
            daily_cap_gb=integer(env, "GUARDRAIL_DAILY_CAP_GB", 500, minimum=0, maximum=_MAX_CAP_GB),
            caps_gb=_caps(env, "GUARDRAIL_DAILY_CAPS_GB"),
            # A week: longer is a way to say never, and a rate limit of 0 says that better.
            cooldown_seconds=integer(env, "GUARDRAIL_COOLDOWN_SECONDS", 300, minimum=0, maximum=604_800),
            max_failures=integer(env, "GUARDRAIL_MAX_FAILURES", 3, minimum=1, maximum=100),
            dry_run_executes=choice(env, "GUARDRAIL_DRY_RUN_EXECUTES", ("true", "false"), "true") == "true",
            topic_arn=text(env, "GUARDRAIL_SNS_TOPIC_ARN", ""),
            environment=text(env, "GUARDRAIL_ENVIRONMENT", "default"),
            metric_namespace=metric_namespace(env),
        )

    def limits(self, action_type: str) -> Limits:
        """Give the limits of one action type."""
        return Limits(
            actions_per_day=self.rate_limit,
            daily_cap_gb=Decimal(self.caps_gb.get(action_type, self.daily_cap_gb)),
            cooldown_seconds=self.cooldown_seconds,
            max_failures=self.max_failures,
        )


def _caps(env: Mapping[str, str], name: str) -> Mapping[str, int]:
    """Read a JSON object of action type and GiB."""
    value = text(env, name, "{}")
    try:
        caps = json.loads(value)
    except ValueError:
        caps = None
    if not isinstance(caps, dict) or not all(
        type(cap) is int and 0 <= cap <= _MAX_CAP_GB for cap in caps.values()
    ):
        raise MisconfiguredError(
            f"{name} is {value[:200]!r}; it must be a JSON object of action type and whole GiB from 0 to "
            f"{_MAX_CAP_GB}",
            code="wrong_setting",
        )
    return MappingProxyType(caps)
