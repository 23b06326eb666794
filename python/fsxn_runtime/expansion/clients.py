"""FSx and CloudWatch as expansion uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from fsxn_runtime.edge.aws_errors import aws_call, error_code
from fsxn_runtime.errors import FsxnError, RejectedError
from fsxn_runtime.expansion.model import MIB_PER_GIB, Kind, Operation, Resource, Update

# Capacity metrics come every five minutes; half an hour shows a value even when some are late.
_PERIOD_SECONDS: Final = 300
_WINDOW: Final = timedelta(minutes=30)
_MIB: Final = 1024 * 1024


class Grower(Protocol):
    """What carries out a growth."""

    def grow(self, operation: Operation) -> None:
        """Ask for the operation's size; asking twice grows once."""


class Fsx:
    """File systems and volumes of one account and Region."""

    def __init__(self, fsx: Any) -> None:
        self._fsx = fsx

    def file_system(self, file_system_id: str) -> Resource:
        """Describe a file system, with its updates. Raises RejectedError when there is none."""
        with aws_call("fsx:DescribeFileSystems"), _missing(file_system_id):
            found = self._fsx.describe_file_systems(FileSystemIds=[file_system_id])["FileSystems"]
        return _file_system(_only(found, file_system_id))

    def file_systems(self) -> Iterator[Resource]:
        """Describe every ONTAP file system of the account and Region, page by page."""
        request: dict[str, Any] = {}
        while True:
            with aws_call("fsx:DescribeFileSystems"):
                page = self._fsx.describe_file_systems(**request)
            for answer in page["FileSystems"]:
                if answer["FileSystemType"] == "ONTAP":
                    yield _file_system(answer)
            if "NextToken" not in page:
                return
            request["NextToken"] = page["NextToken"]

    def volume(self, volume_id: str) -> Resource:
        """Describe a volume, with its updates. Raises RejectedError when there is none."""
        with aws_call("fsx:DescribeVolumes"), _missing(volume_id):
            found = self._fsx.describe_volumes(VolumeIds=[volume_id])["Volumes"]
        answer = _only(found, volume_id)
        return Resource(
            kind=Kind.VOLUME,
            resource_id=volume_id,
            arn=answer["ResourceARN"],
            name=answer["Name"],
            file_system_id=answer["FileSystemId"],
            lifecycle=answer["Lifecycle"],
            size_mib=answer["OntapConfiguration"]["SizeInMegabytes"],
            updates=tuple(_updates(answer)),
            # AWS's volume and ONTAP's are joined by it (AWS facts 2).
            uuid=answer["OntapConfiguration"].get("UUID", ""),
        )

    def describe(self, kind: Kind, resource_id: str) -> Resource:
        """Describe a resource of either kind."""
        return self.volume(resource_id) if kind is Kind.VOLUME else self.file_system(resource_id)

    def grow(self, operation: Operation) -> None:
        """Ask for the operation's size. Idempotency key: the client request token, made of its id."""
        token = operation.operation_id
        if operation.kind is Kind.VOLUME:
            with aws_call("fsx:UpdateVolume"):
                self._fsx.update_volume(
                    VolumeId=operation.resource_id,
                    ClientRequestToken=token,
                    OntapConfiguration={"SizeInMegabytes": operation.to_mib},
                )
            return
        with aws_call("fsx:UpdateFileSystem"):
            self._fsx.update_file_system(
                FileSystemId=operation.resource_id,
                ClientRequestToken=token,
                StorageCapacity=operation.to_mib // MIB_PER_GIB,
            )


class Usage:
    """How full things are, as CloudWatch knows it."""

    def __init__(self, cloudwatch: Any) -> None:
        self._cloudwatch = cloudwatch

    def file_system_pct(self, file_system_id: str, now_us: int) -> float | None:
        """Give the fullest SSD aggregate's utilisation; None without data.

        All three dimensions are needed, and Maximum: an average over aggregates hides a full one
        (AWS documentation, CloudWatch metrics of FSx for ONTAP).
        """
        dimensions = {"FileSystemId": file_system_id, "StorageTier": "SSD", "DataType": "All"}
        return self._latest("StorageCapacityUtilization", dimensions, now_us)

    def volume_pct(self, volume: Resource, now_us: int) -> float | None:
        """Give the part of a volume's size that is used; None without data."""
        dimensions = {"FileSystemId": volume.file_system_id, "VolumeId": volume.resource_id}
        used = self._latest("StorageUsed", dimensions, now_us)
        return None if used is None else 100 * used / (volume.size_mib * _MIB)

    def in_alarm(self, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Yield those of the named alarms that are in ALARM, as DescribeAlarms gives them."""
        for start in range(0, len(names), 100):  # 100 names a call (API model)
            request = {"AlarmNames": list(names[start : start + 100]), "StateValue": "ALARM"}
            with aws_call("cloudwatch:DescribeAlarms"):
                answer = self._cloudwatch.describe_alarms(**request, MaxRecords=100)
            yield from answer["MetricAlarms"]

    def _latest(self, name: str, dimensions: Mapping[str, str], now_us: int) -> float | None:
        end = datetime.fromtimestamp(now_us / 1_000_000, UTC)
        metric = {
            "Namespace": "AWS/FSx",
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        }
        with aws_call("cloudwatch:GetMetricData"):
            answer = self._cloudwatch.get_metric_data(
                MetricDataQueries=[
                    {
                        "Id": "used",
                        "MetricStat": {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": "Maximum"},
                    }
                ],
                StartTime=end - _WINDOW,
                EndTime=end,
                ScanBy="TimestampDescending",
            )
        result = answer["MetricDataResults"][0]
        points = zip(result["Timestamps"], result["Values"], strict=True)
        newest = max(points, default=None)  # whatever order the answer has
        return None if newest is None else float(newest[1])


@contextmanager
def _missing(resource_id: str) -> Iterator[None]:
    """Turn FSx's answer about something deleted (API model) into RejectedError; other errors pass."""
    try:
        yield
    except ClientError as exc:
        if error_code(exc) in ("FileSystemNotFound", "VolumeNotFound"):
            raise _not_there(resource_id) from exc
        raise


def _only(found: Sequence[Mapping[str, Any]], resource_id: str) -> Mapping[str, Any]:
    if len(found) != 1:
        raise _not_there(resource_id)
    return found[0]


def _not_there(resource_id: str) -> FsxnError:
    return RejectedError(f"{resource_id} is not there", code="no_such_resource")


def _file_system(answer: Mapping[str, Any]) -> Resource:
    return Resource(
        kind=Kind.FILE_SYSTEM,
        resource_id=answer["FileSystemId"],
        arn=answer["ResourceARN"],
        name=_tag(answer, "Name"),
        file_system_id=answer["FileSystemId"],
        lifecycle=answer["Lifecycle"],
        size_mib=answer["StorageCapacity"] * MIB_PER_GIB,
        updates=tuple(_updates(answer)),
    )


def _tag(answer: Mapping[str, Any], key: str) -> str:
    return next((tag["Value"] for tag in answer.get("Tags", ()) if tag["Key"] == key), "")


def _updates(answer: Mapping[str, Any]) -> Iterator[Update]:
    """Read the administrative actions. An update about something else than a size has the target 0."""
    for action in answer.get("AdministrativeActions", ()):
        volume = action.get("TargetVolumeValues", {}).get("OntapConfiguration", {})
        gib = action.get("TargetFileSystemValues", {}).get("StorageCapacity", 0)
        yield Update(
            action=action["AdministrativeActionType"],
            status=action["Status"],
            requested_us=int(action["RequestTime"].timestamp() * 1_000_000),
            target_mib=volume.get("SizeInMegabytes", 0) or gib * MIB_PER_GIB,
            message=action.get("FailureDetails", {}).get("Message", ""),
        )
