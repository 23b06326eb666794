"""What an account and its storage have before this product comes: network, file system, secret, marker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab.cloud.emulator import Emulator

SVM, VOLUME, JUNCTION = "svm1", "vol1", "/vol1"
BUCKET = "lab-vol1"  # the bucket behind the volume's access point
ONTAP_SECRET = "fsxn-s3ap-local-ontap"  # noqa: S105 (its name)
AUTOMATION = "fsxn-automation"  # the account that rotates; fsxadmin stays the laboratory's own
FIRST_PASSWORD = "lab-First-Passw0rd"  # noqa: S105 (changed by the first rotation, during the apply)
SSD_GIB = 2048  # twice the volume's size, so that the volume can grow before the file system must


def storage(emulator: Emulator, volume: Path, ledger: Path, switches: Mapping[str, Any]) -> dict[str, Any]:
    """Give the simulator's settings for one file system: an SVM, a volume with its S3 face, an account."""
    return {
        "ledger": str(ledger),
        "svms": [
            {
                "name": SVM,
                "volumes": [
                    {
                        "name": VOLUME,
                        "junction_path": JUNCTION,
                        "directory": str(volume),
                        "s3": {"bucket": BUCKET, "access_point": "lab-vol1-ap"},
                    }
                ],
            }
        ],
        "s3": {"endpoint": emulator.endpoint},
        "file_system": {"storage_capacity_gib": SSD_GIB},
        "accounts": [{"name": AUTOMATION, "password": FIRST_PASSWORD}],
        "switches": dict(switches),
    }


def put_marker(emulator: Emulator) -> None:
    """Put the file there that the access point monitor reads; through S3, so FPolicy tells nobody."""
    emulator.client("s3").put_object(Bucket=BUCKET, Key=".fsxn-canary/marker", Body=b"marker\n")


def put_ontap_secret(emulator: Emulator, ready: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Keep the credentials as an operator does before the first apply; the secret's ARN, where ONTAP is."""
    address = urlsplit(ready["rest"]).netloc
    value = {
        "username": AUTOMATION,
        "password": FIRST_PASSWORD,
        "management_ip": address,
        "ca_certificate": Path(ready["certificate"]).read_text(),
    }
    made = emulator.client("secretsmanager").create_secret(Name=ONTAP_SECRET, SecretString=json.dumps(value))
    host, _, port = address.partition(":")
    return str(made["ARN"]), {"addresses": [host], "port": int(port)}


def make_network(emulator: Emulator) -> dict[str, Any]:
    """Make a VPC, two subnets, the file system's group; their ids as the roots' variables have them."""
    ec2 = emulator.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"us-east-1{zone}")
        for number, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(VpcId=vpc, GroupName="lab-fsx", Description="The file system's nodes")
    return {
        "vpc_id": vpc,
        "subnet_ids": [subnet["Subnet"]["SubnetId"] for subnet in subnets],
        "source_security_group_id": group["GroupId"],
    }
