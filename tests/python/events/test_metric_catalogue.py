"""The metric catalogue is complete and CloudWatch would take it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from fsxn_runtime.metric_catalogue import METRICS, Metric

# The unit in a name's ending, and CloudWatch's word for it. Names fixed elsewhere may have no ending.
UNITS = {"ms": "Milliseconds", "sec": "Seconds", "pct": "Percent", "count": "Count", "bytes": "Bytes"}
WITHOUT_ENDING = {
    "ClockSkew",
    "DaysUntilFull",
    "ForecastAvailable",
    "GuardrailAllowed",
    "GuardrailBlocked",
    "GuardrailBypass",
    "GuardrailDryRunAllowed",
    "GuardrailDynamoDBError",
    "GuardrailGrantMissing",
    "ONTAPHealth_Success",
    "ReconcileUnguarded",
    "RotationAge_days",  # CloudWatch has no unit for it
    "RotationUnfinished_hours",
    "S3APGet_Success",
    "S3APList_Success",
}
# Values that are few and known; a path or an address would make a metric of every file.
BOUNDED_DIMENSIONS = {
    "Action",
    "ActionType",
    "Check",
    "Environment",
    "FileSystemId",
    "Mode",
    "Name",
    "Outcome",
    "Policy",
    "Reason",
    "Resource",
    "Result",
    "Step",
    "Svm",
    "Target",
    "UcId",
}


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_metric_name_ends_in_its_unit(metric: Metric) -> None:
    ending = metric.name.rpartition("_")[2]
    assert metric.name in WITHOUT_ENDING or metric.unit == UNITS[ending]


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_dimensions_are_bounded_and_one_set_holds_all_of_them(metric: Metric) -> None:
    assert metric.dimension_names <= BOUNDED_DIMENSIONS
    assert any(set(names) == metric.dimension_names for names in metric.dimension_sets)


def test_all_metrics_of_one_producer_fit_in_one_emf_directive() -> None:
    """A directive takes 100 metrics (embedded metric format); no process emits for two producers."""
    producers = Counter(metric.producer for metric in METRICS.values())
    assert max(producers.values()) <= 100


def test_the_file_is_sorted_by_name(repository: Path) -> None:
    data = json.loads((repository / "python/fsxn_runtime/metric_catalogue.json").read_text(encoding="utf-8"))
    assert list(data["metrics"]) == sorted(data["metrics"])
