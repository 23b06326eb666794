"""CloudWatch Logs: log groups and subscription filters."""

from __future__ import annotations

from typing import Any

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import absent, change_tags, made_name, set_only
from lab.aws_provider.values import Object

GONE = "ResourceNotFoundException"


def _find(cloud: Cloud, name: str) -> dict[str, Any]:
    """The group of exactly this name: the call looks for prefixes."""
    pages = cloud.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    for group in pages.search("logGroups[]"):
        if group["logGroupName"] == name:
            return dict(group)
    raise NotFoundError(name)


def _create(cloud: Cloud, values: Object) -> Object:
    name = made_name(values)
    cloud.client("logs").create_log_group(
        logGroupName=name,
        **set_only(
            kmsKeyId=values["kms_key_id"],
            tags=dict(values["tags_all"]) or None,
            logGroupClass=values["log_group_class"],
        ),
    )
    return {"id": name, "name": name}


def _set_retention(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if "retention_in_days" not in changed:
        return
    client = cloud.client("logs")
    if state["retention_in_days"]:
        client.put_retention_policy(logGroupName=state["id"], retentionInDays=state["retention_in_days"])
    else:
        client.delete_retention_policy(logGroupName=state["id"])


def _update(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client = cloud.client("logs")
    if "kms_key_id" in changed:
        raise ProviderError(
            "the local AWS cannot change the key of a log group (no AssociateKmsKey); replace the group",
            attribute="kms_key_id",
        )
    _set_retention(cloud, state, changed)
    if "tags_all" in changed:
        arn = state["arn"]
        change_tags(
            state["tags_all"],
            client.list_tags_for_resource(resourceArn=arn)["tags"],
            lambda fresh: client.tag_resource(resourceArn=arn, tags=fresh),
            lambda keys: client.untag_resource(resourceArn=arn, tagKeys=keys),
        )


def _read(cloud: Cloud, state: Object) -> Object:
    group = _find(cloud, state["id"])
    arn = group["arn"].removesuffix(":*")
    return {
        "arn": arn,
        "name": group["logGroupName"],
        "kms_key_id": group.get("kmsKeyId", ""),
        "retention_in_days": group.get("retentionInDays", 0),
        "log_group_class": group.get("logGroupClass", "STANDARD"),
        "tags": cloud.client("logs").list_tags_for_resource(resourceArn=arn)["tags"],
    }


def _delete(cloud: Cloud, state: Object) -> None:
    if state["skip_destroy"]:
        return
    with absent(GONE):
        cloud.client("logs").delete_log_group(logGroupName=state["id"])


# subscription filter -------------------------------------------------------------------------------------


def _put_filter(cloud: Cloud, values: Object) -> Object:
    cloud.client("logs").put_subscription_filter(
        logGroupName=values["log_group_name"],
        filterName=values["name"],
        filterPattern=values["filter_pattern"],
        destinationArn=values["destination_arn"],
        **set_only(roleArn=values["role_arn"] or None, distribution=values["distribution"]),
    )
    return {"id": f"{values['log_group_name']}:{values['name']}"}


def _update_filter(cloud: Cloud, state: Object, _changed: set[str]) -> None:
    _put_filter(cloud, state)


def _read_filter(cloud: Cloud, state: Object) -> Object:
    with absent(GONE):
        found = cloud.client("logs").describe_subscription_filters(
            logGroupName=state["log_group_name"], filterNamePrefix=state["name"]
        )["subscriptionFilters"]
    for each in found:
        if each["filterName"] == state["name"]:
            return {
                "destination_arn": each["destinationArn"],
                "distribution": each.get("distribution", "ByLogStream"),
                "role_arn": each.get("roleArn", ""),
                "filter_pattern": each["filterPattern"],
            }
    raise NotFoundError(state["id"])


def _delete_filter(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("logs").delete_subscription_filter(
            logGroupName=state["log_group_name"], filterName=state["name"]
        )


RECORDS = (
    Record(
        type="aws_cloudwatch_log_group",
        create=_create,
        finish=_set_retention,
        update=_update,
        read=_read,
        delete=_delete,
        create_only=frozenset({"name", "log_group_class"}),
        defaults={"retention_in_days": 0, "skip_destroy": False},  # 0: events never expire
        blank={"deletion_protection_enabled": False},
        patterns={"name": r"[\w./#-]{1,512}"},
    ),
    Record(
        type="aws_cloudwatch_log_subscription_filter",
        create=_put_filter,
        update=_update_filter,
        read=_read_filter,
        delete=_delete_filter,
        create_only=frozenset({"log_group_name", "name"}),
        defaults={"distribution": "ByLogStream"},
    ),
)
