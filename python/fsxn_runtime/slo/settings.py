"""Settings of whatever looks at objectives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fsxn_runtime.edge.settings import text


@dataclass(frozen=True, slots=True)
class SloSettings:
    """`parameter` is the SSM parameter with the effective catalogue (module slo); empty: the defaults."""

    parameter: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> SloSettings:
        """Read the environment."""
        return cls(parameter=text(env, "SLO_PARAMETER", ""))
