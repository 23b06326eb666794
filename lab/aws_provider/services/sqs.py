"""SQS: queues and the three policies that are resources of their own."""

from __future__ import annotations

import json

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import absent, change_tags, made_name, must_be_new, undecided
from lab.aws_provider.values import Object

GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "queue does not exist")

ATTRIBUTES = {
    "content_based_deduplication": "ContentBasedDeduplication",
    "deduplication_scope": "DeduplicationScope",
    "delay_seconds": "DelaySeconds",
    "fifo_queue": "FifoQueue",
    "fifo_throughput_limit": "FifoThroughputLimit",
    "kms_data_key_reuse_period_seconds": "KmsDataKeyReusePeriodSeconds",
    "kms_master_key_id": "KmsMasterKeyId",
    "max_message_size": "MaximumMessageSize",
    "message_retention_seconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receive_wait_time_seconds": "ReceiveMessageWaitTimeSeconds",
    "redrive_allow_policy": "RedriveAllowPolicy",
    "redrive_policy": "RedrivePolicy",
    "sqs_managed_sse_enabled": "SqsManagedSseEnabled",
    "visibility_timeout_seconds": "VisibilityTimeout",
}
ONLY_WHEN_TRUE = {"fifo_queue", "content_based_deduplication"}  # a standard queue refuses them


def _text(value: object) -> str:
    """An attribute as SQS takes it: all are strings; an empty one removes."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _attributes(values: Object, names: set[str]) -> dict[str, str]:
    chosen = {name: values[name] for name in sorted(names & set(ATTRIBUTES))}
    return {ATTRIBUTES[name]: _text(v) for name, v in chosen.items() if v or name not in ONLY_WHEN_TRUE}


def _check(config: Object) -> None:
    name = config.get("name")
    if undecided(config, "fifo_queue", "kms_master_key_id"):
        return
    if isinstance(name, str) and name.endswith(".fifo") != bool(config.get("fifo_queue")):
        raise ProviderError(f"queue name {name!r} and fifo_queue disagree about .fifo", attribute="name")
    if config.get("kms_master_key_id") and config.get("sqs_managed_sse_enabled") is True:
        raise ProviderError(
            "kms_master_key_id and sqs_managed_sse_enabled exclude each other", attribute="kms_master_key_id"
        )


def _create(cloud: Cloud, values: Object) -> Object:
    client = cloud.client("sqs")
    name = made_name(values)

    def look() -> None:
        with absent(*GONE):
            client.get_queue_url(QueueName=name)

    must_be_new(look, f"queue {name}")
    given = {attribute for attribute in ATTRIBUTES if values[attribute] is not None}
    url = client.create_queue(
        QueueName=name, Attributes=_attributes(values, given), tags=dict(values["tags_all"])
    )["QueueUrl"]
    return {"id": url, "name": name}


def _read(cloud: Cloud, state: Object) -> Object:
    client = cloud.client("sqs")
    with absent(*GONE):
        reported = client.get_queue_attributes(QueueUrl=state["id"], AttributeNames=["All"])["Attributes"]
        tags = client.list_queue_tags(QueueUrl=state["id"]).get("Tags", {})
    result: Object = {name: reported[key] for name, key in ATTRIBUTES.items() if key in reported}
    return {
        **result,
        "policy": reported.get("Policy", ""),
        "redrive_policy": reported.get("RedrivePolicy", ""),
        "redrive_allow_policy": reported.get("RedriveAllowPolicy", ""),
        "kms_master_key_id": reported.get("KmsMasterKeyId", ""),
        "arn": reported["QueueArn"],
        "name": reported["QueueArn"].rpartition(":")[2],
        "url": state["id"],
        "tags": tags,
    }


def _update(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client, url = cloud.client("sqs"), state["id"]
    attributes = _attributes(state, changed)
    if attributes:
        client.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    if "tags_all" in changed:
        change_tags(
            state["tags_all"],
            client.list_queue_tags(QueueUrl=url).get("Tags", {}),
            lambda fresh: client.tag_queue(QueueUrl=url, Tags=fresh),
            lambda keys: client.untag_queue(QueueUrl=url, TagKeys=keys),
        )


def _delete(cloud: Cloud, state: Object) -> None:
    with absent(*GONE):
        cloud.client("sqs").delete_queue(QueueUrl=state["id"])


def _part(argument: str) -> Record:
    """A resource that owns one policy attribute of a queue."""
    attribute = ATTRIBUTES[argument]

    def put(cloud: Cloud, values: Object) -> None:
        cloud.client("sqs").set_queue_attributes(
            QueueUrl=values["queue_url"], Attributes={attribute: values[argument]}
        )

    def create(cloud: Cloud, values: Object) -> Object:
        put(cloud, values)
        return {"id": values["queue_url"]}

    def read(cloud: Cloud, state: Object) -> Object:
        with absent(*GONE):
            reported = cloud.client("sqs").get_queue_attributes(
                QueueUrl=state["id"], AttributeNames=[attribute]
            )
        text = reported.get("Attributes", {}).get(attribute, "")
        if not text or not json.loads(text):
            raise NotFoundError(state["id"])
        return {"queue_url": state["id"], argument: text}

    def delete(cloud: Cloud, state: Object) -> None:
        with absent(*GONE):
            put(cloud, {"queue_url": state["id"], argument: ""})

    return Record(
        type=f"aws_sqs_queue_{argument}",
        create=create,
        update=lambda cloud, state, _changed: put(cloud, state),
        read=read,
        delete=delete,
        create_only=frozenset({"queue_url"}),
        documents={argument: "policy"},
        name_of="queue_url",
    )


RECORDS = (
    Record(
        type="aws_sqs_queue",
        create=_create,
        update=_update,
        read=_read,
        delete=_delete,
        check=_check,
        create_only=frozenset({"name", "fifo_queue"}),
        defaults={
            "delay_seconds": 0,
            "max_message_size": 262144,  # bytes
            "message_retention_seconds": 345600,
            "receive_wait_time_seconds": 0,
            "visibility_timeout_seconds": 30,
        },
        blank={
            "deduplication_scope": "",
            "fifo_throughput_limit": "",
            "kms_data_key_reuse_period_seconds": 300,
            "sqs_managed_sse_enabled": False,
        },
        documents={"policy": "policy", "redrive_policy": "policy", "redrive_allow_policy": "policy"},
        patterns={"name": r"[\w-]{1,75}(\.fifo)?|[\w-]{1,80}"},
    ),
    _part("policy"),
    _part("redrive_policy"),
    _part("redrive_allow_policy"),
)
