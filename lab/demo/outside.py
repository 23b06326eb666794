"""Capacity as seen from outside: FSx, tables, metrics. Nothing here asks the product's code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.world import World

GIB = 2**30
NAMESPACE = "FSxN-S3AP-Patterns"


class Outside:
    """Reads with boto3 as the account's root. Metrics: from `since` on, else of two hours."""

    def __init__(self, world: World, since: datetime | None = None) -> None:
        self._world = world
        self._since = since

    def volume_gib(self) -> float:
        """Give the volume's size, from FSx."""
        answer = self._world.client("fsx").describe_volumes(VolumeIds=[self._world.volume_id])
        (volume,) = answer["Volumes"]
        return float(volume["OntapConfiguration"]["SizeInBytes"]) / GIB

    def ssd_gib(self) -> int:
        """Give the SSD tier's size, from FSx."""
        answer = self._world.client("fsx").describe_file_systems()
        (system,) = answer["FileSystems"]
        return int(system["StorageCapacity"])

    def invoke(self, function: str, event: Mapping[str, object]) -> Any:
        """Call a function by its short name, as a rule of EventBridge would, and give its answer."""
        name = self._world.outputs["functions"][function]["function_name"]
        answer = self._world.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def operations(self, outcome: str, resource_id: str) -> list[str]:
        """Give the ids of a resource's growth operations with this outcome, from the table."""
        rows = self._query("expansion_table", "OPERATION")
        return [
            row["operation_id"]["S"]
            for row in rows
            if row["outcome"]["S"] == outcome and row["resource_id"]["S"] == resource_id
        ]

    def audit(self, action_type: str) -> list[tuple[str, str, str]]:
        """Give verdict, reason and outcome of each audited action, oldest first, from the table."""
        rows = self._query("guardrail_table", f"AUDIT#{action_type}")
        return [(row["verdict"]["S"], row["reason"]["S"], row["outcome"]["S"]) for row in rows]

    def grant_expires(self) -> datetime | None:
        """Give the end of the latest grant, from the table."""
        rows = self._query("guardrail_table", "BREAK_GLASS")
        return datetime.fromisoformat(rows[0]["expires_at"]["S"]) if rows else None

    def told_level(self) -> str:
        """Give what the forecast has told about the volume, from the table; "" for nothing yet."""
        key = f"{self._world.file_system_id}#{self._world.volume_id}"
        table = self._world.outputs["capacity"]["forecast_table"]
        found = self._world.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": key}})
        return str(found["Item"]["level"]["S"]) if "Item" in found else ""

    def lineage(self, resource_id: str) -> list[str]:
        """Give the statuses of a resource's lineage records."""
        answer = self._world.client("dynamodb").query(
            TableName=self._world.outputs["lineage_table_name"],
            KeyConditionExpression="source_file_key = :key",
            ExpressionAttributeValues={":key": {"S": resource_id}},
        )
        return [item["status"]["S"] for item in answer["Items"]]

    def metric(self, name: str, statistic: str, **dimensions: str) -> float | None:
        """Give one metric as one value, after taking what the functions have written by now."""
        self._world.collector.collect()
        now = datetime.now(UTC)
        answer = self._world.client("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=self._since or now - timedelta(hours=2),
            EndTime=now + timedelta(minutes=1),
            Period=86_400,  # one value: no run is that long
            Statistics=[statistic],
        )
        values = [point[statistic] for point in answer["Datapoints"]]
        return float(values[-1]) if values else None

    def _query(self, table: str, key: str) -> list[dict[str, Any]]:
        answer = self._world.client("dynamodb").query(
            TableName=self._world.outputs["capacity"][table],
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": key}},
        )
        rows: list[dict[str, Any]] = answer["Items"]
        return rows
