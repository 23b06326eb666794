"""Queues and services have the metrics that AWS would publish of them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.cloud.emulator import Emulator
from lab.cloud.service_metrics import ServiceMetrics
from tests.support.emulator import emulator, emulator_process

__all__ = ["emulator", "emulator_process"]


def newest(aws: Emulator, namespace: str, name: str, **dimensions: str) -> float:
    now = datetime.now(UTC)
    answer: dict[str, Any] = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        Period=300,
        Statistics=["Maximum"],
    )
    return max(point["Maximum"] for point in answer["Datapoints"])


def test_a_queue_tells_what_waits_and_for_how_long(emulator: Emulator) -> None:
    sqs = emulator.client("sqs")
    for name in ("full", "empty"):
        sqs.create_queue(QueueName=name)
    url = sqs.get_queue_url(QueueName="full")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="one")
    sqs.send_message(QueueUrl=url, MessageBody="two", DelaySeconds=60)
    sent = time.time()
    while emulator.queue_figures()["full"][1] < 0.2:
        assert time.time() - sent < 10
        time.sleep(0.05)
    ServiceMetrics(emulator).publish()
    assert newest(emulator, "AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName="full") == 1
    assert 0.2 <= newest(emulator, "AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName="full") < 30
    assert newest(emulator, "AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName="empty") == 0
    assert newest(emulator, "AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName="empty") == 0


def test_a_service_tells_how_many_tasks_are_wanted_and_run(emulator: Emulator) -> None:
    ecs = emulator.client("ecs")
    ecs.create_cluster(clusterName="c")
    ecs.register_task_definition(family="t", containerDefinitions=[{"name": "n", "image": "i", "memory": 64}])
    ecs.create_service(cluster="c", serviceName="s", taskDefinition="t", desiredCount=2)
    ServiceMetrics(emulator).publish()
    where = {"ClusterName": "c", "ServiceName": "s"}
    assert newest(emulator, "ECS/ContainerInsights", "DesiredTaskCount", **where) == 2
    assert newest(emulator, "ECS/ContainerInsights", "RunningTaskCount", **where) == 0


def test_a_table_tells_the_write_units_since_the_last_time(emulator: Emulator) -> None:
    dynamodb = emulator.client("dynamodb")
    dynamodb.create_table(
        TableName="used",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    metrics = ServiceMetrics(emulator)
    metrics.publish()
    dynamodb.put_item(TableName="used", Item={"pk": {"S": "a"}, "fill": {"S": "x" * 1500}})
    metrics.publish()
    assert newest(emulator, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", TableName="used") == 2
