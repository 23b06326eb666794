"""EMF lines of functions and of containers become metrics that CloudWatch can answer for."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.cloud.emf_collector import EmfCollector
from lab.cloud.emulator import Emulator
from tests.lab.cloud.functions import invoke, make_function
from tests.support.waiting import wait_until

NAMESPACE = "Product"
SOURCE = """
import json, time
def handler(event, context):
    directive = {"Namespace": "Product", "Dimensions": [["Function"]],
                 "Metrics": [{"Name": "Latency_ms", "Unit": "Milliseconds"}]}
    print(json.dumps({"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
                      "Function": "route", "Latency_ms": event["values"]}))
"""


def statistics(emulator: Emulator, name: str, dimensions: dict[str, str]) -> dict[str, Any]:
    now = datetime.now(UTC)
    points = emulator.client("cloudwatch").get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=7200,
        Statistics=["Sum", "SampleCount", "Maximum"],
    )["Datapoints"]
    return points[0] if points else {}


def put_line(emulator: Emulator, group: str, text: str) -> None:
    logs = emulator.client("logs")
    try:
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="one")
    except logs.exceptions.ResourceAlreadyExistsException:
        pass
    event = {"timestamp": int(time.time() * 1000), "message": text}
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=[event])


def emf(name: str, value: object) -> str:
    directive = {"Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": [{"Name": name, "Unit": "Count"}]}
    stamp = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": stamp, name: value})


def test_what_a_function_prints_becomes_a_metric(emulator: Emulator) -> None:
    make_function(emulator, "route", SOURCE)
    with EmfCollector(emulator) as collector:
        invoke(emulator, "route", {"values": [10, 20, 20]})
        invoke(emulator, "route", {"values": 400})
        found = wait_until(
            lambda: (
                (s := statistics(emulator, "Latency_ms", {"Function": "route"})).get("SampleCount") == 4 and s
            )
        )
    assert (found["Sum"], found["Maximum"]) == (450, 400)
    assert collector.names == {"Latency_ms"}
    assert not collector.rejected


def test_what_a_container_logs_becomes_a_metric(emulator: Emulator) -> None:
    collector = EmfCollector(emulator)
    for _ in range(3):
        put_line(emulator, "/ecs/server", emf("EventsReceived", [1.0] * 100))
    collector.collect()
    found = statistics(emulator, "EventsReceived", {})
    assert (found["Sum"], found["SampleCount"]) == (300, 300)


def test_a_line_is_collected_once(emulator: Emulator) -> None:
    collector = EmfCollector(emulator)
    put_line(emulator, "/ecs/server", emf("Once", 1))
    collector.collect()
    collector.collect()
    assert statistics(emulator, "Once", {})["SampleCount"] == 1


def test_more_distinct_values_than_one_request_takes_all_arrive(emulator: Emulator) -> None:
    collector = EmfCollector(emulator)
    for start in range(0, 1000, 100):
        put_line(emulator, "/ecs/server", emf("Many", list(range(start, start + 100))))
    collector.collect()
    found = statistics(emulator, "Many", {})
    assert (found["SampleCount"], found["Sum"]) == (1000, sum(range(1000)))


def test_a_line_that_cloudwatch_would_refuse_is_reported(emulator: Emulator) -> None:
    collector = EmfCollector(emulator)
    put_line(emulator, "/ecs/server", emf("Wrong", "text"))
    collector.collect()
    assert "metric Wrong is 'text'" in collector.rejected[0]
    assert not collector.names
