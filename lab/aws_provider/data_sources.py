"""Data sources: computed here, asked of the local AWS, or (without one) made up and marked as such."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.aws_provider import policy_document
from lab.aws_provider.cloud import PARTITION, Cloud
from lab.aws_provider.errors import ProviderError
from lab.aws_provider.values import Object

ZONES = "abc"  # the local AWS and most regions have at least three


@dataclass(frozen=True, slots=True)
class Answer:
    values: Object
    warning: str = field(default="")


def read(name: str, cloud: Cloud, config: Object) -> Answer:
    """Computed attributes of one data source. Raises ProviderError."""
    if name in COMPUTED:
        return Answer(COMPUTED[name](cloud, config))
    if cloud.connected:
        raise ProviderError(f"data source {name} is not available in the laboratory: it can only be planned")
    return Answer(PLACEHOLDERS[name](cloud, config), f"{name}: values are made up, because no AWS is asked")


def _policy_document(_cloud: Cloud, config: Object) -> Object:
    indented, minified = policy_document.render(config)
    return {"json": indented, "minified_json": minified, "id": str(zlib.crc32(indented.encode()))}


def _caller_identity(cloud: Cloud, _config: Object) -> Object:
    account = cloud.account
    return {
        "account_id": account,
        "arn": f"arn:{PARTITION}:iam::{account}:root",
        "id": account,
        "user_id": account,
    }


def _region(cloud: Cloud, config: Object) -> Object:
    region = config.get("region") or config.get("name") or cloud.region
    return {
        "id": region,
        "name": region,
        "region": region,
        "description": region,
        "endpoint": f"ec2.{region}.amazonaws.com",
    }


def _partition(_cloud: Cloud, _config: Object) -> Object:
    return {
        "id": PARTITION,
        "partition": PARTITION,
        "dns_suffix": "amazonaws.com",
        "reverse_dns_prefix": "com.amazonaws",
    }


def _availability_zones(cloud: Cloud, _config: Object) -> Object:
    return {
        "id": cloud.region,
        "names": [cloud.region + letter for letter in ZONES],
        "zone_ids": [f"{cloud.region.replace('-', '')[:3]}1-az{place}" for place, _ in enumerate(ZONES, 1)],
        "group_names": [cloud.region],
    }


def _vpc(cloud: Cloud, config: Object) -> Object:
    identifier = config.get("id") or "vpc-00000000000000000"
    return {
        "id": identifier,
        "arn": cloud.arn("ec2", f"vpc/{identifier}"),
        "cidr_block": config.get("cidr_block") or "10.0.0.0/16",
        "cidr_block_associations": [],
        "enable_dns_hostnames": True,
        "enable_dns_support": True,
    }


def _subnets(cloud: Cloud, _config: Object) -> Object:
    return {"id": cloud.region, "ids": ["subnet-00000000000000001", "subnet-00000000000000002"]}


def _fsx_ontap_file_system(cloud: Cloud, config: Object) -> Object:
    identifier = config["id"]
    host = f"{identifier}.fsx.{cloud.region}.amazonaws.com"
    management = [{"dns_name": f"management.{host}", "ip_addresses": ["198.51.100.10"]}]  # RFC 5737
    intercluster = [{"dns_name": f"intercluster.{host}", "ip_addresses": ["198.51.100.11"]}]
    return {
        "arn": cloud.arn("fsx", f"file-system/{identifier}"),
        "storage_capacity": 1024,  # GiB, the smallest file system
        "throughput_capacity": 128,  # MB/s
        "endpoints": [{"management": management, "intercluster": intercluster}],
        "disk_iops_configuration": [],
    }


def _kms_key(cloud: Cloud, _config: Object) -> Object:
    identifier = "00000000-0000-0000-0000-000000000000"
    return {
        "id": identifier,
        "arn": cloud.arn("kms", f"key/{identifier}"),
        "multi_region_configuration": [],
        "xks_key_configuration": [],
        "enabled": True,
    }


def _s3_bucket(cloud: Cloud, config: Object) -> Object:
    bucket = config["bucket"]
    return {
        "id": bucket,
        "arn": f"arn:{PARTITION}:s3:::{bucket}",
        "bucket_domain_name": f"{bucket}.s3.amazonaws.com",
        "bucket_region": cloud.region,
    }


COMPUTED: dict[str, Callable[[Cloud, Object], Object]] = {
    "aws_availability_zones": _availability_zones,
    "aws_caller_identity": _caller_identity,
    "aws_iam_policy_document": _policy_document,
    "aws_partition": _partition,
    "aws_region": _region,
}
PLACEHOLDERS: dict[str, Callable[[Cloud, Object], Object]] = {
    "aws_fsx_ontap_file_system": _fsx_ontap_file_system,
    "aws_kms_key": _kms_key,
    "aws_s3_bucket": _s3_bucket,
    "aws_subnets": _subnets,
    "aws_vpc": _vpc,
}
