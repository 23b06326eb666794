"""The S3 face on the local AWS: objects through the access point, also for a role that has only that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from lab.cloud.emulator import Emulator
from lab.ontap_sim.process import SimProcess


@pytest.fixture
def process(tmp_path: Path, emulator: Emulator) -> Any:
    face = {"bucket": "volume-one", "access_point": "vol1-ap"}
    (tmp_path / "vol1").mkdir()
    (tmp_path / "vol1/old.txt").write_text("here before")
    volumes = [{"name": "vol1", "directory": str(tmp_path / "vol1"), "s3": face}]
    config = {"svms": [{"name": "svm1", "volumes": volumes}], "s3": {"endpoint": emulator.endpoint}}
    with SimProcess(config, tmp_path / "sim") as running:
        yield running


def test_the_access_point_shows_what_the_volume_holds(
    process: SimProcess, emulator: Emulator, tmp_path: Path
) -> None:
    """Files from before, created, written, renamed and deleted ones; a big one is streamed."""
    (face,) = process.ready["access_points"]
    client = boto3.client(
        "s3", endpoint_url=emulator.endpoint, config=Config(s3={"addressing_style": "path"})
    )
    process.client.operations(
        [
            {"op": "create", "path": "/legal/a & b.txt", "protocol": "SMB 3.1"},
            {"op": "write", "path": "/legal/a & b.txt", "protocol": "SMB 3.1", "text": "hello"},
            {"op": "create", "path": "/gone"},
            {"op": "rename", "path": "/gone", "target": "/kept"},
            {"op": "create", "path": "/deleted"},
            {"op": "delete", "path": "/deleted"},
            {"op": "create", "path": "/big"},
            {"op": "write", "path": "/big", "length": 3_000_000},
        ]
    )
    process.client.wait_idle()
    listed = client.list_objects_v2(Bucket=face["alias"])["Contents"]
    assert {item["Key"]: item["Size"] for item in listed} == {
        "old.txt": 11,
        "legal/a & b.txt": 5,
        "kept": 0,
        "big": 3_000_000,
    }
    assert client.get_object(Bucket=face["alias"], Key="legal/a & b.txt")["Body"].read() == b"hello"
    assert (
        client.get_object(Bucket=face["alias"], Key="big")["Body"].read()
        == (tmp_path / "vol1/big").read_bytes()
    )
    assert face["arn"].endswith(":accesspoint/vol1-ap")
