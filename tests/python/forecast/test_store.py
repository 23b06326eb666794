"""Reading usage: which metrics are asked for, pages, answers that are no data, FSx's word for a capacity."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fsxn_runtime.errors import MisconfiguredError, TransientError
from fsxn_runtime.forecast import Forecast, Inventory, Kind, Outcome, Resource
from fsxn_runtime.forecast.model import GIB, Data, Level
from fsxn_runtime.forecast.store import Bus, sentence

SYSTEM = "fs-0123456789abcdef0"
NOW = 20_000.0
VOLUME = {
    "VolumeId": "fsvol-1",
    "Name": "vol1",
    "OntapConfiguration": {"SizeInMegabytes": 2048},
}
ROOT = {"VolumeId": "fsvol-0", "Name": "root", "OntapConfiguration": {"StorageVirtualMachineRoot": True}}


class Pages:
    """A paginator that gives these pages and keeps what it was asked."""

    def __init__(self, pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.asked: list[dict[str, Any]] = []

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(asked)
        return iter(self.pages)


class Fsx:
    def __init__(self, *volumes: Mapping[str, Any], kind: str = "ONTAP") -> None:
        self.kind = kind
        self.pages = Pages([{"Volumes": [volume]} for volume in volumes])

    def describe_file_systems(self, FileSystemIds: list[str]) -> dict[str, Any]:  # noqa: N803 (boto3's name)
        assert FileSystemIds == [SYSTEM]
        return {"FileSystems": [{"FileSystemType": self.kind, "StorageCapacity": 1024}]}

    def get_paginator(self, _name: str) -> Pages:
        return self.pages


class CloudWatch:
    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = Pages([{"MetricDataResults": page} for page in pages])

    def get_paginator(self, _name: str) -> Pages:
        return self.pages


def result(query_id: str, *points: tuple[int, float], status: str = "Complete") -> dict[str, Any]:
    """One series; the points are (hours since 1970, value)."""
    return {
        "Id": query_id,
        "StatusCode": status,
        "Timestamps": [datetime.fromtimestamp(hour * 3600, UTC) for hour, _ in points],
        "Values": [value for _, value in points],
    }


def read(fsx: Fsx, cloudwatch: CloudWatch) -> list[Any]:
    return Inventory(fsx, cloudwatch, SYSTEM).usages(NOW, 30)


def test_every_resource_is_asked_for_with_the_dimensions_that_have_data() -> None:
    cloudwatch = CloudWatch([])
    found = read(Fsx(ROOT, VOLUME), cloudwatch)
    assert [(u.resource.kind, u.resource.key) for u in found] == [
        (Kind.SSD, "ssd"),
        (Kind.VOLUME, "fsvol-1"),
        (Kind.FILES, "fsvol-1/files"),
    ]
    ((asked),) = cloudwatch.pages.asked
    assert (asked["EndTime"] - asked["StartTime"]).days == 30
    metrics = {q["Id"]: q["MetricStat"]["Metric"] for q in asked["MetricDataQueries"]}
    assert {
        i: (m["MetricName"], {d["Name"]: d["Value"] for d in m["Dimensions"]}) for i, m in metrics.items()
    } == {
        "used0": ("StorageUsed", {"FileSystemId": SYSTEM, "StorageTier": "SSD", "DataType": "All"}),
        "capacity0": ("StorageCapacity", {"FileSystemId": SYSTEM, "StorageTier": "SSD", "DataType": "All"}),
        "used1": ("StorageUsed", {"FileSystemId": SYSTEM, "VolumeId": "fsvol-1"}),
        "capacity1": ("StorageCapacity", {"FileSystemId": SYSTEM, "VolumeId": "fsvol-1"}),
        "used2": ("FilesUsed", {"FileSystemId": SYSTEM, "VolumeId": "fsvol-1"}),
        "capacity2": ("FilesCapacity", {"FileSystemId": SYSTEM, "VolumeId": "fsvol-1"}),
    }


def test_a_series_may_lie_on_several_pages_in_any_order() -> None:
    cloudwatch = CloudWatch(
        [result("used0", (48, 2.0 * GIB), status="PartialData"), result("capacity0", (24, 9.0 * GIB))],
        [result("used0", (24, 1.0 * GIB))],
    )
    (ssd,) = read(Fsx(), cloudwatch)
    assert ssd.used == ((1.0, 1.0), (2.0, 2.0))
    assert ssd.capacity == ((1.0, 9.0),)


def test_without_the_metric_fsxs_own_size_is_the_capacity() -> None:
    ssd, volume, files = read(Fsx(VOLUME), CloudWatch([]))
    assert (ssd.capacity, volume.capacity, files.capacity) == (((NOW, 1024.0),), ((NOW, 2.0),), ())


def test_more_than_500_queries_are_asked_in_several_calls() -> None:
    cloudwatch = CloudWatch([])
    volumes = [{**VOLUME, "VolumeId": f"fsvol-{n}"} for n in range(130)]
    assert len(read(Fsx(*volumes), cloudwatch)) == 261
    assert [len(asked["MetricDataQueries"]) for asked in cloudwatch.pages.asked] == [500, 22]


@pytest.mark.parametrize(
    ("status", "error"), [("InternalError", TransientError), ("Forbidden", MisconfiguredError)]
)
def test_an_answer_that_is_no_data_is_no_empty_series(status: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=status):
        read(Fsx(), CloudWatch([result("used0", status=status)]))


def test_another_type_of_file_system_is_refused() -> None:
    with pytest.raises(MisconfiguredError, match="must be ONTAP"):
        read(Fsx(kind="LUSTRE"), CloudWatch([]))


def test_a_file_system_that_is_gone_needs_a_person() -> None:
    class Gone(Fsx):
        def describe_file_systems(self, FileSystemIds: list[str]) -> dict[str, Any]:  # noqa: N803
            answer = {"Error": {"Code": "FileSystemNotFound", "Message": "gone"}}
            raise ClientError(answer, "DescribeFileSystems")

    with pytest.raises(MisconfiguredError, match="FileSystemNotFound"):
        read(Gone(), CloudWatch([]))


def about(outcome: Outcome, days: float, kind: Kind = Kind.SSD) -> Forecast:
    resource = Resource(kind, "key", "vol1")
    return Forecast(resource, outcome, days, "2026-12-24", 81.2, 831.0, 1024.0, 9.5, Data())


def test_a_notice_says_in_a_sentence_what_will_be_full() -> None:
    assert sentence(about(Outcome.FORECAST, 20.3)) == (
        "SSD tier of vol1: full in 20.3 days (2026-12-24), 81 % used, growing by 9.5 GiB a day."
    )
    assert sentence(about(Outcome.FULL, 0.0, Kind.FILES)) == (
        "Inodes of volume vol1: full (831 of 1024 files)."
    )
    assert sentence(about(Outcome.NEARLY_FULL, 0.0, Kind.VOLUME)) == (
        "Volume vol1: nearly full (81.2 % of 1024 GiB), with too little growth to name a day."
    )


class Events:
    def __init__(self, failed: int) -> None:
        self.failed = failed
        self.entries: list[dict[str, Any]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.entries += Entries
        return {"FailedEntryCount": self.failed, "Entries": [{"ErrorCode": "ThrottlingException"}]}


def test_a_crossing_is_one_event_with_the_whole_forecast() -> None:
    events = Events(0)
    Bus(events).tell(SYSTEM, about(Outcome.FORECAST, 20.3), Level.WARNED, 30)
    (entry,) = events.entries
    assert (entry["Source"], entry["DetailType"]) == ("fsxn.forecast", "Capacity Forecast Crossed Threshold")
    detail = json.loads(entry["Detail"])
    assert (detail["file_system_id"], detail["level"], detail["kind"]) == (SYSTEM, "warned", "ssd")
    assert (detail["days_until_full"], detail["total_capacity_gb"], detail["threshold_days"]) == (
        20.3,
        1024,
        30,
    )


def test_a_notice_that_the_bus_refuses_comes_again() -> None:
    with pytest.raises(TransientError, match="ThrottlingException"):
        Bus(Events(1)).tell(SYSTEM, about(Outcome.FULL, 0.0), Level.FULL, 30)
