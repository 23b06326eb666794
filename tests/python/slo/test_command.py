"""`fsxn slo` on a CloudWatch that computes percentiles: status, targets, budget, and their exit statuses."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fsxn_runtime.cli.console import Exit
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.metric_catalogue import METRICS

from lab.cloud.emulator import Emulator
from tests.support.emulator import emulator, emulator_process

__all__ = ["emulator", "emulator_process"]
NAMESPACE = "FSxN-S3AP-Patterns"
GOOD = {
    "EventIngestionLatency_ms": [120.0] * 199 + [60_000.0],
    "ProcessingSuccessRate_pct": [100.0] * 300,
    "FPolicyReconnectTime_sec": [0.0],
    "ReplayCompletionTime_sec": [0.0],
}

Run = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def put(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, list[float]]], None]:
    """Publish values for each of the last minutes, whatever the period."""
    emulator.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    monkeypatch.delenv("SLO_PARAMETER", raising=False)
    forget_clients()
    cloudwatch = emulator.client("cloudwatch")

    def put_values(values: dict[str, list[float]]) -> None:
        now = int(time.time())
        for name, each in values.items():
            for minute in range(26):
                data = {
                    "MetricName": name,
                    "Unit": METRICS[name].unit,
                    "Timestamp": datetime.fromtimestamp(now - minute * 60, UTC),
                    "Values": sorted(set(each)),
                    "Counts": [float(each.count(value)) for value in sorted(set(each))],
                }
                cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[data])

    return put_values


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, list[dict[str, Any]]]:
        status = main(["slo", *words, "--json"])
        return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return call


def test_good_values_are_met(put: Any, run: Run) -> None:
    put(GOOD)
    status, found = run("status")
    assert status == Exit.OK
    assert {(each["slo_name"], each["met"], each["value"]) for each in found} == {
        ("ingestion-latency", True, 120.0),
        ("success-rate", True, 100.0),
        ("reconnect-time", True, 0.0),
        ("replay-completion", True, 0.0),
    }


@pytest.mark.parametrize(
    ("name", "metric", "values", "value"),
    [
        ("ingestion-latency", "EventIngestionLatency_ms", [1.0] * 98 + [5000.0] * 2, 5000.0),
        ("success-rate", "ProcessingSuccessRate_pct", [100.0] * 199 + [0.0], 99.5),
        ("reconnect-time", "FPolicyReconnectTime_sec", [0.0, 30.0], 30.0),
        ("replay-completion", "ReplayCompletionTime_sec", [0.0, 300.0], 300.0),
    ],
)
def test_a_value_at_the_threshold_is_a_finding(
    name: str, metric: str, values: list[float], value: float, put: Any, run: Run
) -> None:
    put({**GOOD, metric: values})
    status, found = run("status")
    assert status == Exit.FINDING
    assert [(each["slo_name"], each["value"]) for each in found if each["state"] == "violated"] == [
        (name, pytest.approx(value))
    ]


def test_silence_is_a_finding_only_where_something_is_published_every_minute(put: Any, run: Run) -> None:
    put({name: GOOD[name] for name in ("FPolicyReconnectTime_sec", "ReplayCompletionTime_sec")})
    assert run("status")[0] == Exit.OK
    put_nothing = run("status")[1]
    assert {each["state"] for each in put_nothing if each["value"] is None} == {"no_data"}


def test_no_metric_at_all_is_a_finding(put: Any, run: Run) -> None:
    put({})
    status, found = run("status")
    assert (status, {each["met"] for each in found}) == (Exit.FINDING, {None})


def test_a_budget_that_burns_is_a_finding(put: Any, run: Run) -> None:
    put(GOOD)
    assert run("budget")[0] == Exit.OK
    put({"FPolicyReconnectTime_sec": [40.0]})
    status, found = run("budget")
    assert status == Exit.FINDING
    assert {each["slo_name"] for each in found if any(burn["burning"] for burn in each["burns"])} == {
        "reconnect-time"
    }


def test_targets_are_those_of_the_parameter(
    put: Any, run: Run, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, repository: Any
) -> None:
    catalogue = json.loads((repository / "python/fsxn_runtime/metric_catalogue.json").read_text())
    del catalogue["metrics"]
    catalogue["slos"]["reconnect-time"]["threshold"] = 77
    emulator.client("ssm").put_parameter(Name="/slo", Type="String", Value=json.dumps(catalogue))
    monkeypatch.setenv("SLO_PARAMETER", "/slo")
    status, found = run("targets")
    assert status == Exit.OK
    assert [each["threshold"] for each in found if each["name"] == "reconnect-time"] == [77]
    assert {each["origin"] for each in found} == {"parameter /slo"}
    assert len(json.dumps(catalogue)) < 4096  # what a standard parameter holds


@pytest.mark.parametrize(
    ("value", "message"),
    [(None, "SLO_PARAMETER is '/slo'; there is no such parameter"), ("{}", "schema_version is missing")],
)
def test_a_parameter_that_is_missing_or_malformed_is_wrong_use_with_one_line(
    value: str | None,
    message: str,
    put: Any,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if value:
        emulator.client("ssm").put_parameter(Name="/slo", Type="String", Value=value)
    monkeypatch.setenv("SLO_PARAMETER", "/slo")
    assert main(["slo", "status"]) == Exit.WRONG_USE
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_cloudwatch_out_of_reach_is_status_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    forget_clients()
    assert main(["slo", "status"]) == Exit.UNREACHABLE
    forget_clients()


def test_the_tables_for_people_have_a_row_for_each_objective(
    put: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    put(GOOD)
    for words in ("status", "targets", "budget"):
        assert main(["slo", words]) == Exit.OK
        shown = capsys.readouterr().out
        for name in ("ingestion-latency", "success-rate", "reconnect-time", "replay-completion"):
            assert name in shown
