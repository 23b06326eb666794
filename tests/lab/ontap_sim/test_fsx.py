"""The AWS side of the simulator: an SDK sees one file system, whose sizes change by FSx's rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from lab.ontap_sim.capacity import files_capacity
from lab.ontap_sim.client import SimClientError
from lab.ontap_sim.config import FileSystemSettings
from lab.ontap_sim.fsx_state import FsxError, FsxState
from lab.ontap_sim.process import SimProcess
from tests.lab.ontap_sim.conftest import World

HOUR = 3600.0
GIB = 2**30
SLOW = FileSystemSettings(update_seconds=HOUR, optimize_seconds=4 * HOUR)


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def world(start: Callable[..., World]) -> World:
    return start()


@pytest.fixture
def fsx(world: World) -> Any:
    return boto3.client("fsx", endpoint_url=world.process.ready["fsx"], region_name="us-east-1")


def test_an_sdk_sees_the_file_system_its_svm_and_its_volumes(world: World, fsx: Any) -> None:
    (system,) = fsx.describe_file_systems()["FileSystems"]
    assert (system["FileSystemType"], system["Lifecycle"], system["StorageCapacity"]) == (
        "ONTAP",
        "AVAILABLE",
        1024,
    )
    (svm,) = fsx.describe_storage_virtual_machines()["StorageVirtualMachines"]
    (volume,) = fsx.get_paginator("describe_volumes").paginate().build_full_result()["Volumes"]
    settings = volume["OntapConfiguration"]
    assert settings["StorageVirtualMachineId"] == svm["StorageVirtualMachineId"]
    record = world.client.rest("GET", "/storage/volumes?name=vol1&fields=uuid,size")["records"][0]
    assert (settings["UUID"], settings["SizeInBytes"]) == (record["uuid"], record["size"])
    assert svm["UUID"] == world.client.svm_uuid("svm1")


def test_what_does_not_exist_has_fsxs_error(fsx: Any) -> None:
    gone = ["fs-00000000000000000"]
    assert refusal(fsx.describe_file_systems, FileSystemIds=gone)[0] == "FileSystemNotFound"
    assert refusal(fsx.describe_volumes, VolumeIds=["fsvol-00000000000000000"])[0] == "VolumeNotFound"
    assert refusal(fsx.describe_backups)[0] == "UnsupportedOperation"


def test_a_volumes_new_size_is_what_ontap_shows(world: World, fsx: Any) -> None:
    volume_id = fsx.describe_volumes()["Volumes"][0]["VolumeId"]
    answer = fsx.update_volume(VolumeId=volume_id, OntapConfiguration={"SizeInMegabytes": 2048})
    (action,) = answer["Volume"]["AdministrativeActions"]
    assert (action["AdministrativeActionType"], action["Status"]) == ("VOLUME_UPDATE", "COMPLETED")
    record = world.client.rest("GET", "/storage/volumes?name=vol1&fields=size")["records"][0]
    assert record["size"] == 2 * GIB


def test_a_volume_is_never_smaller_than_what_it_holds(world: World, fsx: Any) -> None:
    world.client.fsx("fill", volume="vol1", bytes=5 * GIB)
    volume_id = fsx.describe_volumes()["Volumes"][0]["VolumeId"]
    for size in (1, 4 * GIB, 2**62):
        given = {"VolumeId": volume_id, "OntapConfiguration": {"SizeInBytes": size}}
        assert refusal(fsx.update_volume, **given)[0] == "BadRequest"
    both = {"SizeInBytes": 9 * GIB, "SizeInMegabytes": 9216}
    assert refusal(fsx.update_volume, VolumeId=volume_id, OntapConfiguration=both)[0] == "BadRequest"


def test_the_ssd_tier_grows_by_fsxs_rules(world: World, fsx: Any) -> None:
    """Too little is refused; an update runs and ends; another waits six hours."""
    system = world.process.ready["file_system_id"]
    assert "10 percent" in refusal(fsx.update_file_system, FileSystemId=system, StorageCapacity=1126)[1]
    answer = fsx.update_file_system(FileSystemId=system, StorageCapacity=1127)["FileSystem"]
    assert answer["StorageCapacity"] == 1024
    assert {a["AdministrativeActionType"]: a["Status"] for a in answer["AdministrativeActions"]} == {
        "FILE_SYSTEM_UPDATE": "IN_PROGRESS",
        "STORAGE_OPTIMIZATION": "PENDING",
    }
    assert "in progress" in refusal(fsx.update_file_system, FileSystemId=system, StorageCapacity=2048)[1]
    world.client.fsx("clock", advance_seconds=HOUR)
    (after,) = fsx.describe_file_systems(FileSystemIds=[system])["FileSystems"]
    assert after["StorageCapacity"] == 1127
    assert {a["Status"] for a in after["AdministrativeActions"]} == {"COMPLETED"}
    assert "6 hours" in refusal(fsx.update_file_system, FileSystemId=system, StorageCapacity=2048)[1]
    world.client.fsx("clock", advance_seconds=5 * HOUR)
    assert fsx.update_file_system(FileSystemId=system, StorageCapacity=2048)


def test_only_sizes_can_be_updated(world: World, fsx: Any) -> None:
    system = world.process.ready["file_system_id"]
    settings = {"ThroughputCapacity": 256}
    refused = refusal(fsx.update_file_system, FileSystemId=system, OntapConfiguration=settings)
    assert refused[0] == "UnsupportedOperation"


def test_an_action_that_is_not_known_is_refused(world: World) -> None:
    with pytest.raises(SimClientError, match="no POST /fsx/explode"):
        world.client.fsx("explode")
    with pytest.raises(SimClientError, match="no CloudWatch"):
        world.client.fsx("metrics")


def test_an_update_goes_through_its_states() -> None:
    state = FsxState(SLOW, [])
    state.grow(2048, 0.0)
    statuses = []
    for now in (0.0, HOUR, 3 * HOUR, 5 * HOUR):
        update, optimization = state.file_system_actions(now)
        statuses.append((state.capacity_gib(now), update["Status"], optimization["Status"]))
        assert optimization["ProgressPercent"] == (50 if now == 3 * HOUR else 100 if now == 5 * HOUR else 0)
    assert statuses == [
        (1024, "IN_PROGRESS", "PENDING"),
        (2048, "UPDATED_OPTIMIZING", "IN_PROGRESS"),
        (2048, "UPDATED_OPTIMIZING", "IN_PROGRESS"),
        (2048, "COMPLETED", "COMPLETED"),
    ]


@given(st.lists(st.tuples(st.floats(0, 10 * HOUR), st.floats(0.5, 2.0)), max_size=20))
def test_accepted_increases_keep_every_rule(requests: list[tuple[float, float]]) -> None:
    state, now = FsxState(SLOW, []), 0.0
    accepted: list[tuple[float, int, int]] = []
    for wait, factor in requests:
        now += wait
        before = state.capacity_gib(now)
        target = int(before * factor)
        try:
            state.grow(target, now)
        except FsxError as exc:
            assert exc.code == "BadRequest"
            continue
        accepted.append((now, before, target))
    for (at, before, target), earlier in zip(accepted, [None, *accepted], strict=False):
        assert target * 100 >= before * 110
        assert earlier is None or at - earlier[0] >= 6 * HOUR


def test_inodes_follow_the_size_up_to_ontaps_limit() -> None:
    assert files_capacity(GIB) == 32768
    assert files_capacity(2**50) == 21_251_126


def test_metrics_have_the_real_dimensions(emulator: Any, tmp_path: Path) -> None:
    """The SSD tier with three dimensions, a volume with two; the past as well as now."""
    volume = {"name": "vol1", "directory": str(tmp_path / "vol1"), "size_bytes": 10 * GIB}
    config = {
        "svms": [{"name": "svm1", "volumes": [volume]}],
        "s3": {"endpoint": emulator.endpoint},
    }
    with SimProcess(config, tmp_path / "sim") as simulator:
        simulator.client.fsx("history", volume="vol1", points=[[30 * 86400, GIB], [86400, 2 * GIB]])
        simulator.client.fsx("fill", volume="vol1", bytes=4 * GIB)
        assert simulator.client.fsx("metrics") == {"data": 8}
    cloudwatch = emulator.client("cloudwatch")
    found = cloudwatch.list_metrics(Namespace="AWS/FSx")["Metrics"]
    assert {(m["MetricName"], tuple(sorted(d["Name"] for d in m["Dimensions"]))) for m in found} == {
        *((n, ("DataType", "FileSystemId", "StorageTier")) for n in SSD_METRICS),
        *((n, ("FileSystemId", "VolumeId")) for n in (*SSD_METRICS, "FilesUsed", "FilesCapacity")),
    }


SSD_METRICS = ("StorageUsed", "StorageCapacity", "StorageCapacityUtilization")
