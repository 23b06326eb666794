"""DynamoDB: tables. Time to live and backups are calls of their own; indexes change one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import absent, change_tags, one, set_only, tag_list, tag_map
from lab.aws_provider.values import UNKNOWN, Object

GONE = "ResourceNotFoundException"
ON_DEMAND = "PAY_PER_REQUEST"
WAIT_SECONDS = 30.0  # the local AWS changes tables at once; this only bounds a fault


def _check(config: Object) -> None:
    """Every declared attribute is a key somewhere: AWS refuses others, the local AWS does not."""
    indexes = [*(config.get("global_secondary_index") or []), *(config.get("local_secondary_index") or [])]
    used = {config.get("hash_key"), config.get("range_key")}
    used |= {index.get(key) for index in indexes for key in ("hash_key", "range_key")}
    declared = {attribute.get("name") for attribute in config.get("attribute") or []}
    if UNKNOWN in used | declared:
        return
    if declared != used - {None}:
        odd = sorted(str(name) for name in declared ^ (used - {None}))
        raise ProviderError(
            f"attributes and keys differ in {', '.join(odd)}: every attribute block is a key of the table "
            "or of an index, and every key has an attribute block",
            attribute="attribute",
        )


def _keys(hash_key: str, range_key: str | None) -> list[dict[str, str]]:
    keys = [{"AttributeName": hash_key, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": range_key, "KeyType": "RANGE"}] if range_key else [])


def _throughput(values: Object) -> dict[str, int]:
    return {
        "ReadCapacityUnits": values["read_capacity"] or 1,
        "WriteCapacityUnits": values["write_capacity"] or 1,
    }


def _index(block: Object, table: Object, *, local: bool = False) -> dict[str, Any]:
    projection = {"ProjectionType": block["projection_type"]}
    if block.get("non_key_attributes"):
        projection["NonKeyAttributes"] = sorted(block["non_key_attributes"])
    index: dict[str, Any] = {
        "IndexName": block["name"],
        "KeySchema": _keys(table["hash_key"] if local else block["hash_key"], block["range_key"]),
        "Projection": projection,
    }
    if not local and table["billing_mode"] != ON_DEMAND:
        index["ProvisionedThroughput"] = _throughput(block)
    return index


def _attributes(values: Object) -> list[dict[str, str]]:
    return [{"AttributeName": a["name"], "AttributeType": a["type"]} for a in values["attribute"]]


def _stream(values: Object) -> dict[str, Any]:
    if not values["stream_enabled"]:
        return {"StreamEnabled": False}
    return {"StreamEnabled": True, "StreamViewType": values["stream_view_type"]}


def _encryption(values: Object) -> dict[str, Any]:
    block = one(values["server_side_encryption"])
    if not block.get("enabled"):
        return {"Enabled": False}
    return {"Enabled": True, "SSEType": "KMS", **set_only(KMSMasterKeyId=block.get("kms_key_arn"))}


def _create(cloud: Cloud, values: Object) -> Object:
    arguments: dict[str, Any] = {
        "TableName": values["name"],
        "BillingMode": values["billing_mode"],
        "KeySchema": _keys(values["hash_key"], values["range_key"]),
        "AttributeDefinitions": _attributes(values),
        "DeletionProtectionEnabled": values["deletion_protection_enabled"],
        "TableClass": values["table_class"],
        "Tags": tag_list(values["tags_all"]),
    }
    if values["billing_mode"] != ON_DEMAND:
        arguments["ProvisionedThroughput"] = _throughput(values)
    if values["global_secondary_index"]:
        arguments["GlobalSecondaryIndexes"] = [
            _index(block, values) for block in values["global_secondary_index"]
        ]
    if values["local_secondary_index"]:
        arguments["LocalSecondaryIndexes"] = [
            _index(block, values, local=True) for block in values["local_secondary_index"]
        ]
    if values["stream_enabled"]:
        arguments["StreamSpecification"] = _stream(values)
    if values["server_side_encryption"]:
        arguments["SSESpecification"] = _encryption(values)
    cloud.client("dynamodb").create_table(**arguments)
    return {"id": values["name"]}


def _describe(cloud: Cloud, name: str) -> dict[str, Any]:
    with absent(GONE):
        table: dict[str, Any] = cloud.client("dynamodb").describe_table(TableName=name)["Table"]
    return table


def _wait(cloud: Cloud, name: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        table = _describe(cloud, name)
        states = [table["TableStatus"], *(i["IndexStatus"] for i in table.get("GlobalSecondaryIndexes", []))]
        if all(state == "ACTIVE" for state in states):
            return
        time.sleep(0.1)
    raise ProviderError(f"table {name} is not ACTIVE after {WAIT_SECONDS:.0f} s")


def _finish(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client, name = cloud.client("dynamodb"), state["id"]
    _wait(cloud, name)
    if "ttl" in changed:
        ttl = one(state["ttl"])
        now = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        enabled = bool(ttl.get("attribute_name")) and ttl.get("enabled") is not False
        if enabled or now["TimeToLiveStatus"] == "ENABLED":
            attribute = ttl.get("attribute_name") or now["AttributeName"]
            client.update_time_to_live(
                TableName=name, TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute}
            )
    if "point_in_time_recovery" in changed:
        block = one(state["point_in_time_recovery"])
        specification = {"PointInTimeRecoveryEnabled": bool(block.get("enabled"))}
        client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=specification)


def _update(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client, name = cloud.client("dynamodb"), state["id"]
    if "billing_mode" in changed or (
        state["billing_mode"] != ON_DEMAND and changed & {"read_capacity", "write_capacity"}
    ):
        arguments: dict[str, Any] = {"BillingMode": state["billing_mode"]}
        if state["billing_mode"] != ON_DEMAND:
            arguments["ProvisionedThroughput"] = _throughput(state)
        client.update_table(TableName=name, **arguments)
    simple: dict[str, Callable[[], dict[str, Any]]] = {
        "deletion_protection_enabled": lambda: {
            "DeletionProtectionEnabled": state["deletion_protection_enabled"]
        },
        "table_class": lambda: {"TableClass": state["table_class"]},
        "stream_enabled": lambda: {"StreamSpecification": _stream(state)},
        "server_side_encryption": lambda: {"SSESpecification": _encryption(state)},
    }
    for attribute in sorted(changed & set(simple)):
        client.update_table(TableName=name, **simple[attribute]())
    if "global_secondary_index" in changed:
        _update_indexes(cloud, state)
    if "tags_all" in changed:
        arn = state["arn"]
        change_tags(
            state["tags_all"],
            tag_map(client.list_tags_of_resource(ResourceArn=arn)["Tags"]),
            lambda fresh: client.tag_resource(ResourceArn=arn, Tags=tag_list(fresh)),
            lambda keys: client.untag_resource(ResourceArn=arn, TagKeys=keys),
        )
    _finish(cloud, state, changed)


def _update_indexes(cloud: Cloud, state: Object) -> None:
    """One change at a time, each with all attribute definitions: what DynamoDB asks for."""
    client, name = cloud.client("dynamodb"), state["id"]
    wanted = {block["name"]: _index(block, state) for block in state["global_secondary_index"]}
    reported = {
        index["IndexName"]: index for index in _describe(cloud, name).get("GlobalSecondaryIndexes", [])
    }
    for index in sorted(reported):
        if index not in wanted or any(reported[index][key] != wanted[index][key] for key in ("KeySchema",)):
            client.update_table(
                TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index}}]
            )
            _wait(cloud, name)
            del reported[index]
    for index in sorted(set(wanted) - set(reported)):
        client.update_table(
            TableName=name,
            AttributeDefinitions=_attributes(state),
            GlobalSecondaryIndexUpdates=[{"Create": wanted[index]}],
        )
        _wait(cloud, name)


def _read(cloud: Cloud, state: Object) -> Object:
    client, name = cloud.client("dynamodb"), state["id"]
    table = _describe(cloud, name)
    if table["TableStatus"] == "DELETING":
        raise NotFoundError(name)
    keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
    ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"
    throughput = table.get("ProvisionedThroughput", {})
    stream = table.get("StreamSpecification", {})
    result: Object = {
        "arn": table["TableArn"],
        "name": table["TableName"],
        "billing_mode": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "deletion_protection_enabled": table.get("DeletionProtectionEnabled", False),
        "hash_key": keys["HASH"],
        "range_key": keys.get("RANGE", ""),
        "read_capacity": throughput.get("ReadCapacityUnits", 0),
        "write_capacity": throughput.get("WriteCapacityUnits", 0),
        "stream_enabled": stream.get("StreamEnabled", False),
        "stream_view_type": stream.get("StreamViewType", ""),
        "stream_arn": table.get("LatestStreamArn", "") if stream.get("StreamEnabled") else "",
        "stream_label": table.get("LatestStreamLabel", "") if stream.get("StreamEnabled") else "",
        "attribute": [
            {"name": a["AttributeName"], "type": a["AttributeType"]} for a in table["AttributeDefinitions"]
        ],
        "point_in_time_recovery": [{**one(state["point_in_time_recovery"]), "enabled": recovery}],
        "tags": tag_map(client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]),
    }
    if ttl["TimeToLiveStatus"] == "ENABLED" or state["ttl"]:
        reported_ttl = {
            "attribute_name": ttl.get("AttributeName"),
            "enabled": ttl["TimeToLiveStatus"] == "ENABLED",
        }
        result["ttl"] = [_as_written(one(state["ttl"]), reported_ttl)]
    result["global_secondary_index"] = _read_indexes(state, table)
    return result


def _as_written(known: Object, reported: Object) -> Object:
    """Reported values, but null where nothing was configured."""
    return {
        name: None if name in known and known[name] is None else value for name, value in reported.items()
    }


def _read_indexes(state: Object, table: dict[str, Any]) -> list[Object]:
    known = {block["name"]: block for block in state["global_secondary_index"] or []}
    result = []
    for index in table.get("GlobalSecondaryIndexes", []):
        keys = {key["KeyType"]: key["AttributeName"] for key in index["KeySchema"]}
        reported = {
            "name": index["IndexName"],
            "hash_key": keys["HASH"],
            "range_key": keys.get("RANGE"),
            "projection_type": index["Projection"]["ProjectionType"],
            "non_key_attributes": index["Projection"].get("NonKeyAttributes"),
        }
        result.append({**known.get(index["IndexName"], {}), **reported})
    return result


def _delete(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("dynamodb").delete_table(TableName=state["id"])


def _plan(planned: Object, _prior: Object | None) -> None:
    """An on-demand table has no capacity; without a stream there is no view."""
    if planned["billing_mode"] == ON_DEMAND:
        for name in ("read_capacity", "write_capacity"):
            if planned[name] is UNKNOWN:
                planned[name] = 0
    if not planned["stream_enabled"]:
        for name in ("stream_arn", "stream_label", "stream_view_type"):
            if planned[name] is UNKNOWN:
                planned[name] = ""


RECORDS = (
    Record(
        type="aws_dynamodb_table",
        create=_create,
        finish=_finish,
        update=_update,
        read=_read,
        delete=_delete,
        check=_check,
        plan=_plan,
        create_only=frozenset({"name", "hash_key", "range_key", "local_secondary_index"}),
        volatile={
            "stream_arn": ("stream_enabled", "stream_view_type"),
            "stream_label": ("stream_enabled", "stream_view_type"),
            "read_capacity": ("billing_mode",),
            "write_capacity": ("billing_mode",),
        },
        patterns={"name": r"[\w.-]{3,255}"},
    ),
)
