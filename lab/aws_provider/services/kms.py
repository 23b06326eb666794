"""KMS: keys and aliases."""

from __future__ import annotations

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import absent, change_tags, made_name, set_only, tag_list, tag_map
from lab.aws_provider.values import Object

GONE = "NotFoundException"
TAG = ("TagKey", "TagValue")


def _create_key(cloud: Cloud, values: Object) -> Object:
    made = cloud.client("kms").create_key(
        KeyUsage=values["key_usage"],
        KeySpec=values["customer_master_key_spec"],
        MultiRegion=bool(values["multi_region"]),
        Tags=tag_list(values["tags_all"], *TAG),
        **set_only(Policy=values["policy"], Description=values["description"]),
    )
    return {"id": made["KeyMetadata"]["KeyId"]}


def _finish_key(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client, key = cloud.client("kms"), state["id"]
    if "enable_key_rotation" in changed and state["enable_key_rotation"]:
        client.enable_key_rotation(
            KeyId=key, **set_only(RotationPeriodInDays=state.get("rotation_period_in_days"))
        )
    if not state["is_enabled"]:
        client.disable_key(KeyId=key)


def _update_key(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client, key = cloud.client("kms"), state["id"]
    if "is_enabled" in changed and state["is_enabled"]:
        client.enable_key(KeyId=key)
    if "enable_key_rotation" in changed and not state["enable_key_rotation"]:
        client.disable_key_rotation(KeyId=key)
    if "description" in changed:
        client.update_key_description(KeyId=key, Description=state["description"] or "")
    if "policy" in changed:
        client.put_key_policy(KeyId=key, PolicyName="default", Policy=state["policy"])
    if "tags_all" in changed:
        change_tags(
            state["tags_all"],
            tag_map(client.list_resource_tags(KeyId=key)["Tags"], *TAG),
            lambda fresh: client.tag_resource(KeyId=key, Tags=tag_list(fresh, *TAG)),
            lambda keys: client.untag_resource(KeyId=key, TagKeys=keys),
        )
    _finish_key(cloud, state, changed)


def _read_key(cloud: Cloud, state: Object) -> Object:
    client, key = cloud.client("kms"), state["id"]
    with absent(GONE):
        found = client.describe_key(KeyId=key)["KeyMetadata"]
        if found["KeyState"] == "PendingDeletion":
            raise NotFoundError(key)
        policy = client.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        rotation = client.get_key_rotation_status(KeyId=key)
        tags = client.list_resource_tags(KeyId=key)["Tags"]
    return {
        "arn": found["Arn"],
        "customer_master_key_spec": found.get("KeySpec", "SYMMETRIC_DEFAULT"),
        "description": found.get("Description", ""),
        "enable_key_rotation": rotation["KeyRotationEnabled"],
        "is_enabled": found["Enabled"],
        "key_id": found["KeyId"],
        "key_usage": found["KeyUsage"],
        "multi_region": found.get("MultiRegion", False),
        "policy": policy,
        "rotation_period_in_days": rotation.get("RotationPeriodInDays", 365),
        "tags": tag_map(tags, *TAG),
    }


def _delete_key(cloud: Cloud, state: Object) -> None:
    """Schedule the deletion, as AWS does; a key that waits for it reads as gone."""
    with absent(GONE, "KMSInvalidStateException"):
        cloud.client("kms").schedule_key_deletion(
            KeyId=state["id"], PendingWindowInDays=state["deletion_window_in_days"]
        )


# alias ---------------------------------------------------------------------------------------------------


def _create_alias(cloud: Cloud, values: Object) -> Object:
    name = made_name({**values, "name_prefix": values.get("name_prefix") or "alias/terraform-"})
    cloud.client("kms").create_alias(AliasName=name, TargetKeyId=values["target_key_id"])
    return {"id": name, "name": name}


def _update_alias(cloud: Cloud, state: Object, _changed: set[str]) -> None:
    cloud.client("kms").update_alias(AliasName=state["id"], TargetKeyId=state["target_key_id"])


def _read_alias(cloud: Cloud, state: Object) -> Object:
    client = cloud.client("kms")
    aliases = client.get_paginator("list_aliases").paginate().search("Aliases[]")
    alias = next((found for found in aliases if found["AliasName"] == state["id"]), None)
    if alias is None:
        raise NotFoundError(state["id"])
    with absent(GONE):
        key = client.describe_key(KeyId=alias["TargetKeyId"])["KeyMetadata"]
    known = state.get("target_key_id")
    return {
        "arn": alias["AliasArn"],
        "name": alias["AliasName"],
        "target_key_arn": key["Arn"],
        "target_key_id": known if known in (key["Arn"], key["KeyId"]) else key["KeyId"],
    }


def _delete_alias(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("kms").delete_alias(AliasName=state["id"])


RECORDS = (
    Record(
        type="aws_kms_key",
        create=_create_key,
        finish=_finish_key,
        update=_update_key,
        read=_read_key,
        delete=_delete_key,
        create_only=frozenset(
            {"customer_master_key_spec", "key_usage", "multi_region", "custom_key_store_id"}
        ),
        volatile={"rotation_period_in_days": ("enable_key_rotation",)},
        documents={"policy": "policy"},
        name_of="description",
    ),
    Record(
        type="aws_kms_alias",
        create=_create_alias,
        update=_update_alias,
        read=_read_alias,
        delete=_delete_alias,
        create_only=frozenset({"name"}),
        volatile={"target_key_arn": ("target_key_id",)},
        patterns={"name": r"alias/(?!aws/)[\w/-]{1,250}"},
    ),
)
