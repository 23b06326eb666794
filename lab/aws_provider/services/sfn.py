"""Step Functions: state machines."""

from __future__ import annotations

import json
from typing import Any

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import absent, change_tags, made_name, one, set_only, tag_list, tag_map
from lab.aws_provider.values import Object

GONE = "StateMachineDoesNotExist"


def _check(config: Object) -> None:
    """The local AWS accepts any definition, even `{}`: look at its frame here."""
    text = config.get("definition")
    if not isinstance(text, str):
        return
    definition = json.loads(text)
    states = definition.get("States") if isinstance(definition, dict) else None
    if not isinstance(states, dict) or definition.get("StartAt") not in states:
        raise ProviderError(
            "the definition has no States, or StartAt names none of them", attribute="definition"
        )
    for name, state in states.items():
        if isinstance(state, dict) and state.get("Next") is not None and state["Next"] not in states:
            raise ProviderError(f"state {name!r} goes on to {state['Next']!r}, which is not there")


def _logging(values: Object) -> dict[str, Any] | None:
    block = one(values["logging_configuration"])
    if not block:
        return None
    destination = block.get("log_destination")
    return {
        "level": block.get("level") or "OFF",
        "includeExecutionData": bool(block.get("include_execution_data")),
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": destination}}] if destination else [],
    }


def _arguments(values: Object) -> dict[str, Any]:
    tracing = one(values["tracing_configuration"])
    return set_only(
        definition=values["definition"],
        roleArn=values["role_arn"],
        loggingConfiguration=_logging(values),
        tracingConfiguration={"enabled": bool(tracing.get("enabled"))} if tracing else None,
    )


def _create(cloud: Cloud, values: Object) -> Object:
    name = made_name(values)
    made = cloud.client("stepfunctions").create_state_machine(
        name=name,
        type=values["type"],
        tags=tag_list(values["tags_all"], "key", "value"),
        **_arguments(values),
    )
    return {"id": made["stateMachineArn"], "name": name}


def _update(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client, arn = cloud.client("stepfunctions"), state["id"]
    if changed - {"tags", "tags_all"}:
        client.update_state_machine(stateMachineArn=arn, **_arguments(state))
    if "tags_all" in changed:
        change_tags(
            state["tags_all"],
            tag_map(client.list_tags_for_resource(resourceArn=arn)["tags"], "key", "value"),
            lambda fresh: client.tag_resource(resourceArn=arn, tags=tag_list(fresh, "key", "value")),
            lambda keys: client.untag_resource(resourceArn=arn, tagKeys=keys),
        )


def _read(cloud: Cloud, state: Object) -> Object:
    client, arn = cloud.client("stepfunctions"), state["id"]
    with absent(GONE):
        found = client.describe_state_machine(stateMachineArn=arn)
    if found["status"] == "DELETING":
        raise NotFoundError(arn)
    result: Object = {
        "arn": found["stateMachineArn"],
        "name": found["name"],
        "definition": found["definition"],
        "role_arn": found["roleArn"],
        "creation_date": found["creationDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": found["status"],
        "type": found["type"],
        "revision_id": found.get("revisionId", ""),
        "tags": tag_map(client.list_tags_for_resource(resourceArn=arn)["tags"], "key", "value"),
    }
    logging = found.get("loggingConfiguration")
    if logging and logging.get("destinations"):
        result["logging_configuration"] = [
            {
                "level": logging["level"],
                "include_execution_data": logging["includeExecutionData"],
                "log_destination": logging["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"],
            }
        ]
        known = one(state["logging_configuration"])
        if _logging({"logging_configuration": [known]}) == logging:
            result["logging_configuration"] = [known]  # the same, with what was left out still left out
    return result


def _delete(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("stepfunctions").delete_state_machine(stateMachineArn=state["id"])


RECORDS = (
    Record(
        type="aws_sfn_state_machine",
        create=_create,
        update=_update,
        read=_read,
        delete=_delete,
        check=_check,
        create_only=frozenset({"name", "type"}),
        defaults={"publish": False},
        blank={
            "description": "",
            "state_machine_version_arn": "",
            "version_description": "",
            "revision_id": "",
        },
        documents={"definition": "json"},
        patterns={"name": r"[\w-]{1,80}"},
    ),
)
