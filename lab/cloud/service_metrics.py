"""Metrics that AWS publishes of its own services and the emulator does not: queues and ECS services.

Only what the product's dashboards draw: `AWS/SQS` by queue, `ECS/ContainerInsights` by cluster and service.
AWS publishes them every minute; here oftener, because a run is short. Start it only where they are wanted:
the emulator's alarms ignore dimensions, so one queue's figures move the alarms of all queues.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from lab.cloud.emulator import Emulator, EmulatorError

INTERVAL_SECONDS = 5.0
SERVICES_LIMIT = 10  # DescribeServices takes no more


class ServiceMetrics:
    """Use as a context manager; `publish` tells once what is now."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._cloudwatch = emulator.client("cloudwatch")
        self._ecs = emulator.client("ecs")
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
        """Put the figures of every queue and every service."""
        self._put("AWS/SQS", self._queues())
        self._put("ECS/ContainerInsights", self._services())

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

    def _put(self, namespace: str, data: list[dict[str, Any]]) -> None:
        if data:
            self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)


def _datum(name: str, unit: str, value: float, **dimensions: str) -> dict[str, Any]:
    named = [{"Name": key, "Value": of} for key, of in dimensions.items()]
    return {"MetricName": name, "Unit": unit, "Value": float(value), "Dimensions": named}
