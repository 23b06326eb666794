"""FSx and its metrics in memory, with the rules that expansion relies on, as boto3 clients show them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

MIB = 1024 * 1024


def refusal(operation: str, code: str, message: str) -> ClientError:
    """What FSx answers to a request that it does not take."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 500 if code == "InternalServerError" else 400},
    }
    return ClientError(answer, operation)


class FakeFsx:
    """One file system `fs-1` of 1024 GiB and one volume `fsvol-1` of 100 GiB.

    `slow`: updates stay in progress until `finish`. `refuses`: the next update is refused with it.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self.capacity_gib = 1024
        self.size_mib = 100 * 1024
        self.slow = False
        self.refuses: ClientError | None = None
        self.loses_answers = False
        self.file_system_actions: list[dict[str, Any]] = []
        self.volume_actions: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.lifecycle = "AVAILABLE"

    def describe_file_systems(self, **request: Any) -> dict[str, Any]:
        file_system = {
            "FileSystemId": "fs-1",
            "FileSystemType": "ONTAP",
            "ResourceARN": "arn:aws:fsx:us-east-1:111122223333:file-system/fs-1",
            "Lifecycle": self.lifecycle,
            "StorageCapacity": self.capacity_gib,
            "Tags": [{"Key": "Name", "Value": "projects"}],
            "AdministrativeActions": self.file_system_actions,
        }
        return {"FileSystems": [file_system] if request in ({}, {"FileSystemIds": ["fs-1"]}) else []}

    def describe_volumes(self, **request: Any) -> dict[str, Any]:
        volume = {
            "VolumeId": "fsvol-1",
            "ResourceARN": "arn:aws:fsx:us-east-1:111122223333:volume/fs-1/fsvol-1",
            "Name": "vol1",
            "FileSystemId": "fs-1",
            "Lifecycle": "CREATED",
            "OntapConfiguration": {"SizeInMegabytes": self.size_mib},
            "AdministrativeActions": self.volume_actions,
        }
        return {"Volumes": [volume] if request == {"VolumeIds": ["fsvol-1"]} else []}

    def update_file_system(self, **request: Any) -> None:
        self._take("UpdateFileSystem", request["ClientRequestToken"])
        capacity = request["StorageCapacity"]
        if capacity * 10 < self.capacity_gib * 11:
            raise refusal("UpdateFileSystem", "BadRequest", "at least 10 percent")
        action = self._action("FILE_SYSTEM_UPDATE")
        action["TargetFileSystemValues"] = {"StorageCapacity": capacity}
        self.file_system_actions.insert(0, action)
        if not self.slow:
            self.finish()
        self._answer("UpdateFileSystem")

    def update_volume(self, **request: Any) -> None:
        self._take("UpdateVolume", request["ClientRequestToken"])
        action = self._action("VOLUME_UPDATE")
        action["TargetVolumeValues"] = {"OntapConfiguration": request["OntapConfiguration"]}
        self.volume_actions.insert(0, action)
        if not self.slow:
            self.finish()
        self._answer("UpdateVolume")

    def finish(self, status: str = "COMPLETED") -> None:
        """End whatever is in progress; only a good end changes a size."""
        for action in self.file_system_actions + self.volume_actions:
            if action["Status"] != "IN_PROGRESS":
                continue
            action["Status"] = status
            if status == "FAILED":
                action["FailureDetails"] = {"Message": "no disks left"}
            elif "TargetFileSystemValues" in action:
                self.capacity_gib = action["TargetFileSystemValues"]["StorageCapacity"]
            else:
                self.size_mib = action["TargetVolumeValues"]["OntapConfiguration"]["SizeInMegabytes"]

    def _take(self, operation: str, token: str) -> None:
        assert token not in self.tokens, "the same growth was asked for twice"
        if self.refuses is not None:
            error, self.refuses = self.refuses, None
            raise error
        self.tokens.add(token)

    def _answer(self, operation: str) -> None:
        if self.loses_answers:
            raise refusal(operation, "InternalServerError", "timed out")

    def _action(self, kind: str) -> dict[str, Any]:
        return {
            "AdministrativeActionType": kind,
            "Status": "IN_PROGRESS",
            "RequestTime": datetime.fromtimestamp(self._clock() / 1_000_000, UTC),
        }


class FakeCloudWatch:
    """Utilisation of the fake file system: `ssd_pct`, and `used_mib` of the volume; alarms by name."""

    def __init__(self) -> None:
        self.ssd_pct: float | None = 50.0
        self.used_mib: float | None = 10 * 1024.0
        self.alarms: list[dict[str, Any]] = []

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        (query,) = request["MetricDataQueries"]
        metric = query["MetricStat"]["Metric"]
        names = {dimension["Name"] for dimension in metric["Dimensions"]}
        value: float | None
        if metric["MetricName"] == "StorageCapacityUtilization":
            assert names == {"FileSystemId", "StorageTier", "DataType"}
            value = self.ssd_pct
        else:
            assert (metric["MetricName"], names) == ("StorageUsed", {"FileSystemId", "VolumeId"})
            value = None if self.used_mib is None else self.used_mib * MIB
        values = [] if value is None else [value]
        result = {"Id": "used", "Timestamps": [request["EndTime"]] * len(values), "Values": values}
        return {"MetricDataResults": [result]}

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        names = request["AlarmNames"]
        return {"MetricAlarms": [alarm for alarm in self.alarms if alarm["AlarmName"] in names]}
