"""Capacity metrics of the simulated file system in the local CloudWatch, with the dimensions of `AWS/FSx`.

Source: FSx user guide for ONTAP, "Monitoring with Amazon CloudWatch": the SSD tier needs FileSystemId,
StorageTier and DataType; a volume FileSystemId and VolumeId. Bytes, and percent for the utilisation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import boto3
from botocore.config import Config as ClientConfig

from lab.ontap_sim.capacity import files_capacity
from lab.ontap_sim.config import S3Connection
from lab.ontap_sim.fsx_state import GIB, FsxState, FsxVolume

NAMESPACE: Final = "AWS/FSx"
_MAX_DATA: Final = 1000  # PutMetricData, CloudWatch API reference

Datum = Mapping[str, Any]


class Metrics:
    """Puts metrics; the connection is that of the volumes' S3 face."""

    def __init__(self, connection: S3Connection) -> None:
        self._client = boto3.client(
            "cloudwatch",
            endpoint_url=connection.endpoint,
            region_name=connection.region,
            aws_access_key_id=connection.access_key,
            aws_secret_access_key=connection.secret_key,
            config=ClientConfig(connect_timeout=5, read_timeout=60, retries={"mode": "standard"}),
        )

    def put(self, data: Iterable[Datum]) -> int:
        """Put data, as many calls as it needs; give their number."""
        wanted: list[Any] = list(data)
        for first in range(0, len(wanted), _MAX_DATA):
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=wanted[first : first + _MAX_DATA])
        return len(wanted)


def current(state: FsxState, now: float) -> Iterator[Datum]:
    """Give every metric as it is now."""
    yield from ssd(state, state.used_bytes(), now, now)
    for volume in state.volumes:
        yield from of_volume(state, volume, volume.content.used_bytes(), now)


def history(
    state: FsxState, volume: FsxVolume, used: Iterable[tuple[float, int]], now: float
) -> Iterator[Datum]:
    """Give metrics of the past: the volume held so much at these times, the others what they hold now."""
    others = state.used_bytes() - volume.content.used_bytes()
    for at, held in used:
        yield from of_volume(state, volume, held, at)
        yield from ssd(state, others + held, at, now)


def ssd(state: FsxState, used: int, at: float, now: float) -> Iterator[Datum]:
    """Give the SSD tier's metrics for a time."""
    capacity = state.capacity_gib(now) * GIB
    dimensions = {"FileSystemId": state.file_system_id, "StorageTier": "SSD", "DataType": "All"}
    yield _datum("StorageUsed", used, "Bytes", dimensions, at)
    yield _datum("StorageCapacity", capacity, "Bytes", dimensions, at)
    yield _datum("StorageCapacityUtilization", 100 * used / capacity, "Percent", dimensions, at)


def of_volume(state: FsxState, volume: FsxVolume, used: int, at: float) -> Iterator[Datum]:
    """Give a volume's metrics for a time."""
    size = volume.content.size_bytes
    dimensions = {"FileSystemId": state.file_system_id, "VolumeId": volume.volume_id}
    yield _datum("StorageUsed", used, "Bytes", dimensions, at)
    yield _datum("StorageCapacity", size, "Bytes", dimensions, at)
    yield _datum("StorageCapacityUtilization", 100 * used / size, "Percent", dimensions, at)
    yield _datum("FilesUsed", volume.content.entry_count(), "Count", dimensions, at)
    yield _datum("FilesCapacity", files_capacity(size), "Count", dimensions, at)


def _datum(name: str, value: float, unit: str, dimensions: Mapping[str, str], at: float) -> Datum:
    return {
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
        "Timestamp": at,
        "Value": value,
        "Unit": unit,
    }
