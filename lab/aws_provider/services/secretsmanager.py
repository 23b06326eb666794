"""Secrets Manager: secrets, their versions, their rotation."""

from __future__ import annotations

import base64

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import absent, change_tags, made_name, set_only, tag_list, tag_map
from lab.aws_provider.values import Object

GONE = "ResourceNotFoundException"


def _create_secret(cloud: Cloud, values: Object) -> Object:
    name = made_name(values)
    made = cloud.client("secretsmanager").create_secret(
        Name=name,
        Tags=tag_list(values["tags_all"]),
        **set_only(Description=values["description"], KmsKeyId=values["kms_key_id"]),
    )
    return {"id": made["ARN"], "name": name}


def _finish_secret(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if "policy" in changed and state["policy"]:
        cloud.client("secretsmanager").put_resource_policy(
            SecretId=state["id"], ResourcePolicy=state["policy"]
        )


def _update_secret(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client, secret = cloud.client("secretsmanager"), state["id"]
    if changed & {"description", "kms_key_id"}:
        client.update_secret(
            SecretId=secret, Description=state["description"] or "", **set_only(KmsKeyId=state["kms_key_id"])
        )
    if "tags_all" in changed:
        change_tags(
            state["tags_all"],
            tag_map(client.describe_secret(SecretId=secret).get("Tags")),
            lambda fresh: client.tag_resource(SecretId=secret, Tags=tag_list(fresh)),
            lambda keys: client.untag_resource(SecretId=secret, TagKeys=keys),
        )
    _finish_secret(cloud, state, changed)


def _read_secret(cloud: Cloud, state: Object) -> Object:
    with absent(GONE):
        found = cloud.client("secretsmanager").describe_secret(SecretId=state["id"])
    if found.get("DeletedDate"):
        raise NotFoundError(state["id"])
    return {
        "arn": found["ARN"],
        "name": found["Name"],
        "description": found.get("Description", ""),
        "kms_key_id": found.get("KmsKeyId", ""),
        "tags": tag_map(found.get("Tags")),
    }


def _delete_secret(cloud: Cloud, state: Object) -> None:
    days = state["recovery_window_in_days"]
    how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    with absent(GONE):
        cloud.client("secretsmanager").delete_secret(SecretId=state["id"], **how)


# version -------------------------------------------------------------------------------------------------


def _create_version(cloud: Cloud, values: Object) -> Object:
    binary = values["secret_binary"]
    made = cloud.client("secretsmanager").put_secret_value(
        SecretId=values["secret_id"],
        **set_only(
            SecretString=values["secret_string"],
            SecretBinary=base64.b64decode(binary) if binary else None,
            VersionStages=values["version_stages"],
        ),
    )
    return {"id": f"{values['secret_id']}|{made['VersionId']}", "version_id": made["VersionId"]}


def _read_version(cloud: Cloud, state: Object) -> Object:
    """Gone as soon as others rotated twice: a version without a stage is dropped."""
    secret, _, version = state["id"].partition("|")
    with absent(GONE, "InvalidRequestException"):
        found = cloud.client("secretsmanager").get_secret_value(SecretId=secret, VersionId=version)
    return {
        "arn": found["ARN"],
        "secret_id": secret,
        "secret_string": found.get("SecretString", ""),
        "version_id": found["VersionId"],
        "version_stages": state["version_stages"] or found.get("VersionStages", []),
    }


def _delete_version(_cloud: Cloud, _state: Object) -> None:
    """AWS has no call for it: the version goes with its secret."""


# rotation ------------------------------------------------------------------------------------------------


def _rotate(cloud: Cloud, values: Object) -> Object:
    (rules,) = values["rotation_rules"]
    cloud.client("secretsmanager").rotate_secret(
        SecretId=values["secret_id"],
        RotateImmediately=values["rotate_immediately"],
        RotationRules=set_only(
            AutomaticallyAfterDays=rules["automatically_after_days"],
            Duration=rules["duration"],
            ScheduleExpression=rules["schedule_expression"],
        ),
        **set_only(RotationLambdaARN=values["rotation_lambda_arn"]),
    )
    return {"id": values["secret_id"]}


def _update_rotation(cloud: Cloud, state: Object, _changed: set[str]) -> None:
    _rotate(cloud, state)


def _read_rotation(cloud: Cloud, state: Object) -> Object:
    with absent(GONE):
        found = cloud.client("secretsmanager").describe_secret(SecretId=state["id"])
    if not found.get("RotationEnabled"):
        raise NotFoundError(state["id"])
    rules = found.get("RotationRules", {})
    return {
        "secret_id": state["id"],
        "rotation_enabled": True,
        "rotation_lambda_arn": found.get("RotationLambdaARN", ""),
        "rotation_rules": [
            {
                "automatically_after_days": rules.get("AutomaticallyAfterDays"),
                "duration": rules.get("Duration"),
                "schedule_expression": rules.get("ScheduleExpression"),
            }
        ],
    }


def _cancel_rotation(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("secretsmanager").cancel_rotate_secret(SecretId=state["id"])


RECORDS = (
    Record(
        type="aws_secretsmanager_secret",
        create=_create_secret,
        finish=_finish_secret,
        update=_update_secret,
        read=_read_secret,
        delete=_delete_secret,
        create_only=frozenset({"name"}),
        blank={"policy": ""},
        documents={"policy": "policy"},
        patterns={"name": r"[\w/+=.@-]{1,512}"},
    ),
    Record(
        type="aws_secretsmanager_secret_rotation",
        create=_rotate,
        update=_update_rotation,
        read=_read_rotation,
        delete=_cancel_rotation,
        create_only=frozenset({"secret_id"}),
        name_of="secret_id",
    ),
    Record(
        type="aws_secretsmanager_secret_version",
        create=_create_version,
        read=_read_version,
        delete=_delete_version,
        create_only=frozenset({"secret_id", "secret_string", "secret_binary"}),
        blank={"has_secret_string_wo": False},
        name_of="secret_id",
    ),
)
