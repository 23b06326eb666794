"""S3: settings of a bucket that are resources of their own, each with one put, get and delete call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import absent, one, set_only
from lab.aws_provider.values import Object

Api = dict[str, Any]
GONE = (
    "NoSuchBucket", "404", "NoSuchBucketPolicy", "NoSuchLifecycleConfiguration",
    "OwnershipControlsNotFoundError", "NoSuchPublicAccessBlockConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError", "ObjectLockConfigurationNotFoundError",
)  # fmt: skip


def _setting(
    suffix: str,
    *,
    put: Callable[[Any, Object], object],
    get: Callable[[Any, str, Object], Object],
    delete: Callable[[Any, str, Object], object],
    **facts: Any,
) -> Record:
    """A record whose id is the bucket. The functions get the S3 client."""

    def create(cloud: Cloud, values: Object) -> Object:
        put(cloud.client("s3"), values)
        return {"id": values["bucket"]}

    def update(cloud: Cloud, state: Object, _changed: set[str]) -> None:
        put(cloud.client("s3"), state)

    def read(cloud: Cloud, state: Object) -> Object:
        with absent(*GONE):
            return {"bucket": state["id"], **get(cloud.client("s3"), state["id"], state)}

    def remove(cloud: Cloud, state: Object) -> None:
        with absent(*GONE):
            delete(cloud.client("s3"), state["id"], state)

    return Record(
        type=f"aws_s3_bucket_{suffix}",
        create=create,
        update=update,
        read=read,
        delete=remove,
        create_only=frozenset({"bucket"}),
        name_of="bucket",
        import_id="bucket",
        **facts,
    )


def _same_or(
    known: list[Object], to_api: Callable[[Object], Api], reported: list[Api], back: Any
) -> list[Object]:
    """The known blocks when they mean what is reported, else blocks made from the report.

    One API form can be written as blocks in several ways; comparing there keeps the plan empty.
    """
    if _sorted([to_api(block) for block in known]) == _sorted(reported):
        return known
    return [back(rule) for rule in reported]


def _sorted(rules: list[Api]) -> list[str]:
    return sorted(json.dumps(rule, sort_keys=True, default=str) for rule in rules)


# versioning ----------------------------------------------------------------------------------------------


def _put_versioning(client: Any, values: Object) -> None:
    status = one(values["versioning_configuration"])["status"]
    if status != "Disabled":  # a new bucket has no versioning, and AWS cannot be told so
        client.put_bucket_versioning(Bucket=values["bucket"], VersioningConfiguration={"Status": status})


def _get_versioning(client: Any, bucket: str, state: Object) -> Object:
    status = client.get_bucket_versioning(Bucket=bucket).get("Status")
    known = one(state["versioning_configuration"])
    return {"versioning_configuration": [{**known, "status": status or "Disabled"}]}


def _suspend(client: Any, bucket: str, state: Object) -> None:
    if one(state["versioning_configuration"]).get("status") != "Disabled":
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


# public access -------------------------------------------------------------------------------------------

PUBLIC = {
    "block_public_acls": "BlockPublicAcls",
    "block_public_policy": "BlockPublicPolicy",
    "ignore_public_acls": "IgnorePublicAcls",
    "restrict_public_buckets": "RestrictPublicBuckets",
}


def _put_public(client: Any, values: Object) -> None:
    settings = {key: bool(values[name]) for name, key in PUBLIC.items()}
    client.put_public_access_block(Bucket=values["bucket"], PublicAccessBlockConfiguration=settings)


def _get_public(client: Any, bucket: str, _state: Object) -> Object:
    found = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    return {name: found.get(key, False) for name, key in PUBLIC.items()}


# encryption ----------------------------------------------------------------------------------------------


def _encryption_rule(block: Object) -> Api:
    default = one(block["apply_server_side_encryption_by_default"])
    rule: Api = {"BucketKeyEnabled": bool(block["bucket_key_enabled"])}
    if default:
        rule["ApplyServerSideEncryptionByDefault"] = {
            "SSEAlgorithm": default["sse_algorithm"],
            **set_only(KMSMasterKeyID=default["kms_master_key_id"] or None),
        }
    return rule


def _encryption_block(rule: Api) -> Object:
    default = rule.get("ApplyServerSideEncryptionByDefault")
    block = (
        {"sse_algorithm": default["SSEAlgorithm"], "kms_master_key_id": default.get("KMSMasterKeyID")}
        if default
        else {}
    )
    return {
        "bucket_key_enabled": rule.get("BucketKeyEnabled", False),
        "apply_server_side_encryption_by_default": [block] if default else [],
    }


def _put_encryption(client: Any, values: Object) -> None:
    rules = [_encryption_rule(block) for block in values["rule"]]
    client.put_bucket_encryption(Bucket=values["bucket"], ServerSideEncryptionConfiguration={"Rules": rules})


def _get_encryption(client: Any, bucket: str, state: Object) -> Object:
    rules = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    known_form = [{"BucketKeyEnabled": False, **_without_empty(rule)} for rule in rules]
    return {"rule": _same_or(state["rule"] or [], _encryption_rule, known_form, _encryption_block)}


def _without_empty(rule: Mapping[str, Any]) -> Api:
    return {
        key: _without_empty(value) if isinstance(value, dict) else value
        for key, value in rule.items()
        if value not in (None, "", [])
    }


# lifecycle -----------------------------------------------------------------------------------------------

FILTER = {
    "prefix": "Prefix",
    "object_size_greater_than": "ObjectSizeGreaterThan",
    "object_size_less_than": "ObjectSizeLessThan",
}
TRANSITION = {"date": "Date", "days": "Days", "storage_class": "StorageClass"}
EXPIRATION = {"date": "Date", "days": "Days", "expired_object_delete_marker": "ExpiredObjectDeleteMarker"}
OLD_TRANSITION = {
    "newer_noncurrent_versions": "NewerNoncurrentVersions",
    "noncurrent_days": "NoncurrentDays",
    "storage_class": "StorageClass",
}
OLD_EXPIRATION = {"newer_noncurrent_versions": "NewerNoncurrentVersions", "noncurrent_days": "NoncurrentDays"}


def _named(block: Object, names: Mapping[str, str]) -> Api:
    return {key: block[name] for name, key in names.items() if block.get(name) not in (None, "", False)}


def _unnamed(found: Api, names: Mapping[str, str]) -> Object:
    return {name: found[key] for name, key in names.items() if key in found}


def _lifecycle_filter(block: Object) -> Api:
    tag, both = one(block.get("tag")), one(block.get("and"))
    if both:
        tags = [{"Key": key, "Value": value} for key, value in sorted((both.get("tags") or {}).items())]
        return {"And": {**_named(both, FILTER), **({"Tags": tags} if tags else {})}}
    if tag:
        return {"Tag": {"Key": tag["key"], "Value": tag["value"]}}
    return _named(block, FILTER) or {"Prefix": ""}


def _lifecycle_rule(block: Object) -> Api:
    rule: Api = {
        "ID": block["id"],
        "Status": block["status"],
        "Filter": _lifecycle_filter(one(block["filter"])),
    }
    if block["prefix"]:
        rule["Filter"] = {"Prefix": block["prefix"]}
    expiration, old = one(block["expiration"]), one(block["noncurrent_version_expiration"])
    abort = one(block["abort_incomplete_multipart_upload"])
    if expiration:
        rule["Expiration"] = _named(expiration, EXPIRATION)
    if old:
        rule["NoncurrentVersionExpiration"] = _named(old, OLD_EXPIRATION)
    if abort:
        rule["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": abort["days_after_initiation"]}
    if block["transition"]:
        rule["Transitions"] = [_named(item, TRANSITION) for item in block["transition"]]
    if block["noncurrent_version_transition"]:
        rule["NoncurrentVersionTransitions"] = [
            _named(item, OLD_TRANSITION) for item in block["noncurrent_version_transition"]
        ]
    return rule


def _lifecycle_block(rule: Api) -> Object:
    found = rule.get("Filter", {})
    abort = rule.get("AbortIncompleteMultipartUpload")
    return {
        "id": rule["ID"],
        "status": rule["Status"],
        "filter": [
            {
                **_unnamed(found, FILTER),
                "tag": [{"key": found["Tag"]["Key"], "value": found["Tag"]["Value"]}]
                if "Tag" in found
                else [],
                "and": [
                    {
                        **_unnamed(found["And"], FILTER),
                        "tags": {tag["Key"]: tag["Value"] for tag in found["And"].get("Tags", [])},
                    }
                ]
                if "And" in found
                else [],
            }
        ],
        "expiration": [_unnamed(rule["Expiration"], EXPIRATION)] if "Expiration" in rule else [],
        "noncurrent_version_expiration": [_unnamed(rule["NoncurrentVersionExpiration"], OLD_EXPIRATION)]
        if "NoncurrentVersionExpiration" in rule
        else [],
        "abort_incomplete_multipart_upload": [{"days_after_initiation": abort["DaysAfterInitiation"]}]
        if abort
        else [],
        "transition": [_unnamed(item, TRANSITION) for item in rule.get("Transitions", [])],
        "noncurrent_version_transition": [
            _unnamed(item, OLD_TRANSITION) for item in rule.get("NoncurrentVersionTransitions", [])
        ],
    }


def _put_lifecycle(client: Any, values: Object) -> None:
    rules = [_lifecycle_rule(block) for block in values["rule"]]
    client.put_bucket_lifecycle_configuration(
        Bucket=values["bucket"], LifecycleConfiguration={"Rules": rules}
    )


def _get_lifecycle(client: Any, bucket: str, state: Object) -> Object:
    rules = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    reported = [
        {**rule, "Filter": rule.get("Filter") or {"Prefix": rule.get("Prefix", "")}} for rule in rules
    ]
    for rule in reported:
        rule.pop("Prefix", None)
    return {"rule": _same_or(state["rule"] or [], _lifecycle_rule, reported, _lifecycle_block)}


# object lock ---------------------------------------------------------------------------------------------


def _put_lock(client: Any, values: Object) -> None:
    default = one(one(values["rule"]).get("default_retention"))
    names = {"mode": "Mode", "days": "Days", "years": "Years"}
    rule = {"Rule": {"DefaultRetention": _named(default, names)}} if default else {}
    client.put_object_lock_configuration(
        Bucket=values["bucket"], ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", **rule}
    )


def _get_lock(client: Any, bucket: str, _state: Object) -> Object:
    found = client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    default = found.get("Rule", {}).get("DefaultRetention")
    if not default:
        raise NotFoundError(bucket)
    block = {"mode": default["Mode"], "days": default.get("Days"), "years": default.get("Years")}
    return {"rule": [{"default_retention": [block]}]}


def _unlock(client: Any, bucket: str, _state: Object) -> None:
    """Only the default retention goes: a bucket that can lock stays one."""
    client.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    )


# policy, ownership, access log ---------------------------------------------------------------------------


def _get_ownership(client: Any, bucket: str, _state: Object) -> Object:
    rules = client.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    return {"rule": [{"object_ownership": rules[0]["ObjectOwnership"]}]}


def _put_ownership(client: Any, values: Object) -> None:
    rules = [{"ObjectOwnership": one(values["rule"])["object_ownership"]}]
    client.put_bucket_ownership_controls(Bucket=values["bucket"], OwnershipControls={"Rules": rules})


def _put_logging(client: Any, values: Object) -> None:
    target = {"TargetBucket": values["target_bucket"], "TargetPrefix": values["target_prefix"]}
    client.put_bucket_logging(Bucket=values["bucket"], BucketLoggingStatus={"LoggingEnabled": target})


def _get_logging(client: Any, bucket: str, _state: Object) -> Object:
    found = client.get_bucket_logging(Bucket=bucket).get("LoggingEnabled")
    if not found:
        raise NotFoundError(bucket)
    return {"target_bucket": found["TargetBucket"], "target_prefix": found.get("TargetPrefix", "")}


RECORDS = (
    _setting("versioning", put=_put_versioning, get=_get_versioning, delete=_suspend),
    _setting(
        "public_access_block",
        put=_put_public,
        get=_get_public,
        delete=lambda client, bucket, _state: client.delete_public_access_block(Bucket=bucket),
        defaults={"skip_destroy": False},
    ),
    _setting(
        "server_side_encryption_configuration",
        put=_put_encryption,
        get=_get_encryption,
        delete=lambda client, bucket, _state: client.delete_bucket_encryption(Bucket=bucket),
    ),
    _setting(
        "lifecycle_configuration",
        put=_put_lifecycle,
        get=_get_lifecycle,
        delete=lambda client, bucket, _state: client.delete_bucket_lifecycle(Bucket=bucket),
        blank={
            "expected_bucket_owner": "",
            "transition_default_minimum_object_size": "all_storage_classes_128K",
        },
    ),
    _setting(
        "policy",
        put=lambda client, values: client.put_bucket_policy(Bucket=values["bucket"], Policy=values["policy"]),
        get=lambda client, bucket, _state: {"policy": client.get_bucket_policy(Bucket=bucket)["Policy"]},
        delete=lambda client, bucket, _state: client.delete_bucket_policy(Bucket=bucket),
        documents={"policy": "policy"},
    ),
    _setting(
        "ownership_controls",
        put=_put_ownership,
        get=_get_ownership,
        delete=lambda client, bucket, _state: client.delete_bucket_ownership_controls(Bucket=bucket),
    ),
    _setting(
        "object_lock_configuration",
        put=_put_lock,
        get=_get_lock,
        delete=_unlock,
        defaults={"object_lock_enabled": "Enabled"},
    ),
    _setting(
        "logging",
        put=_put_logging,
        get=_get_logging,
        delete=lambda client, bucket, _state: client.put_bucket_logging(
            Bucket=bucket, BucketLoggingStatus={}
        ),
    ),
)
