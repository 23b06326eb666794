"""The S3 face on the local AWS: objects through the access point, also for a role that has only that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lab.cloud.emulator import Emulator
from lab.ontap_sim.client import SimClientError
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


def test_a_role_that_may_use_the_access_point_only_reads_through_it(
    process: SimProcess, emulator: Emulator
) -> None:
    """The bucket's policy leaves the decision to the access point; the bucket's own name stays closed."""
    (face,) = process.ready["access_points"]
    role = role_client(emulator, "reader", [face["arn"], f"{face['arn']}/object/*"])
    assert role.get_object(Bucket=face["alias"], Key="old.txt")["Body"].read() == b"here before"
    with pytest.raises(ClientError, match="AccessDenied"):
        role.get_object(Bucket=face["bucket"], Key="old.txt")
    stranger = role_client(emulator, "stranger", ["arn:aws:s3:::other/*"])
    with pytest.raises(ClientError, match="AccessDenied"):
        stranger.get_object(Bucket=face["alias"], Key="old.txt")


def role_client(emulator: Emulator, name: str, resources: list[str]) -> Any:
    """Make a role that may read these resources, and an S3 client that acts as it."""
    iam, sts = (boto3.client(service, endpoint_url=emulator.endpoint) for service in ("iam", "sts"))
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": resources}
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=policy(allow))
    credentials = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return boto3.client(
        "s3",
        endpoint_url=emulator.endpoint,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        config=Config(s3={"addressing_style": "path"}),
    )


def policy(statement: dict[str, Any]) -> str:
    """Write a policy document with one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_the_fsx_api_describes_the_access_points_attachment(process: SimProcess) -> None:
    """By name, by volume, and paged; what the control interface breaks shows there."""
    (face,) = process.ready["access_points"]
    fsx = boto3.client("fsx", endpoint_url=process.ready["fsx"], region_name="us-east-1")
    (volume,) = fsx.describe_volumes()["Volumes"]
    rule = {"Name": "volume-id", "Values": [volume["VolumeId"]]}
    (found,) = fsx.describe_s3_access_point_attachments(Filters=[rule])["S3AccessPointAttachments"]
    assert (found["Name"], found["Lifecycle"], found["Type"]) == ("vol1-ap", "AVAILABLE", "ONTAP")
    assert found["S3AccessPoint"] == {"Alias": face["alias"], "ResourceARN": face["arn"]}
    assert found["OntapConfiguration"]["VolumeId"] == volume["VolumeId"]
    process.client.fsx("attachment", name="vol1-ap", lifecycle="FAILED", reason="because", vpc_id="vpc-1")
    process.client.fsx("mount", volume="vol1", mounted=False)
    (broken,) = fsx.describe_s3_access_point_attachments(Names=["vol1-ap"])["S3AccessPointAttachments"]
    assert broken["LifecycleTransitionReason"]["Message"] == "because"
    assert broken["S3AccessPoint"]["VpcConfiguration"] == {"VpcId": "vpc-1"}
    assert "JunctionPath" not in fsx.describe_volumes()["Volumes"][0]["OntapConfiguration"]
    with pytest.raises(ClientError, match="S3AccessPointAttachmentNotFound"):
        fsx.describe_s3_access_point_attachments(Names=["vol1-ap", "other"])
    with pytest.raises(SimClientError, match="lifecycle is 'BROKEN'"):
        process.client.fsx("attachment", name="vol1-ap", lifecycle="BROKEN")
