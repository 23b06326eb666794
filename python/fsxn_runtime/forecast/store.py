"""Adapters: FSx and CloudWatch as sources of usage, the table of what has been told, the bus to tell on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import ConflictError, MisconfiguredError, TransientError
from fsxn_runtime.forecast.model import GIB, Forecast, Kind, Level, Outcome, Point, Resource, Usage, moment

EVENT_SOURCE: Final = "fsxn.forecast"
DETAIL_TYPE: Final = "Capacity Forecast Crossed Threshold"
_NAMESPACE: Final = "AWS/FSx"
_PERIOD_SECONDS: Final = 3600  # capacity metrics come every 5 minutes; usage that matters moves over hours
_MAX_QUERIES: Final = 500  # GetMetricData, CloudWatch API reference
_SECONDS_PER_DAY: Final = 86_400


class Inventory:
    """What one file system has that can become full, and how its usage went."""

    def __init__(self, fsx: Any, cloudwatch: Any, file_system_id: str) -> None:
        self._fsx = fsx
        self._cloudwatch = cloudwatch
        self._file_system_id = file_system_id

    def usages(self, now: float, lookback_days: int) -> list[Usage]:
        """Read every resource's usage and capacity up to `now` (days since 1970), the SSD tier first.

        Capacity is the metric's; where there is none, what FSx says now stands for it.
        """
        sizes = dict(self._resources())
        queries: dict[str, Mapping[str, Any]] = {}
        for place, resource in enumerate(sizes):
            queries |= dict(self._queries(place, resource))
        values = self._read(queries, now - lookback_days, now)
        usages = []
        for place, (resource, size) in enumerate(sizes.items()):
            scale = 1.0 if resource.kind is Kind.FILES else 1.0 / GIB
            used, capacity = (
                tuple((day, value * scale) for day, value in sorted(values[f"{name}{place}"].items()))
                for name in ("used", "capacity")
            )
            if not capacity and size is not None:
                capacity = ((now, size * scale),)
            usages.append(Usage(resource, used, capacity))
        return usages

    def _resources(self) -> Iterator[tuple[Resource, int | None]]:
        """Give each resource with its size in bytes as FSx knows it; for inodes it knows none."""
        with aws_call("fsx:DescribeFileSystems"):
            answer = self._fsx.describe_file_systems(FileSystemIds=[self._file_system_id])
        (system,) = answer["FileSystems"]
        if system["FileSystemType"] != "ONTAP":
            raise MisconfiguredError(
                f"{self._file_system_id} is of type {system['FileSystemType']}; it must be ONTAP",
                code="wrong_file_system",
            )
        yield Resource(Kind.SSD, "ssd", self._file_system_id), system["StorageCapacity"] * GIB
        for volume in self._volumes():
            settings = volume["OntapConfiguration"]
            if settings.get("StorageVirtualMachineRoot"):
                continue  # 1 GiB that holds nothing but junctions
            volume_id, name = volume["VolumeId"], volume["Name"]
            size = settings.get("SizeInBytes") or settings["SizeInMegabytes"] * 2**20
            yield Resource(Kind.VOLUME, volume_id, name), size
            yield Resource(Kind.FILES, f"{volume_id}/files", name), None

    def _volumes(self) -> Iterator[Mapping[str, Any]]:
        pages = self._fsx.get_paginator("describe_volumes").paginate(
            Filters=[{"Name": "file-system-id", "Values": [self._file_system_id]}]
        )
        with aws_call("fsx:DescribeVolumes"):
            for page in pages:
                yield from page["Volumes"]

    def _queries(self, place: int, resource: Resource) -> Iterator[tuple[str, Mapping[str, Any]]]:
        names = {"used": "StorageUsed", "capacity": "StorageCapacity"}
        dimensions = {"FileSystemId": self._file_system_id}
        if resource.kind is Kind.SSD:
            # Without all three there is no data (FSx user guide, detailed file system metrics).
            dimensions |= {"StorageTier": "SSD", "DataType": "All"}
        else:
            dimensions["VolumeId"] = resource.key.partition("/")[0]
        if resource.kind is Kind.FILES:
            names = {"used": "FilesUsed", "capacity": "FilesCapacity"}
        for short, name in names.items():
            metric = {
                "Namespace": _NAMESPACE,
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            }
            stat = {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": "Average"}
            yield f"{short}{place}", {"Id": f"{short}{place}", "MetricStat": stat}

    def _read(
        self, queries: Mapping[str, Mapping[str, Any]], start: float, end: float
    ) -> dict[str, dict[float, float]]:
        """Read all queries, page by page: value by time, for each id. A series may be spread over pages."""
        found: dict[str, dict[float, float]] = {query_id: {} for query_id in queries}
        wanted = list(queries.values())
        for first in range(0, len(wanted), _MAX_QUERIES):
            pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=wanted[first : first + _MAX_QUERIES],
                StartTime=moment(start),
                EndTime=moment(end),
                ScanBy="TimestampAscending",
            )
            with aws_call("cloudwatch:GetMetricData"):
                for result in (result for page in pages for result in page["MetricDataResults"]):
                    _check(result)
                    found[result["Id"]] |= dict(_points(result["Timestamps"], result["Values"]))
        return found


class Told:
    """The table of what has been told about each resource, with its last forecast."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def level(self, file_system_id: str, resource: Resource) -> Level:
        """Read what has been told; CLEAR when there was nothing yet."""
        with aws_call("dynamodb:GetItem"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key=_key(file_system_id, resource), ConsistentRead=True
            )
        return Level(answer["Item"]["level"]["S"]) if "Item" in answer else Level.CLEAR

    def keep(self, file_system_id: str, found: Forecast, before: Level, after: Level) -> bool:
        """Write down what is known now; False when another run wrote first. Writing it twice is once."""
        values = {
            ":after": {"S": after},
            ":forecast": {"S": json.dumps(found.to_dict())},
            ":before": {"S": before},
        }
        absent = "attribute_not_exists(pk) OR " if before is Level.CLEAR else ""
        try:
            with aws_call("dynamodb:UpdateItem"):
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=_key(file_system_id, found.resource),
                    UpdateExpression="SET #level = :after, forecast = :forecast",
                    ConditionExpression=f"{absent}#level = :before",
                    ExpressionAttributeNames={"#level": "level"},
                    ExpressionAttributeValues=values,
                )
        except ConflictError:
            return False
        return True


class Bus:
    """The account's default bus: a person is told by a rule to the topic, expansion by another."""

    def __init__(self, events: Any) -> None:
        self._events = events

    def tell(self, file_system_id: str, found: Forecast, level: Level, threshold_days: int) -> None:
        """Tell of one crossing. Raises TransientError when the bus does not take it."""
        detail = {
            "schema_version": "1.0",
            "file_system_id": file_system_id,
            "level": level,
            "threshold_days": threshold_days,
            "text": sentence(found),
            **found.to_dict(),
        }
        with aws_call("events:PutEvents"):
            answer = self._events.put_events(
                Entries=[{"Source": EVENT_SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)}]
            )
        if answer["FailedEntryCount"]:
            raise TransientError(
                f"events:PutEvents refused a notice: {answer['Entries'][0].get('ErrorCode')}",
                code="bus_refused",
            )


def sentence(found: Forecast) -> str:
    """Say for a person what is about to be full."""
    what = {Kind.SSD: "SSD tier of", Kind.VOLUME: "Volume", Kind.FILES: "Inodes of volume"}
    subject = f"{what[found.resource.kind]} {found.resource.name}"
    if found.outcome is Outcome.NEARLY_FULL:
        return (
            f"{subject}: nearly full ({found.current_usage_pct:.1f} % of {found.capacity:.0f} "
            f"{found.resource.unit}), with too little growth to name a day."
        )
    if found.days_until_full == 0:
        return f"{subject}: full ({found.used:.0f} of {found.capacity:.0f} {found.resource.unit})."
    return (
        f"{subject}: full in {found.days_until_full:.1f} days ({found.forecast_date}), "
        f"{found.current_usage_pct:.0f} % used, growing by {found.growth_per_day:.1f} "
        f"{found.resource.unit} a day."
    )


def _check(result: Mapping[str, Any]) -> None:
    # PartialData says that more pages follow (CloudWatch API reference, MetricDataResult).
    status = result.get("StatusCode", "Complete")
    message = f"cloudwatch:GetMetricData answered {status} for {result['Id']}"
    if status == "Forbidden":
        raise MisconfiguredError(message, code="aws_denied")
    if status == "InternalError":
        raise TransientError(message, code="aws_busy")


def _points(times: Sequence[datetime], values: Sequence[float]) -> Iterator[Point]:
    for time, value in zip(times, values, strict=True):
        yield time.timestamp() / _SECONDS_PER_DAY, value


def _key(file_system_id: str, resource: Resource) -> dict[str, Any]:
    return {"pk": {"S": f"{file_system_id}#{resource.key}"}}
