from __future__ import annotations

import json

from fpolicy_server import statistics
from fpolicy_server.measures import MAX_SAMPLES, OTHER, ReplayClock, Samples
from fpolicy_server.publish import prometheus_text, publish_emf
from fpolicy_server.statistics import Statistics
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.metric_catalogue import METRICS
from hypothesis import given
from hypothesis import strategies as st

GAUGES = {
    statistics.OPEN: 2,
    statistics.UNACKED: 7.0,
    statistics.REPLAY_TIME: 1.5,
    statistics.SPOOL_BYTES: 4096,
}


def test_every_name_is_in_the_catalogue_as_ours() -> None:
    ours = {name for name, metric in METRICS.items() if metric.producer == "fpolicy-server"}
    used = {*statistics.COUNTERS, *statistics.RARE, *statistics.COUNTERS_BY_REASON, *GAUGES}
    used |= {*statistics.BY_SOURCE.values(), *statistics.LATENCIES, *statistics.LATENCIES.values()}
    used |= {statistics.SOURCE_OPEN, statistics.SOURCE_UNACKED, statistics.SOURCE_REPLAY}
    assert used == ours


def test_a_counter_is_published_as_what_was_added() -> None:
    counters = Statistics()
    lines: list[str] = []
    emf = Emf("Test", write=lines.append)
    counters.count(statistics.RECEIVED, 5)
    counters.count(statistics.CLOSED, reason="peer")
    counters.latency_of(statistics.LATENCY, OTHER).add(12.3456)
    publish_emf(emf, counters, GAUGES, {})
    published = {name: value for line in lines for name, value in json.loads(line).items()}
    assert published[statistics.RECEIVED] == 5
    assert published[statistics.DELIVERED] == 0
    assert (published[statistics.CLOSED], published["Reason"]) == (1, "peer")
    assert (published[statistics.LATENCY], published[statistics.REPLAY_TIME]) == (12.346, 1.5)
    assert published["FPolicySourceDeliveryLatency_ms"] == 12.346
    lines.clear()
    counters.count(statistics.RECEIVED)
    publish_emf(emf, counters, GAUGES, {})
    published = {name: value for line in lines for name, value in json.loads(line).items()}
    assert published[statistics.RECEIVED] == 1
    assert statistics.CLOSED not in published


def test_prometheus_sees_totals_and_gauges() -> None:
    counters = Statistics()
    counters.count(statistics.RECEIVED, 5)
    counters.count(statistics.CLOSED, reason="peer")
    text = prometheus_text(counters, GAUGES, {})
    assert "fpolicy_events_received_total 5\n" in text
    assert 'fpolicy_connections_closed_total{reason="peer"} 1\n' in text
    assert "# TYPE fpolicy_events_unacked_count gauge\nfpolicy_events_unacked_count 7\n" in text


@given(st.integers(0, 20_000))
def test_samples_are_bounded_and_spread_over_all(count: int) -> None:
    samples = Samples()
    for number in range(count):
        samples.add(number)
    taken = samples.take()
    assert len(taken) == count if count <= MAX_SAMPLES else MAX_SAMPLES / 2 <= len(taken) <= MAX_SAMPLES
    if count:
        assert taken[0] == 0 and taken[-1] >= count * 0.99 - 1
    assert samples.take() == []


def test_replay_time_grows_while_events_arrive_and_is_reported_once_at_its_end() -> None:
    clock = ReplayClock(100.0)
    assert clock.take(110.0) == 0.0
    clock.note(112.0)
    assert clock.take(115.0) == 15.0
    clock.note(130.0)
    assert clock.take(139.0) == 39.0
    assert clock.take(141.0) == 30.0
    assert clock.take(150.0) == 0.0
