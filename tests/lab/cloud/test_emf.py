"""The rules of the embedded metric format."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cloud.emf import Datum, EmfError, MetricKey, merge, parse


def line(metrics: list[dict[str, str]], dimensions: list[list[str]], **members: Any) -> str:
    directive = {"Namespace": "Product", "Dimensions": dimensions, "Metrics": metrics}
    return json.dumps({"_aws": {"Timestamp": 1_700_000_000_123, "CloudWatchMetrics": [directive]}, **members})


def test_a_metric_is_put_for_each_dimension_set() -> None:
    text = line([{"Name": "Sent", "Unit": "Count"}], [[], ["Task", "Host"]], Sent=[1, 2], Task="a", Host="h")
    assert parse(text) == [
        Datum(MetricKey("Product", "Sent", ()), "Count", 1_700_000_000_123, (1.0, 2.0)),
        Datum(
            MetricKey("Product", "Sent", (("Host", "h"), ("Task", "a"))),
            "Count",
            1_700_000_000_123,
            (1.0, 2.0),
        ),
    ]


@pytest.mark.parametrize("text", ["plain text", '{"event": "batch.sent"}', '{"_aws": {"other": 1}}'])
def test_other_lines_are_not_metrics(text: str) -> None:
    assert parse(text) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (line([{"Name": "A", "Unit": "Counts"}], [[]], A=1), "unit 'Counts'"),
        (line([{"Name": "A"}], [[]]), "A is None"),
        (line([{"Name": "A"}], [[]], A=True), "A is True"),
        (line([{"Name": "A"}], [[]], A=[1] * 101), "101 values"),
        (line([{"Name": "A"}], [[]], A=[]), "0 values"),
        (line([{"Name": "A"}], [["Task"]], A=1), "dimension Task is None"),
        (line([{"Name": "A"}], [["Task"]], A=1, Task=7), "dimension Task is 7"),
        (line([{"Name": f"A{n}"} for n in range(101)], [[]], A=1), "101 metrics"),
        (line([{"Name": "A"}], [[str(n) for n in range(31)]], A=1), "31 dimensions"),
        (line([{"Name": "A"}], [[]], A=1).replace("Product", ""), "Namespace is ''"),
        (line([{"Name": "A"}], [[]], A=1).replace("1700000000123", '"now"'), "Timestamp is 'now'"),
        (line([{"Name": "A"}], [[]], A=1)[:-5], "not JSON"),
    ],
)
def test_what_cloudwatch_refuses_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(EmfError, match=reason):
        parse(text)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5000), st.lists(st.floats(0, 9), min_size=1)))
)
def test_merging_loses_no_value_and_no_second(entries: list[tuple[str, int, list[float]]]) -> None:
    data = [Datum(MetricKey("N", name, ()), "Count", time, tuple(values)) for name, time, values in entries]
    merged = merge(data)
    assert sorted(v for d in merged for v in d.values) == sorted(v for d in data for v in d.values)
    assert sorted((d.key.name, d.time_ms) for d in merged) == sorted(
        {(name, time // 1000 * 1000) for name, time, _ in entries}
    )
