from __future__ import annotations

import json
import re

from fpolicy_server import statistics
from fpolicy_server.measures import (
    BOUNDS_MS,
    MAX_SOURCE_SAMPLES,
    MAX_SOURCES,
    OTHER,
    Latency,
    RecentIds,
    Samples,
    Source,
    Sources,
)
from fpolicy_server.publish import prometheus_text, publish_emf
from fpolicy_server.statistics import Statistics
from fsxn_runtime.edge.metrics import Emf
from hypothesis import given
from hypothesis import strategies as st

# Text format 0.0.4: name, labels without a line feed or an unescaped quote, a number.
LINE = re.compile(r'[a-z_:][a-z0-9_:]*(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? [-+0-9.e]+')


@given(st.lists(st.sampled_from(range(200)), max_size=400))
def test_a_repeat_among_the_last_ids_is_always_found_and_a_first_never_is(numbers: list[int]) -> None:
    recent, seen = RecentIds(capacity=20), list[int]()
    for number in numbers:
        distinct_since = len(set(seen[len(seen) - seen[::-1].index(number) :])) if number in seen else None
        is_repeat = recent.is_repeat(str(number))
        if distinct_since is None:
            assert not is_repeat
        elif distinct_since < 20:
            assert is_repeat
        seen.append(number)


@given(st.lists(st.text(max_size=3), max_size=200), st.integers(1, 30))
def test_the_memory_for_ids_is_bounded(ids: list[str], capacity: int) -> None:
    recent = RecentIds(capacity)
    for event_id in ids:
        recent.is_repeat(event_id)
        assert len(recent._newer) < capacity or capacity == 1
        assert len(recent._older) <= capacity


def test_further_sources_share_one_label() -> None:
    sources = Sources()
    first = [sources.label(f"svm{number}", "pol0") for number in range(MAX_SOURCES)]
    assert len(set(first)) == MAX_SOURCES
    assert sources.label("one more", "pol0") == OTHER
    assert sources.label("svm3", "pol0") == ("svm3", "pol0")


@given(st.text(), st.text())
def test_whatever_a_peer_calls_itself_the_published_lines_are_well_formed(svm: str, policy: str) -> None:
    counters, lines = Statistics(), list[str]()
    source = counters.sources.label(svm, policy)
    counters.count(statistics.RECEIVED, source=source)
    counters.latency_of(statistics.LATENCY, source).add(3.0)
    gauges = {statistics.SOURCE_REPLAY: {source: 1.5}}
    for line in prometheus_text(counters, {}, gauges).splitlines():
        assert line.startswith("# TYPE ") or LINE.fullmatch(line), line
    emf = Emf("Test", write=lines.append)
    publish_emf(emf, counters, {}, gauges)
    assert all(line.isascii() and line.count("\n") == 1 for line in lines)
    assert sum("FPolicySourceReceived_count" in line for line in lines) == 1


def test_what_a_source_did_is_published_once() -> None:
    counters, source = Statistics(), ("svm1", "pol0")
    counters.count(statistics.RECEIVED, 3, source=source)
    assert counters.take_changes_by_source() == {(statistics.RECEIVED, source): 3}
    assert counters.take_changes_by_source() == {}
    text = prometheus_text(counters, {}, {statistics.SOURCE_REPLAY: {source: 2.0}})
    assert 'fpolicy_source_received_total{svm="svm1",policy="pol0"} 3\n' in text
    assert 'fpolicy_source_replay_sec{svm="svm1",policy="pol0"} 2\n' in text


sources = st.sampled_from([("svm1", "pol0"), ("svm1", "pol1"), OTHER])


@given(st.lists(st.tuples(sources, st.floats(-1000, 1_000_000)), max_size=50))
def test_a_histogram_counts_each_value_in_every_bucket_that_holds_it(
    values: list[tuple[Source, float]],
) -> None:
    """For each SVM and policy, and over all of them."""
    counters = Statistics()
    for source, value in values:
        counters.latency_of(statistics.LATENCY, source).add(value)
    text = prometheus_text(counters, {}, {})
    for bound in BOUNDS_MS:
        count = sum(value <= bound for _, value in values)
        assert f'fpolicy_delivery_latency_ms_bucket{{le="{bound}"}} {count}\n' in text
        for svm, policy in {source for source, _ in values}:
            count = sum(value <= bound for source, value in values if source == (svm, policy))
            labels = f'svm="{svm}",policy="{policy}",le="{bound}"'
            assert f"fpolicy_source_delivery_latency_ms_bucket{{{labels}}} {count}\n" in text
    assert f'fpolicy_delivery_latency_ms_bucket{{le="+Inf"}} {len(values)}\n' in text
    assert f"fpolicy_delivery_latency_ms_count {len(values)}\n" in text
    assert "\n# TYPE fpolicy_operation_latency_ms histogram\n" in text


@given(st.integers(0, 3000))
def test_what_is_kept_of_a_source_until_a_report_is_bounded(count: int) -> None:
    counters, lines = Statistics(), list[str]()
    for number in range(count):
        counters.latency_of(statistics.LATENCY, ("svm1", "pol0")).add(number)
    publish_emf(Emf("Test", write=lines.append), counters, {}, {})
    published = [json.loads(line) for line in lines]
    of_source = [line["FPolicySourceDeliveryLatency_ms"] for line in published if "Svm" in line]
    sent = [value for values in of_source for value in (values if isinstance(values, list) else [values])]
    assert len(sent) == count if count <= MAX_SOURCE_SAMPLES else len(sent) >= MAX_SOURCE_SAMPLES / 2
    assert len(sent) <= MAX_SOURCE_SAMPLES


def test_a_time_before_its_beginning_counts_as_none() -> None:
    of_all = Samples()
    latency = Latency(of_all)
    latency.add(-5.0)
    assert (latency.samples.take(), of_all.take(), latency.sum_ms, latency.counts[0]) == (
        [0.0],
        [0.0],
        0.0,
        1,
    )
