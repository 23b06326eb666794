"""Objectives are read whole or refused with the field, the value seen and what is allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.metric_catalogue import METRICS
from fsxn_runtime.slo import SLO_TARGETS, effective_catalogue
from fsxn_runtime.slo.catalogue import defaults, parse
from fsxn_runtime.slo.settings import SloSettings
from hypothesis import given
from hypothesis import strategies as st

ORIGIN = "parameter /fsxn-s3ap/slo-catalogue"
TARGET = {
    "metric": "FPolicyReconnectTime_sec",
    "statistic": "Maximum",
    "comparison": "less",
    "threshold": 45,
    "period_seconds": 60,
    "periods": 3,
    "missing_data": "missing",
    "objective_pct": 99,
}
CATALOGUE: dict[str, Any] = {
    "schema_version": "1.0",
    "namespace": "Mine",
    "slos": {"reconnect-time": TARGET},
    "error_budget": {
        "days": 28,
        "burn_rates": {"hour": {"rate": 14.4, "long_seconds": 3600, "short_seconds": 300}},
    },
}


def changed(path: str, value: object) -> dict[str, Any]:
    """The catalogue with one field set, or taken away (...)."""
    copy = json.loads(json.dumps(CATALOGUE))
    *way, last = path.split(".")
    place = copy
    for name in way:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copy


def test_every_objective_reads_a_metric_of_the_catalogue() -> None:
    assert {target.metric for target in SLO_TARGETS.values()} <= METRICS.keys()


def test_an_objective_asks_for_the_statistic_of_its_metric() -> None:
    assert {t.statistic for t in SLO_TARGETS.values() if t.statistic != METRICS[t.metric].statistic} == set()


def test_the_objectives_are_the_documented_ones() -> None:
    assert {
        (t.name, t.metric, t.statistic, t.comparison, t.threshold, t.period_seconds, t.periods)
        for t in SLO_TARGETS.values()
    } == {
        ("ingestion-latency", "EventIngestionLatency_ms", "p99", "less", 5000, 300, 3),
        ("success-rate", "ProcessingSuccessRate_pct", "Average", "greater", 99.5, 300, 3),
        ("reconnect-time", "FPolicyReconnectTime_sec", "Maximum", "less", 30, 60, 3),
        ("replay-completion", "ReplayCompletionTime_sec", "Maximum", "less", 300, 60, 3),
    }


def test_burn_rates_are_those_of_the_sre_workbook_and_a_day_in_between() -> None:
    """Chapter 5, table 5-8; the short window is a twelfth. A day at 3 uses as much as three days at 1."""
    rates = defaults().burn_rates.values()
    assert [(r.rate, r.long_seconds / 3600, r.short_seconds / 60) for r in rates] == [
        (14.4, 1, 5),
        (6, 6, 30),
        (3, 24, 120),
        (1, 72, 360),
    ]


def test_the_effective_catalogue_is_read_instead_of_the_defaults() -> None:
    class Ssm:
        def get_parameter(self, Name: str, WithDecryption: bool) -> dict[str, Any]:  # noqa: N803
            return {"Parameter": {"Value": json.dumps(CATALOGUE), "Name": Name}}

    found = effective_catalogue(Ssm(), SloSettings.from_env({"SLO_PARAMETER": "/p"}))
    assert (found.origin, found.namespace) == ("parameter /p", "Mine")
    assert found.targets["reconnect-time"].threshold == 45
    assert effective_catalogue(None, SloSettings.from_env({})) == defaults()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema_version", "2.0", "schema_version is '2.0'; this program reads 1.x"),
        ("schema_version", 1, "schema_version is 1; it must be text"),
        ("namespace", ..., "namespace is missing; it must be text"),
        ("slos", {}, "slos is empty; it must have an entry"),
        ("slos", [], "slos is []; it must be an object"),
        (
            "slos.reconnect-time.metric",
            "Unknown",
            "is 'Unknown'; it must be a metric of the catalogue",
        ),
        ("slos.reconnect-time.statistic", "median", "statistic is 'median'; it must be Average"),
        ("slos.reconnect-time.comparison", "equal", "comparison is 'equal'; it must be less or greater"),
        ("slos.reconnect-time.threshold", "45", "threshold is '45'; it must be a number"),
        ("slos.reconnect-time.threshold", True, "threshold is True; it must be a number"),
        ("slos.reconnect-time.threshold", float("nan"), "threshold is nan; it must be a number"),
        ("slos.reconnect-time.period_seconds", 90, "period_seconds is 90; it must be a multiple of 60"),
        ("slos.reconnect-time.periods", 2.5, "periods is 2.5; it must be a whole number within a day"),
        ("slos.reconnect-time.periods", 1441, "periods is 1441; it must be a whole number within a day"),
        (
            "slos.reconnect-time.missing_data",
            "breaching",
            "'breaching'; it must be missing or notBreaching",
        ),
        (
            "slos.reconnect-time.objective_pct",
            100,
            "is 100; it must be a number between 0 and 100",
        ),
        ("slos.reconnect-time.objective_pct", ..., "because there is no objective_pct"),
        ("error_budget.days", 64, "days is 64; it must be a whole number from 1 to 63"),
        ("error_budget.burn_rates.hour.rate", 0, "rate is 0; it must be a number above 0"),
        (
            "error_budget.burn_rates.hour.short_seconds",
            60,
            "is 60; it must be a multiple of 300",
        ),
    ],
)
def test_malformed_content_is_named_with_its_place_and_what_is_allowed(
    path: str, value: object, message: str
) -> None:
    data = changed(path, value)
    if path.endswith("objective_pct") and value is ...:
        data["slos"]["reconnect-time"]["threshold"] = 300
    with pytest.raises(MisconfiguredError) as caught:
        parse(json.dumps(data), ORIGIN)
    assert str(caught.value).startswith(ORIGIN)
    assert message in str(caught.value)


@given(text=st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_a_catalogue_or_one_clear_error(text: str) -> None:
    with pytest.raises(MisconfiguredError, match=r"^somewhere"):
        parse(text, "somewhere")


def every_path(data: dict[str, Any], way: str = "") -> list[str]:
    found = []
    for name, value in data.items():
        found.append(f"{way}{name}")
        if isinstance(value, dict):
            found += every_path(value, f"{way}{name}.")
    return found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@given(path=st.sampled_from(every_path(CATALOGUE)), value=json_values)
def test_a_field_of_any_value_is_read_or_refused_with_one_clear_error(path: str, value: object) -> None:
    try:
        found = parse(json.dumps(changed(path, value)), ORIGIN)
    except MisconfiguredError as error:
        assert str(error).startswith(ORIGIN)
    else:
        assert found.targets
