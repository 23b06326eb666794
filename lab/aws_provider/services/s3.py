"""S3: buckets and the objects in them. Settings of a bucket are resources of their own (`s3_settings.py`)."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from lab.aws_provider.cloud import PARTITION, Cloud
from lab.aws_provider.errors import ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import (
    absent,
    made_name,
    must_be_new,
    set_only,
    tag_list,
    tag_map,
    undecided,
)
from lab.aws_provider.values import Object

GONE = ("NoSuchBucket", "NoSuchKey", "NotFound", "404")
OWN_RESOURCES = (
    "cors_rule", "grant", "lifecycle_rule", "logging", "object_lock_configuration",
    "replication_configuration", "server_side_encryption_configuration", "versioning", "website",
)  # fmt: skip


# bucket --------------------------------------------------------------------------------------------------


def _check_bucket(config: Object) -> None:
    for block in OWN_RESOURCES:
        if config.get(block):
            raise ProviderError(
                f"{block} belongs in a resource of its own (aws_s3_bucket_...)", attribute=block
            )


def _head(cloud: Cloud, bucket: str) -> dict[str, Any]:
    with absent(*GONE):
        found: dict[str, Any] = cloud.client("s3").head_bucket(Bucket=bucket)
    return found


def _create_bucket(cloud: Cloud, values: Object) -> Object:
    name = values["bucket"] or made_name({"name_prefix": values["bucket_prefix"]})
    must_be_new(lambda: _head(cloud, name), f"bucket {name}")
    where = {}
    if cloud.region != "us-east-1":  # the one region that must not be named
        where = {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
    cloud.client("s3").create_bucket(
        Bucket=name, ObjectLockEnabledForBucket=bool(values["object_lock_enabled"]), **where
    )
    return {"id": name, "bucket": name}


def _tag_bucket(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if "tags_all" not in changed:
        return
    client = cloud.client("s3")
    if state["tags_all"]:
        client.put_bucket_tagging(Bucket=state["id"], Tagging={"TagSet": tag_list(state["tags_all"])})
    else:
        client.delete_bucket_tagging(Bucket=state["id"])


def _bucket_tags(cloud: Cloud, bucket: str) -> dict[str, str]:
    from botocore.exceptions import ClientError

    try:
        return tag_map(cloud.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchTagSet":
            return {}
        raise


def _read_bucket(cloud: Cloud, state: Object) -> Object:
    bucket = state["id"]
    _head(cloud, bucket)
    return {
        "arn": f"arn:{PARTITION}:s3:::{bucket}",
        "bucket": bucket,
        "bucket_domain_name": f"{bucket}.s3.amazonaws.com",
        "bucket_region": cloud.region,
        "bucket_regional_domain_name": f"{bucket}.s3.{cloud.region}.amazonaws.com",
        "tags": _bucket_tags(cloud, bucket),
    }


def _delete_bucket(cloud: Cloud, state: Object) -> None:
    client, bucket = cloud.client("s3"), state["id"]
    with absent(*GONE):
        if state["force_destroy"]:
            pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket)
            for page in pages:
                found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                for item in found:
                    version = set_only(VersionId=item.get("VersionId"))
                    client.delete_object(
                        Bucket=bucket, Key=item["Key"], BypassGovernanceRetention=True, **version
                    )
        client.delete_bucket(Bucket=bucket)


# object --------------------------------------------------------------------------------------------------


def _check_object(config: Object) -> None:
    ways = ("source", "content", "content_base64")
    if not undecided(config, *ways) and sum(config.get(name) is not None for name in ways) > 1:
        raise ProviderError("source, content and content_base64 exclude each other", attribute="content")


def _plan_object(planned: Object, _prior: Object | None) -> None:
    source = planned["source"]
    if isinstance(source, str) and not Path(source).is_file():
        raise ProviderError(f"the file {source} does not exist", attribute="source")


def _body(values: Object) -> bytes:
    if values["source"] is not None:
        return Path(values["source"]).read_bytes()
    if values["content_base64"] is not None:
        return base64.b64decode(values["content_base64"])
    return (values["content"] or "").encode()


def _put_object(cloud: Cloud, values: Object) -> None:
    cloud.client("s3").put_object(
        Bucket=values["bucket"],
        Key=values["key"],
        Body=_body(values),
        **set_only(
            CacheControl=values["cache_control"],
            ContentDisposition=values["content_disposition"],
            ContentEncoding=values["content_encoding"],
            ContentLanguage=values["content_language"],
            ContentType=values["content_type"],
            Metadata=values["metadata"],
            SSEKMSKeyId=values["kms_key_id"],
            ServerSideEncryption=values["server_side_encryption"],
            StorageClass=values["storage_class"],
        ),
    )


def _tag_object(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if "tags_all" in changed:
        cloud.client("s3").put_object_tagging(
            Bucket=state["bucket"], Key=state["key"], Tagging={"TagSet": tag_list(state["tags_all"])}
        )


def _create_object(cloud: Cloud, values: Object) -> Object:
    _put_object(cloud, values)
    return {"id": f"{values['bucket']}/{values['key']}"}


def _update_object(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if changed - {"tags", "tags_all", "force_destroy"}:
        _put_object(cloud, state)
    _tag_object(cloud, state, {"tags_all"})  # a new version starts without tags


def _read_object(cloud: Cloud, state: Object) -> Object:
    client = cloud.client("s3")
    bucket, _, key = state["id"].partition("/")
    with absent(*GONE):
        head = client.head_object(Bucket=bucket, Key=key)
        tags = client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return {
        "arn": f"arn:{PARTITION}:s3:::{bucket}/{key}",
        "bucket": bucket,
        "bucket_key_enabled": head.get("BucketKeyEnabled", False),
        "content_type": head.get("ContentType", ""),
        "etag": head["ETag"].strip('"'),
        "key": key,
        "kms_key_id": head.get("SSEKMSKeyId", ""),
        "server_side_encryption": head.get("ServerSideEncryption", "AES256"),
        "storage_class": head.get("StorageClass", "STANDARD"),
        "version_id": head.get("VersionId", ""),
        "tags": tag_map(tags),
    }


def _delete_object(cloud: Cloud, state: Object) -> None:
    """All versions of the key, as the real provider does."""
    client, bucket, key = cloud.client("s3"), state["bucket"], state["key"]
    with absent(*GONE):
        found = client.list_object_versions(Bucket=bucket, Prefix=key)
        for item in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
            if item["Key"] == key:
                bypass = {"BypassGovernanceRetention": True} if state["force_destroy"] else {}
                client.delete_object(
                    Bucket=bucket, Key=key, **set_only(VersionId=item.get("VersionId")), **bypass
                )


_CONTENT = ("source", "source_hash", "content", "content_base64", "kms_key_id", "server_side_encryption")
_CHECKSUMS = ("checksum_crc32", "checksum_crc32c", "checksum_crc64nvme", "checksum_sha1", "checksum_sha256")

RECORDS = (
    Record(
        type="aws_s3_bucket",
        create=_create_bucket,
        finish=_tag_bucket,
        update=_tag_bucket,
        read=_read_bucket,
        delete=_delete_bucket,
        check=_check_bucket,
        create_only=frozenset({"bucket", "bucket_prefix", "object_lock_enabled"}),
        defaults={"force_destroy": False, "object_lock_enabled": False},
        blank={
            "acceleration_status": "",
            "acl": None,
            "bucket_prefix": "",
            "hosted_zone_id": "",
            "policy": "",
            "request_payer": "BucketOwner",
            "website_domain": None,
            "website_endpoint": None,
        },
        patterns={"bucket": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"},
        name_of="bucket",
    ),
    Record(
        type="aws_s3_object",
        create=_create_object,
        finish=_tag_object,
        update=_update_object,
        read=_read_object,
        delete=_delete_object,
        check=_check_object,
        plan=_plan_object,
        create_only=frozenset({"bucket", "key"}),
        blank={"acl": None, **dict.fromkeys(_CHECKSUMS, "")},
        volatile={"etag": _CONTENT, "version_id": _CONTENT, **dict.fromkeys(_CHECKSUMS, _CONTENT)},
        name_of="key",
    ),
)
