"""Settings of the expand function."""

from __future__ import annotations

import pytest
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.expansion.model import Level
from fsxn_runtime.expansion.settings import ExpansionSettings


def read(**env: str) -> ExpansionSettings:
    return ExpansionSettings.from_env({"EXPANSION_TABLE": "t"} | env)


def test_nothing_grows_by_itself_unless_it_is_said():
    assert read().level is Level.PROPOSE


def test_lists_may_have_blanks_and_be_empty():
    settings = read(EXPANSION_ALARM_NAMES="a, b,,", EXPANSION_AUTOSIZED_VOLUMES="")
    assert (settings.alarm_names, settings.policy.autosized) == (("a", "b"), frozenset())


def test_a_target_at_the_threshold_would_grow_for_ever():
    with pytest.raises(MisconfiguredError, match="EXPANSION_TARGET_PCT is 80"):
        read(EXPANSION_TARGET_PCT="80")
