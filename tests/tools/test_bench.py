"""What `make bench` counts: a guardrail asks its store twice at most to allow an action."""

from __future__ import annotations

import pytest

from lab.cloud.emulator import Emulator
from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tools.bench import guardrails as bench


def test_an_allowed_decision_takes_two_calls_of_the_store_at_most(
    emulator: Emulator,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", emulator.region)
    dynamodb = emulator.client("dynamodb")
    bench.make_table(dynamodb)
    found = {"calls": bench.calls(dynamodb)}
    decided = {name: each["to_decide"] for name, each in found["calls"].items()}
    assert decided["allowed, first of the day"] == bench.MOST_CALLS
    assert decided["allowed, a later one"] == 1
    assert bench.failures(found) == []


def test_every_volume_is_forecast_with_its_inodes() -> None:
    assert bench.forecasts(2)["forecasts"] == 5


def test_the_table_has_a_line_for_each_figure() -> None:
    found = {
        "calls": {"allowed": {"to_decide": 1, "in_all": 4}},
        "rates": {"bare": {"per_second": 400.0, "ratio": 1.0}},
        "forecast": {"volumes": 2, "forecasts": 5, "seconds": 0.05, "ms_each": 10.0},
    }
    text = "\n".join(bench.table(found))
    assert "allowed                                    1           4" in text
    assert "bare                                     400        1.00" in text
    assert "forecast of 2 volumes: 5 forecasts in 0.1 s, 10.0 ms each" in text
