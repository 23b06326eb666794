"""EMF lines keep CloudWatch's rules, and only metrics of the catalogue come out."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest
from fsxn_runtime.edge.metrics import MAX_VALUES, Emf
from hypothesis import example, given
from hypothesis import strategies as st

LATENCIES = ["EventIngestionLatency_ms", "FPolicyDeliveryLatency_ms"]


class Lines(list[dict[str, Any]]):
    """Takes what an Emf writes, each line read back."""

    def write(self, line: str) -> None:
        assert line.endswith("\n")
        assert line.count("\n") == 1
        self.append(json.loads(line))


@pytest.fixture
def lines() -> Lines:
    return Lines()


def emf(lines: Lines, **dimensions: str) -> Emf:
    return Emf("Space", dimensions, clock=lambda: 1.5, write=lines.write)


def test_a_line_has_the_form_that_cloudwatch_reads(lines: Lines) -> None:
    metrics = emf(lines)
    metrics.count("RouterEventsQuarantined_count", Reason="not_json")
    metrics.flush()
    assert lines == [
        {
            "_aws": {
                "Timestamp": 1500,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Space",
                        "Dimensions": [[], ["Reason"]],
                        "Metrics": [{"Name": "RouterEventsQuarantined_count", "Unit": "Count"}],
                    }
                ],
            },
            "Reason": "not_json",
            "RouterEventsQuarantined_count": 1,
        }
    ]


def test_counts_are_added_up_and_values_are_kept(lines: Lines) -> None:
    metrics = emf(lines)
    metrics.count("RouterEventsSent_count", 2)
    metrics.count("RouterEventsSent_count", 3)
    metrics.put("EventIngestionLatency_ms", 10.5, "Milliseconds")
    metrics.put("EventIngestionLatency_ms", 20, "Milliseconds")
    metrics.flush()
    assert len(lines) == 1
    assert lines[0]["RouterEventsSent_count"] == 5
    assert lines[0]["EventIngestionLatency_ms"] == [10.5, 20]


def test_a_second_flush_writes_nothing(lines: Lines) -> None:
    metrics = emf(lines)
    metrics.count("RouterEventsSent_count")
    metrics.flush()
    metrics.flush()
    assert len(lines) == 1


def test_each_set_of_dimension_values_has_its_own_line(lines: Lines) -> None:
    metrics = emf(lines, UcId="legal")
    metrics.count("WorkloadFiltered_count", Reason="directory")
    metrics.count("WorkloadFiltered_count", Reason="event_type")
    metrics.flush()
    assert [(line["UcId"], line["Reason"]) for line in lines] == [
        ("legal", "directory"),
        ("legal", "event_type"),
    ]


@pytest.mark.parametrize("unit", ["Seconds", "Count"])
def test_a_unit_that_is_not_the_catalogues_is_refused(unit: str, lines: Lines) -> None:
    with pytest.raises(ValueError, match=unit):
        emf(lines).put("EventIngestionLatency_ms", 1, unit)


def test_a_name_that_is_not_in_the_catalogue_is_refused(lines: Lines) -> None:
    with pytest.raises(ValueError, match="Invented_count"):
        emf(lines).count("Invented_count")


@pytest.mark.parametrize("dimensions", [{}, {"Reason": "x", "Path": "/vol1/a"}])
def test_dimensions_that_are_not_the_catalogues_are_refused(dimensions: dict[str, str], lines: Lines) -> None:
    with pytest.raises(ValueError, match="catalogue says \\['Reason'\\]"):
        emf(lines).count("RouterEventsQuarantined_count", **dimensions)


def test_without_a_writer_lines_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Emf("Space")
    metrics.count("RouterEventsSent_count")
    metrics.flush()
    assert json.loads(capsys.readouterr().out)["RouterEventsSent_count"] == 1


@example(values=[(LATENCIES[0], 1)] * 100)
@example(values=[(LATENCIES[0], 1)] * 101 + [(LATENCIES[1], 2)])
@given(
    values=st.lists(
        st.tuples(
            st.sampled_from(["EventIngestionLatency_ms", "FPolicyDeliveryLatency_ms"]), st.integers(0, 9)
        ),
        max_size=350,
    )
)
def test_no_value_is_lost_and_no_array_is_too_long(values: list[tuple[str, int]]) -> None:
    lines = Lines()
    metrics = emf(lines)
    for name, value in values:
        metrics.put(name, value, "Milliseconds")
    metrics.flush()
    written: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            found = line[metric["Name"]]
            found = found if isinstance(found, list) else [found]
            assert 1 <= len(found) <= MAX_VALUES
            written[metric["Name"]] += found
    for name in LATENCIES:
        assert written[name] == [value for metric, value in values if metric == name]
