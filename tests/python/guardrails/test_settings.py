"""Settings of a guardrail."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.guardrails import GuardrailSettings, Mode


def read(**env: str) -> GuardrailSettings:
    return GuardrailSettings.from_env({"GUARDRAIL_TABLE": "t"} | env)


def test_the_defaults_are_the_contracts():
    settings = read()
    assert (settings.rate_limit, settings.daily_cap_gb, settings.cooldown_seconds) == (10, 500, 300)
    assert settings.mode is Mode.ENFORCE
    assert settings.dry_run_executes


@pytest.mark.parametrize("value", ["dry_run", "Dry_Run", "DRY_RUN", " dry_run "])
def test_a_mode_may_be_written_in_any_case(value):
    assert read(GUARDRAIL_MODE=value).mode is Mode.DRY_RUN


def test_an_unknown_mode_is_an_error_at_the_start():
    with pytest.raises(MisconfiguredError, match="GUARDRAIL_MODE is 'OFF'"):
        read(GUARDRAIL_MODE="off")


def test_a_type_may_have_a_cap_of_its_own():
    settings = read(GUARDRAIL_DAILY_CAPS_GB='{"file_system_grow": 2048}')
    assert settings.limits("file_system_grow").daily_cap_gb == Decimal(2048)
    assert settings.limits("volume_grow").daily_cap_gb == Decimal(500)


@pytest.mark.parametrize("value", ["[]", "x", '{"a": -1}', '{"a": 1.5}', '{"a": true}', '{"a": "1"}'])
def test_caps_that_are_no_sizes_are_an_error(value):
    with pytest.raises(MisconfiguredError, match="GUARDRAIL_DAILY_CAPS_GB is"):
        read(GUARDRAIL_DAILY_CAPS_GB=value)
