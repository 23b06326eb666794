"""EventBridge: buses, archives, rules, targets."""

from __future__ import annotations

from typing import Any

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import (
    absent,
    change_tags,
    made_name,
    must_be_new,
    one,
    set_only,
    tag_list,
    tag_map,
    undecided,
)
from lab.aws_provider.values import Object

GONE = "ResourceNotFoundException"
NAME = r"[\w.-]{1,64}"


def _tags(cloud: Cloud, arn: str) -> dict[str, str]:
    return tag_map(cloud.client("events").list_tags_for_resource(ResourceARN=arn).get("Tags"))


def _change_tags(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if "tags_all" not in changed:
        return
    client, arn = cloud.client("events"), state["arn"]
    change_tags(
        state["tags_all"],
        _tags(cloud, arn),
        lambda fresh: client.tag_resource(ResourceARN=arn, Tags=tag_list(fresh)),
        lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
    )


# bus -----------------------------------------------------------------------------------------------------


def _bus(values: Object) -> dict[str, Any]:
    letter = one(values["dead_letter_config"])
    return set_only(
        Description=values["description"],
        KmsKeyIdentifier=values["kms_key_identifier"],
        DeadLetterConfig={"Arn": letter["arn"]} if letter else None,
    )


def _create_bus(cloud: Cloud, values: Object) -> Object:
    cloud.client("events").create_event_bus(
        Name=values["name"], Tags=tag_list(values["tags_all"]), **_bus(values)
    )
    return {"id": values["name"]}


def _update_bus(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if changed - {"tags", "tags_all"}:
        cloud.client("events").update_event_bus(Name=state["id"], **_bus(state))
    _change_tags(cloud, state, changed)


def _read_bus(cloud: Cloud, state: Object) -> Object:
    with absent(GONE):
        bus = cloud.client("events").describe_event_bus(Name=state["id"])
    letter = bus.get("DeadLetterConfig", {}).get("Arn")
    return {
        "arn": bus["Arn"],
        "name": bus["Name"],
        "description": bus.get("Description", ""),
        "kms_key_identifier": bus.get("KmsKeyIdentifier", ""),
        "dead_letter_config": [{"arn": letter}] if letter else [],
        "tags": _tags(cloud, bus["Arn"]),
    }


def _delete_bus(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("events").delete_event_bus(Name=state["id"])


# archive -------------------------------------------------------------------------------------------------


def _archive(values: Object) -> dict[str, Any]:
    return set_only(
        Description=values["description"],
        EventPattern=values["event_pattern"],
        RetentionDays=values["retention_days"],
        KmsKeyIdentifier=values["kms_key_identifier"],
    )


def _create_archive(cloud: Cloud, values: Object) -> Object:
    cloud.client("events").create_archive(
        ArchiveName=values["name"], EventSourceArn=values["event_source_arn"], **_archive(values)
    )
    return {"id": values["name"]}


def _update_archive(cloud: Cloud, state: Object, _changed: set[str]) -> None:
    cloud.client("events").update_archive(ArchiveName=state["id"], **_archive(state))


def _read_archive(cloud: Cloud, state: Object) -> Object:
    with absent(GONE):
        archive = cloud.client("events").describe_archive(ArchiveName=state["id"])
    return {
        "arn": archive["ArchiveArn"],
        "name": archive["ArchiveName"],
        "description": archive.get("Description", ""),
        "event_pattern": archive.get("EventPattern", ""),
        "event_source_arn": archive["EventSourceArn"],
        "retention_days": archive.get("RetentionDays", 0),
    }


def _delete_archive(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("events").delete_archive(ArchiveName=state["id"])


# rule ----------------------------------------------------------------------------------------------------


def _check_rule(config: Object) -> None:
    if undecided(config, "event_pattern", "schedule_expression", "event_bus_name"):
        return
    if config.get("event_pattern") is None and config.get("schedule_expression") is None:
        raise ProviderError("a rule needs event_pattern or schedule_expression", attribute="event_pattern")
    if config.get("schedule_expression") and config.get("event_bus_name") not in (None, "default"):
        raise ProviderError("scheduled rules work on the default bus only", attribute="schedule_expression")


def _split(identifier: str) -> tuple[str, str]:
    """Bus and rule of `rule` or `bus/rule`."""
    bus, _, name = identifier.rpartition("/")
    return bus or "default", name


def _describe_rule(cloud: Cloud, bus: str, name: str) -> dict[str, Any]:
    with absent(GONE):
        rule: dict[str, Any] = cloud.client("events").describe_rule(Name=name, EventBusName=bus)
    return rule


def _put_rule(cloud: Cloud, values: Object, name: str) -> None:
    cloud.client("events").put_rule(
        Name=name,
        EventBusName=values["event_bus_name"],
        State=values["state"],
        **set_only(
            Description=values["description"],
            EventPattern=values["event_pattern"],
            ScheduleExpression=values["schedule_expression"],
            RoleArn=values["role_arn"],
        ),
    )


def _create_rule(cloud: Cloud, values: Object) -> Object:
    name, bus = made_name(values), values["event_bus_name"]
    must_be_new(lambda: _describe_rule(cloud, bus, name), f"rule {name}")
    _put_rule(cloud, values, name)
    return {"id": name if bus == "default" else f"{bus}/{name}", "name": name}


def _finish_rule(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if state["tags_all"]:
        arn = _describe_rule(cloud, *_split(state["id"]))["Arn"]
        _change_tags(cloud, {**state, "arn": arn}, changed)


def _update_rule(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if changed - {"tags", "tags_all"}:
        _put_rule(cloud, state, state["name"])
    _change_tags(cloud, state, changed)


def _read_rule(cloud: Cloud, state: Object) -> Object:
    bus, name = _split(state["id"])
    rule = _describe_rule(cloud, bus, name)
    return {
        "arn": rule["Arn"],
        "name": rule["Name"],
        "event_bus_name": bus,
        "description": rule.get("Description", ""),
        "event_pattern": rule.get("EventPattern", ""),
        "schedule_expression": rule.get("ScheduleExpression", ""),
        "role_arn": rule.get("RoleArn", ""),
        "state": rule["State"],
        "tags": _tags(cloud, rule["Arn"]),
    }


def _delete_rule(cloud: Cloud, state: Object) -> None:
    bus, name = _split(state["id"])
    with absent(GONE):
        client = cloud.client("events")
        if state["force_destroy"]:
            targets = client.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
            if targets:
                client.remove_targets(Rule=name, EventBusName=bus, Ids=[target["Id"] for target in targets])
        client.delete_rule(Name=name, EventBusName=bus)


# target --------------------------------------------------------------------------------------------------


def _check_target(config: Object) -> None:
    ways = ("input", "input_path", "input_transformer")
    given = [] if undecided(config, *ways) else [name for name in ways if config.get(name)]
    if len(given) > 1:
        raise ProviderError(f"{' and '.join(given)} exclude each other", attribute=given[0])
    unknown = [name for name in UNSUPPORTED_TARGETS if config.get(name)]
    if unknown:
        raise ProviderError(f"{unknown[0]} is not available in the laboratory", attribute=unknown[0])


UNSUPPORTED_TARGETS = (
    "appsync_target", "batch_target", "ecs_target", "http_target", "kinesis_target", "redshift_target",
    "run_command_targets", "sagemaker_pipeline_target",
)  # fmt: skip


def _target(values: Object) -> dict[str, Any]:
    transformer, letter = one(values["input_transformer"]), one(values["dead_letter_config"])
    retry, queue = one(values["retry_policy"]), one(values["sqs_target"])
    return set_only(
        Arn=values["arn"],
        RoleArn=values["role_arn"],
        Input=values["input"],
        InputPath=values["input_path"],
        InputTransformer=set_only(
            InputPathsMap=transformer["input_paths"], InputTemplate=transformer["input_template"]
        )
        if transformer
        else None,
        DeadLetterConfig={"Arn": letter["arn"]} if letter else None,
        RetryPolicy=set_only(
            MaximumRetryAttempts=retry["maximum_retry_attempts"],
            MaximumEventAgeInSeconds=retry["maximum_event_age_in_seconds"],
        )
        if retry
        else None,
        SqsParameters={"MessageGroupId": queue["message_group_id"]} if queue else None,
    )


def _put_target(cloud: Cloud, values: Object, target_id: str) -> None:
    answer = cloud.client("events").put_targets(
        Rule=values["rule"],
        EventBusName=values["event_bus_name"],
        Targets=[{"Id": target_id, **_target(values)}],
    )
    if answer.get("FailedEntryCount"):
        failed = answer["FailedEntries"][0]
        raise ProviderError(f"{failed['ErrorCode']}: {failed['ErrorMessage']}")


def _create_target(cloud: Cloud, values: Object) -> Object:
    target_id = made_name(values, "target_id")
    _put_target(cloud, values, target_id)
    bus = values["event_bus_name"]
    parts = [values["rule"], target_id] if bus == "default" else [bus, values["rule"], target_id]
    return {"id": "-".join(parts), "target_id": target_id}


def _update_target(cloud: Cloud, state: Object, _changed: set[str]) -> None:
    _put_target(cloud, state, state["target_id"])


def _read_target(cloud: Cloud, state: Object) -> Object:
    with absent(GONE):
        pages = cloud.client("events").get_paginator("list_targets_by_rule")
        targets = list(
            pages.paginate(Rule=state["rule"], EventBusName=state["event_bus_name"]).search("Targets[]")
        )
    target = next((found for found in targets if found["Id"] == state["target_id"]), None)
    if target is None:
        raise NotFoundError(state["id"])
    result: Object = {
        "arn": target["Arn"],
        "role_arn": target.get("RoleArn", ""),
        "input": target.get("Input", ""),
        "input_path": target.get("InputPath", ""),
    }
    if target.get("InputTransformer"):
        transformer = target["InputTransformer"]
        paths = transformer.get("InputPathsMap") or one(state["input_transformer"]).get("input_paths")
        result["input_transformer"] = [{"input_paths": paths, "input_template": transformer["InputTemplate"]}]
    if target.get("DeadLetterConfig", {}).get("Arn"):
        result["dead_letter_config"] = [{"arn": target["DeadLetterConfig"]["Arn"]}]
    return result


def _delete_target(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("events").remove_targets(
            Rule=state["rule"], EventBusName=state["event_bus_name"], Ids=[state["target_id"]]
        )


RECORDS = (
    Record(
        type="aws_cloudwatch_event_bus",
        create=_create_bus,
        update=_update_bus,
        read=_read_bus,
        delete=_delete_bus,
        create_only=frozenset({"name", "event_source_name"}),
        patterns={"name": r"[/\w.-]{1,256}"},
    ),
    Record(
        type="aws_cloudwatch_event_archive",
        create=_create_archive,
        update=_update_archive,
        read=_read_archive,
        delete=_delete_archive,
        create_only=frozenset({"name", "event_source_arn"}),
        defaults={"retention_days": 0},  # 0: for ever
        documents={"event_pattern": "json"},
        patterns={"name": r"[\w.-]{1,48}"},
    ),
    Record(
        type="aws_cloudwatch_event_rule",
        create=_create_rule,
        finish=_finish_rule,
        update=_update_rule,
        read=_read_rule,
        delete=_delete_rule,
        check=_check_rule,
        create_only=frozenset({"name", "event_bus_name"}),
        defaults={"event_bus_name": "default", "is_enabled": None},
        documents={"event_pattern": "json"},
        patterns={"name": NAME},
    ),
    Record(
        type="aws_cloudwatch_event_target",
        create=_create_target,
        update=_update_target,
        read=_read_target,
        delete=_delete_target,
        check=_check_target,
        create_only=frozenset({"rule", "event_bus_name", "target_id"}),
        defaults={"event_bus_name": "default"},
        documents={"input": "json"},
        patterns={"target_id": NAME},
        name_of="target_id",
    ),
)
