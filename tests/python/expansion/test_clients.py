"""What expansion asks of AWS is what the API models allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.stub import ANY, Stubber
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.expansion.clients import Fsx, Usage
from fsxn_runtime.expansion.model import Kind, Operation, Outcome, Resource, Update

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
AT_US = int(AT.timestamp()) * 1_000_000
FILE_SYSTEM = {
    "FileSystemId": "fs-0123456789abcdef0",
    "FileSystemType": "ONTAP",
    "ResourceARN": "arn:aws:fsx:us-east-1:111122223333:file-system/fs-0123456789abcdef0",
    "Lifecycle": "AVAILABLE",
    "StorageCapacity": 1024,
    "AdministrativeActions": [
        {
            "AdministrativeActionType": "FILE_SYSTEM_UPDATE",
            "Status": "FAILED",
            "RequestTime": AT,
            "TargetFileSystemValues": {"StorageCapacity": 1200},
            "FailureDetails": {"Message": "no"},
        },
        {"AdministrativeActionType": "STORAGE_OPTIMIZATION", "Status": "IN_PROGRESS", "RequestTime": AT},
    ],
}
VOLUME = {
    "VolumeId": "fsvol-0123456789abcdef0",
    "ResourceARN": "arn:aws:fsx:us-east-1:111122223333:volume/fs-0123456789abcdef0/fsvol-0123456789abcdef0",
    "Name": "vol1",
    "FileSystemId": "fs-0123456789abcdef0",
    "Lifecycle": "CREATED",
    "OntapConfiguration": {"SizeInMegabytes": 1000},
    "AdministrativeActions": [
        {
            "AdministrativeActionType": "VOLUME_UPDATE",
            "Status": "COMPLETED",
            "RequestTime": AT,
            "TargetVolumeValues": {
                "VolumeId": "fsvol-0123456789abcdef0",
                "OntapConfiguration": {"SizeInMegabytes": 1000},
            },
        }
    ],
}


def client(service):
    return boto3.client(service, region_name="us-east-1")


def operation(kind: Kind, resource_id: str, to_mib: int) -> Operation:
    ids = ("fs-0123456789abcdef0", "arn")
    return Operation(
        "0123abcd", Outcome.STARTED, kind, resource_id, *ids, 1, to_mib, "alarm", "r", "a", AT_US
    )


def test_a_file_system_is_read_with_its_updates():
    fsx = client("fsx")
    with Stubber(fsx) as stub:
        expected = {"FileSystemIds": ["fs-0123456789abcdef0"]}
        stub.add_response("describe_file_systems", {"FileSystems": [FILE_SYSTEM]}, expected)
        resource = Fsx(fsx).file_system("fs-0123456789abcdef0")
    assert (resource.kind, resource.size_mib, resource.lifecycle) == (
        Kind.FILE_SYSTEM,
        1024 * 1024,
        "AVAILABLE",
    )
    assert resource.updates == (
        Update("FILE_SYSTEM_UPDATE", "FAILED", AT_US, 1200 * 1024, "no"),
        Update("STORAGE_OPTIMIZATION", "IN_PROGRESS", AT_US),
    )


def test_every_ontap_file_system_is_read_page_by_page():
    fsx = client("fsx")
    with Stubber(fsx) as stub:
        lustre = FILE_SYSTEM | {"FileSystemId": "fs-0123456789abcdef1", "FileSystemType": "LUSTRE"}
        second = FILE_SYSTEM | {"FileSystemId": "fs-0123456789abcdef2", "StorageCapacity": 2048}
        stub.add_response(
            "describe_file_systems", {"FileSystems": [FILE_SYSTEM, lustre], "NextToken": "n"}, {}
        )
        stub.add_response("describe_file_systems", {"FileSystems": [second]}, {"NextToken": "n"})
        found = [(resource.resource_id, resource.size_mib) for resource in Fsx(fsx).file_systems()]
    assert found == [("fs-0123456789abcdef0", 1024 * 1024), ("fs-0123456789abcdef2", 2048 * 1024)]


def test_a_volume_is_read_with_its_updates():
    fsx = client("fsx")
    with Stubber(fsx) as stub:
        stub.add_response(
            "describe_volumes", {"Volumes": [VOLUME]}, {"VolumeIds": ["fsvol-0123456789abcdef0"]}
        )
        resource = Fsx(fsx).describe(Kind.VOLUME, "fsvol-0123456789abcdef0")
    assert (resource.name, resource.file_system_id, resource.size_mib) == (
        "vol1",
        "fs-0123456789abcdef0",
        1000,
    )
    assert resource.updates == (Update("VOLUME_UPDATE", "COMPLETED", AT_US, 1000),)


def test_what_is_not_there_is_rejected():
    fsx = client("fsx")
    with Stubber(fsx) as stub, pytest.raises(RejectedError, match="not there"):
        stub.add_response("describe_volumes", {"Volumes": []})
        Fsx(fsx).volume("fsvol-0123456789abcdef0")


def test_growth_is_asked_for_with_the_operation_as_its_token():
    fsx = client("fsx")
    with Stubber(fsx) as stub:
        stub.add_response(
            "update_volume",
            {},
            {
                "VolumeId": "fsvol-0123456789abcdef0",
                "ClientRequestToken": "0123abcd",
                "OntapConfiguration": {"SizeInMegabytes": 2000},
            },
        )
        Fsx(fsx).grow(operation(Kind.VOLUME, "fsvol-0123456789abcdef0", 2000))
        stub.add_response(
            "update_file_system",
            {},
            {
                "FileSystemId": "fs-0123456789abcdef0",
                "ClientRequestToken": "0123abcd",
                "StorageCapacity": 1127,
            },
        )
        Fsx(fsx).grow(operation(Kind.FILE_SYSTEM, "fs-0123456789abcdef0", 1127 * 1024))
        stub.assert_no_pending_responses()


def query(name: str, **dimensions: str) -> dict[str, object]:
    metric = {
        "Namespace": "AWS/FSx",
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {
        "MetricDataQueries": [
            {"Id": "used", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Maximum"}}
        ],
        "StartTime": ANY,
        "EndTime": AT,
        "ScanBy": "TimestampDescending",
    }


def answer(*newest_first: float) -> dict[str, object]:
    """What GetMetricData answers: one value every five minutes."""
    times = [AT - timedelta(minutes=5 * place) for place in range(len(newest_first))]
    return {"MetricDataResults": [{"Timestamps": times, "Values": list(newest_first)}]}


@pytest.mark.parametrize(("values", "pct"), [((80.5, 81.5), 80.5), ((81.5, 80.0), 81.5), ((), None)])
def test_the_ssd_tier_is_the_latest_maximum_of_all_three_dimensions(values, pct):
    cloudwatch = client("cloudwatch")
    dimensions = {"FileSystemId": "fs-1", "StorageTier": "SSD", "DataType": "All"}
    expected = query("StorageCapacityUtilization", **dimensions)
    with Stubber(cloudwatch) as stub:
        stub.add_response("get_metric_data", answer(*values), expected)
        assert Usage(cloudwatch).file_system_pct("fs-1", AT_US) == pct


def test_the_latest_value_is_the_one_with_the_latest_time():
    """Oldest first, as nobody asked for it: the answer is the same."""
    cloudwatch = client("cloudwatch")
    (result,) = answer(82.0, 70.0)["MetricDataResults"]
    oldest_first = {name: values[::-1] for name, values in result.items()}
    with Stubber(cloudwatch) as stub:
        stub.add_response("get_metric_data", {"MetricDataResults": [oldest_first]})
        assert Usage(cloudwatch).file_system_pct("fs-1", AT_US) == 82.0


def test_a_volume_is_used_by_what_it_stores_of_its_size():
    cloudwatch = client("cloudwatch")
    volume = Resource(Kind.VOLUME, "fsvol-1", "arn", "vol1", "fs-1", "CREATED", 1000)
    with Stubber(cloudwatch) as stub:
        stub.add_response(
            "get_metric_data",
            answer(250 * 1024.0 * 1024),
            query("StorageUsed", FileSystemId="fs-1", VolumeId="fsvol-1"),
        )
        assert Usage(cloudwatch).volume_pct(volume, AT_US) == 25.0
        stub.add_response(
            "get_metric_data",
            answer(),
            query("StorageUsed", FileSystemId="fs-1", VolumeId="fsvol-1"),
        )
        assert Usage(cloudwatch).volume_pct(volume, AT_US) is None


def test_alarms_are_asked_for_a_hundred_at_a_time():
    cloudwatch = client("cloudwatch")
    names = [f"alarm-{number}" for number in range(101)]
    with Stubber(cloudwatch) as stub:
        for part in (names[:100], names[100:]):
            stub.add_response(
                "describe_alarms",
                {"MetricAlarms": [{"AlarmName": part[0]}]},
                {"AlarmNames": part, "StateValue": "ALARM", "MaxRecords": 100},
            )
        assert [alarm["AlarmName"] for alarm in Usage(cloudwatch).in_alarm(names)] == ["alarm-0", "alarm-100"]
