"""SNS: topics, topic policies, subscriptions."""

from __future__ import annotations

import json
from typing import Any

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import absent, change_tags, made_name, must_be_new, tag_list, tag_map
from lab.aws_provider.values import Object

GONE = ("NotFound", "NotFoundException")

TOPIC = {
    "archive_policy": "ArchivePolicy",
    "content_based_deduplication": "ContentBasedDeduplication",
    "delivery_policy": "DeliveryPolicy",
    "display_name": "DisplayName",
    "fifo_topic": "FifoTopic",
    "kms_master_key_id": "KmsMasterKeyId",
    "policy": "Policy",
    "signature_version": "SignatureVersion",
    "tracing_config": "TracingConfig",
}
SUBSCRIPTION = {
    "delivery_policy": "DeliveryPolicy",
    "filter_policy": "FilterPolicy",
    "filter_policy_scope": "FilterPolicyScope",
    "raw_message_delivery": "RawMessageDelivery",
    "redrive_policy": "RedrivePolicy",
    "subscription_role_arn": "SubscriptionRoleArn",
}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _given(values: Object, names: dict[str, str]) -> dict[str, str]:
    return {key: _text(values[name]) for name, key in names.items() if values[name] not in (None, False, "")}


# topic ---------------------------------------------------------------------------------------------------


def _create_topic(cloud: Cloud, values: Object) -> Object:
    client, name = cloud.client("sns"), made_name(values)
    arn = cloud.arn("sns", name)
    must_be_new(lambda: _topic_attributes(cloud, arn), f"topic {name}")
    made = client.create_topic(Name=name, Attributes=_given(values, TOPIC), Tags=tag_list(values["tags_all"]))
    return {"id": made["TopicArn"], "name": name}


def _topic_attributes(cloud: Cloud, arn: str) -> dict[str, str]:
    with absent(*GONE):
        attributes: dict[str, str] = cloud.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    return attributes


def _read_topic(cloud: Cloud, state: Object) -> Object:
    reported = _topic_attributes(cloud, state["id"])
    tags = cloud.client("sns").list_tags_for_resource(ResourceArn=state["id"])["Tags"]
    return {
        **{name: reported[key] for name, key in TOPIC.items() if key in reported},
        "kms_master_key_id": reported.get("KmsMasterKeyId", ""),
        "arn": state["id"],
        "name": state["id"].rpartition(":")[2],
        "owner": reported.get("Owner", cloud.account),
        "tags": tag_map(tags),
    }


def _update_topic(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client, arn = cloud.client("sns"), state["id"]
    for name in sorted(changed & set(TOPIC)):
        client.set_topic_attributes(
            TopicArn=arn, AttributeName=TOPIC[name], AttributeValue=_text(state[name])
        )
    if "tags_all" in changed:
        change_tags(
            state["tags_all"],
            tag_map(client.list_tags_for_resource(ResourceArn=arn)["Tags"]),
            lambda fresh: client.tag_resource(ResourceArn=arn, Tags=tag_list(fresh)),
            lambda keys: client.untag_resource(ResourceArn=arn, TagKeys=keys),
        )


def _delete_topic(cloud: Cloud, state: Object) -> None:
    with absent(*GONE):
        cloud.client("sns").delete_topic(TopicArn=state["id"])


# topic policy --------------------------------------------------------------------------------------------


def _put_topic_policy(cloud: Cloud, arn: str, policy: str) -> None:
    cloud.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)


def _create_topic_policy(cloud: Cloud, values: Object) -> Object:
    _put_topic_policy(cloud, values["arn"], values["policy"])
    return {"id": values["arn"]}


def _update_topic_policy(cloud: Cloud, state: Object, _changed: set[str]) -> None:
    _put_topic_policy(cloud, state["arn"], state["policy"])


def _read_topic_policy(cloud: Cloud, state: Object) -> Object:
    reported = _topic_attributes(cloud, state["id"])
    if not reported.get("Policy"):
        raise NotFoundError(state["id"])
    return {"arn": state["id"], "owner": reported.get("Owner", cloud.account), "policy": reported["Policy"]}


def _delete_topic_policy(cloud: Cloud, state: Object) -> None:
    """A topic always has a policy: put back the one that AWS gives a new topic."""
    default = {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [
                    "SNS:GetTopicAttributes",
                    "SNS:SetTopicAttributes",
                    "SNS:Publish",
                    "SNS:Subscribe",
                ],
                "Resource": state["arn"],
                "Condition": {"StringEquals": {"AWS:SourceOwner": cloud.account}},
            }
        ],
    }
    with absent(*GONE):
        _put_topic_policy(cloud, state["arn"], json.dumps(default))


# subscription --------------------------------------------------------------------------------------------


def _subscribe(cloud: Cloud, values: Object) -> Object:
    made = cloud.client("sns").subscribe(
        TopicArn=values["topic_arn"],
        Protocol=values["protocol"],
        Endpoint=values["endpoint"],
        Attributes=_given(values, SUBSCRIPTION),
        ReturnSubscriptionArn=True,
    )
    return {"id": made["SubscriptionArn"]}


def _read_subscription(cloud: Cloud, state: Object) -> Object:
    with absent(*GONE):
        found = cloud.client("sns").get_subscription_attributes(SubscriptionArn=state["id"])
    reported = found["Attributes"]
    return {
        **{name: reported[key] for name, key in SUBSCRIPTION.items() if key in reported},
        "arn": state["id"],
        "endpoint": reported["Endpoint"],
        "protocol": reported["Protocol"],
        "topic_arn": reported["TopicArn"],
        "owner_id": reported.get("Owner", cloud.account),
        "pending_confirmation": reported.get("PendingConfirmation", "false"),
        "confirmation_was_authenticated": reported.get("ConfirmationWasAuthenticated", "true"),
    }


def _update_subscription(cloud: Cloud, state: Object, changed: set[str]) -> None:
    for name in sorted(changed & set(SUBSCRIPTION)):
        cloud.client("sns").set_subscription_attributes(
            SubscriptionArn=state["id"], AttributeName=SUBSCRIPTION[name], AttributeValue=_text(state[name])
        )


def _unsubscribe(cloud: Cloud, state: Object) -> None:
    with absent(*GONE):
        cloud.client("sns").unsubscribe(SubscriptionArn=state["id"])


RECORDS = (
    Record(
        type="aws_sns_topic",
        create=_create_topic,
        update=_update_topic,
        read=_read_topic,
        delete=_delete_topic,
        create_only=frozenset({"name", "fifo_topic"}),
        blank={
            "beginning_archive_time": "",
            "fifo_throughput_scope": "",
            "signature_version": 0,
            "tracing_config": "",
        },
        documents={"policy": "policy", "delivery_policy": "json", "archive_policy": "json"},
        patterns={"name": r"[\w-]{1,251}(\.fifo)?|[\w-]{1,256}"},
    ),
    Record(
        type="aws_sns_topic_policy",
        create=_create_topic_policy,
        update=_update_topic_policy,
        read=_read_topic_policy,
        delete=_delete_topic_policy,
        create_only=frozenset({"arn"}),
        documents={"policy": "policy"},
        name_of="arn",
    ),
    Record(
        type="aws_sns_topic_subscription",
        create=_subscribe,
        update=_update_subscription,
        read=_read_subscription,
        delete=_unsubscribe,
        create_only=frozenset({"topic_arn", "protocol", "endpoint"}),
        blank={"filter_policy_scope": ""},
        documents={"filter_policy": "json", "redrive_policy": "json", "delivery_policy": "json"},
        name_of="endpoint",
    ),
)
