"""Metrics that AWS publishes of its own services and the emulator does not.

Only what the product's dashboards draw: `AWS/SQS` by queue, `ECS/ContainerInsights` by cluster and service,
and of what costs (`usage.py`) functions' invocations, tables' write units, log groups' bytes, executions.
AWS publishes them every minute; here oftener, because a run is short.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from lab.cloud.emulator import Emulator, EmulatorError

INTERVAL_SECONDS = 5.0
SERVICES_LIMIT = 10  # DescribeServices takes no more


# What was used -> namespace, metric, unit, dimension.
USED = {
    "executions": ("AWS/States", "ExecutionsStarted", "Count", "StateMachineArn"),
    "invocations": ("AWS/Lambda", "Invocations", "Count", "FunctionName"),
    "log bytes": ("AWS/Logs", "IncomingBytes", "Bytes", "LogGroupName"),
    "write units": ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Count", "TableName"),
}


class ServiceMetrics:
    """Use as a context manager; `publish` tells once what is now."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._cloudwatch = emulator.client("cloudwatch")
        self._ecs = emulator.client("ecs")
        self._used: dict[tuple[str, str], float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="service-metrics", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def publish(self) -> None:
        """Put the figures of every queue and every service, and what was used since the last time."""
        self._put("AWS/SQS", self._queues())
        self._put("ECS/ContainerInsights", self._services())
        for namespace, data in self._usage().items():
            self._put(namespace, data)

    def _run(self) -> None:
        while not self._ended.wait(INTERVAL_SECONDS):
            try:
                self.publish()
            except (OSError, EmulatorError, BotoCoreError, ClientError) as error:  # it stops or resets
                print(f"metrics of services lost: {error}")

    def _queues(self) -> list[dict[str, Any]]:
        data = []
        for name, (visible, age) in self._emulator.queue_figures().items():
            data.append(_datum("ApproximateNumberOfMessagesVisible", "Count", visible, QueueName=name))
            data.append(_datum("ApproximateAgeOfOldestMessage", "Seconds", age, QueueName=name))
        return data

    def _services(self) -> list[dict[str, Any]]:
        data = []
        for cluster in self._ecs.list_clusters()["clusterArns"]:
            arns = self._ecs.list_services(cluster=cluster)["serviceArns"]
            if not arns:
                continue
            found = self._ecs.describe_services(cluster=cluster, services=arns[:SERVICES_LIMIT])["services"]
            for service in found:
                names = {"ClusterName": cluster.rsplit("/", 1)[-1], "ServiceName": service["serviceName"]}
                data.append(_datum("RunningTaskCount", "Count", service["runningCount"], **names))
                data.append(_datum("DesiredTaskCount", "Count", service["desiredCount"], **names))
        return data

    def _usage(self) -> dict[str, list[dict[str, Any]]]:
        """What was used since the last call, by namespace."""
        before, self._used = self._used, self._emulator.usage()
        found: dict[str, list[dict[str, Any]]] = {}
        for (what, resource), amount in self._used.items():
            more = amount - before.get((what, resource), 0)
            if what in USED and more > 0:
                namespace, metric, unit, dimension = USED[what]
                found.setdefault(namespace, []).append(_datum(metric, unit, more, **{dimension: resource}))
        return found

    def _put(self, namespace: str, data: list[dict[str, Any]]) -> None:
        if data:
            self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)


def _datum(name: str, unit: str, value: float, **dimensions: str) -> dict[str, Any]:
    named = [{"Name": key, "Value": of} for key, of in dimensions.items()]
    return {"MetricName": name, "Unit": unit, "Value": float(value), "Dimensions": named}
