"""Readers of settings say what was seen and what is allowed."""

from __future__ import annotations

import pytest
from fsxn_runtime.edge import settings
from fsxn_runtime.errors import MisconfiguredError


def test_a_text_is_read_without_surrounding_space() -> None:
    assert settings.text({"NAME": " value "}, "NAME") == "value"


@pytest.mark.parametrize("env", [{}, {"NAME": ""}, {"NAME": "  "}])
def test_a_missing_or_empty_text_takes_the_default_or_is_an_error(env: dict[str, str]) -> None:
    assert settings.text(env, "NAME", "default") == "default"
    assert settings.text(env, "NAME", "") == ""
    with pytest.raises(MisconfiguredError, match="NAME is not set"):
        settings.text(env, "NAME")


@pytest.mark.parametrize(("value", "number"), [("3", 3), ("10", 10), ("1", 1)])
def test_an_integer_may_be_its_own_bound(value: str, number: int) -> None:
    assert settings.integer({"N": value}, "N", minimum=1, maximum=10) == number


@pytest.mark.parametrize("value", ["0", "11", "3.5", "three"])
def test_a_wrong_integer_names_value_and_bounds(value: str) -> None:
    with pytest.raises(MisconfiguredError) as caught:
        settings.integer({"N": value}, "N", minimum=1, maximum=10)
    assert str(caught.value) == f"N is '{value}'; it must be a whole number from 1 to 10"
    assert caught.value.code == "wrong_setting"


def test_an_integer_has_a_default() -> None:
    assert settings.integer({}, "N", 7) == 7


def test_a_choice_is_one_of_its_words() -> None:
    assert settings.choice({"MODE": "b"}, "MODE", ["a", "b"]) == "b"
    assert settings.choice({}, "MODE", ["a", "b"], "a") == "a"
    with pytest.raises(MisconfiguredError, match="MODE is 'B'; it must be a or b"):
        settings.choice({"MODE": "B"}, "MODE", ["a", "b"])


def test_what_every_program_reads_has_one_default() -> None:
    assert (settings.metric_namespace({}), settings.log_level({})) == ("FSxN-S3AP-Patterns", "INFO")
    assert settings.metric_namespace({"METRIC_NAMESPACE": "Mine"}) == "Mine"
    assert settings.log_level({"LOG_LEVEL": "DEBUG"}) == "DEBUG"
    with pytest.raises(MisconfiguredError, match="LOG_LEVEL is 'LOUD'; it must be DEBUG or INFO"):
        settings.log_level({"LOG_LEVEL": "LOUD"})
