"""IAM: roles, policies, attachments."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import absent, change_tags, made_name, set_only, tag_list, tag_map
from lab.aws_provider.values import Object

GONE = "NoSuchEntity"
POLICY_VERSIONS = 5  # AWS keeps at most five versions of a managed policy
NAME = r"[\w+=,.@-]{1,128}"


def _document(reported: Any) -> str:
    """A policy as text: boto3 decodes some, the local AWS returns some URL-encoded."""
    return json.dumps(reported) if isinstance(reported, dict) else unquote(reported)


# role ----------------------------------------------------------------------------------------------------


def _create_role(cloud: Cloud, values: Object) -> Object:
    if values.get("inline_policy"):
        raise ProviderError("inline_policy blocks are not supported here: use aws_iam_role_policy")
    name = made_name(values)
    cloud.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=values["assume_role_policy"],
        Tags=tag_list(values["tags_all"]),
        **set_only(
            Path=values["path"],
            Description=values["description"],
            MaxSessionDuration=values["max_session_duration"],
            PermissionsBoundary=values["permissions_boundary"],
        ),
    )
    return {"id": name, "name": name}


def _read_role(cloud: Cloud, state: Object) -> Object:
    with absent(GONE):
        role = cloud.client("iam").get_role(RoleName=state["id"])["Role"]
    boundary = role.get("PermissionsBoundary") or {}
    return {
        "name": role["RoleName"],
        "arn": role["Arn"],
        "assume_role_policy": _document(role["AssumeRolePolicyDocument"]),
        "create_date": role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "description": role.get("Description", ""),
        "max_session_duration": role.get("MaxSessionDuration", 3600),
        "path": role["Path"],
        "permissions_boundary": boundary.get("PermissionsBoundaryArn", "")
        if isinstance(boundary, dict)
        else boundary,
        "unique_id": role["RoleId"],
        "tags": tag_map(role.get("Tags")),
    }


def _update_role(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client, name = cloud.client("iam"), state["id"]
    if "assume_role_policy" in changed:
        client.update_assume_role_policy(RoleName=name, PolicyDocument=state["assume_role_policy"])
    if changed & {"description", "max_session_duration"}:
        client.update_role(
            RoleName=name,
            Description=state["description"] or "",
            MaxSessionDuration=state["max_session_duration"],
        )
    if "permissions_boundary" in changed and state["permissions_boundary"]:
        client.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=state["permissions_boundary"])
    elif "permissions_boundary" in changed:
        client.delete_role_permissions_boundary(RoleName=name)
    if "tags_all" in changed:
        change_tags(
            state["tags_all"],
            tag_map(client.list_role_tags(RoleName=name)["Tags"]),
            lambda fresh: client.tag_role(RoleName=name, Tags=tag_list(fresh)),
            lambda keys: client.untag_role(RoleName=name, TagKeys=keys),
        )


def _delete_role(cloud: Cloud, state: Object) -> None:
    client, name = cloud.client("iam"), state["id"]
    with absent(GONE):
        if state["force_detach_policies"]:
            for policy in client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                client.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
            for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
                client.delete_role_policy(RoleName=name, PolicyName=policy)
        client.delete_role(RoleName=name)


# role policy ---------------------------------------------------------------------------------------------


def _create_role_policy(cloud: Cloud, values: Object) -> Object:
    name = made_name(values)
    _put_role_policy(cloud, {**values, "name": name})
    return {"id": f"{values['role']}:{name}", "name": name}


def _put_role_policy(cloud: Cloud, values: Object) -> None:
    cloud.client("iam").put_role_policy(
        RoleName=values["role"], PolicyName=values["name"], PolicyDocument=values["policy"]
    )


def _update_role_policy(cloud: Cloud, state: Object, _changed: set[str]) -> None:
    _put_role_policy(cloud, state)


def _read_role_policy(cloud: Cloud, state: Object) -> Object:
    role, name = state["id"].split(":", 1)
    with absent(GONE):
        found = cloud.client("iam").get_role_policy(RoleName=role, PolicyName=name)
    return {"role": role, "name": name, "policy": _document(found["PolicyDocument"])}


def _delete_role_policy(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("iam").delete_role_policy(RoleName=state["role"], PolicyName=state["name"])


# policy --------------------------------------------------------------------------------------------------


def _create_policy(cloud: Cloud, values: Object) -> Object:
    name = made_name(values)
    made = cloud.client("iam").create_policy(
        PolicyName=name,
        PolicyDocument=values["policy"],
        Tags=tag_list(values["tags_all"]),
        **set_only(Path=values["path"], Description=values["description"]),
    )
    return {"id": made["Policy"]["Arn"], "name": name}


def _read_policy(cloud: Cloud, state: Object) -> Object:
    client = cloud.client("iam")
    with absent(GONE):
        policy = client.get_policy(PolicyArn=state["id"])["Policy"]
        version = client.get_policy_version(PolicyArn=state["id"], VersionId=policy["DefaultVersionId"])
    return {
        "arn": policy["Arn"],
        "attachment_count": policy["AttachmentCount"],
        "description": policy.get("Description", ""),
        "name": policy["PolicyName"],
        "path": policy["Path"],
        "policy": _document(version["PolicyVersion"]["Document"]),
        "policy_id": policy["PolicyId"],
        "tags": tag_map(policy.get("Tags")),
    }


def _old_versions(client: Any, arn: str) -> list[str]:
    """Versions that are not in use, oldest first."""
    versions = [
        v for v in client.list_policy_versions(PolicyArn=arn)["Versions"] if not v["IsDefaultVersion"]
    ]
    return [v["VersionId"] for v in sorted(versions, key=lambda v: int(v["VersionId"].lstrip("v")))]


def _update_policy(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client, arn = cloud.client("iam"), state["id"]
    if "policy" in changed:
        old = _old_versions(client, arn)
        if len(old) + 1 >= POLICY_VERSIONS:
            client.delete_policy_version(PolicyArn=arn, VersionId=old[0])
        client.create_policy_version(PolicyArn=arn, PolicyDocument=state["policy"], SetAsDefault=True)
    if "tags_all" in changed:
        change_tags(
            state["tags_all"],
            tag_map(client.list_policy_tags(PolicyArn=arn)["Tags"]),
            lambda fresh: client.tag_policy(PolicyArn=arn, Tags=tag_list(fresh)),
            lambda keys: client.untag_policy(PolicyArn=arn, TagKeys=keys),
        )


def _delete_policy(cloud: Cloud, state: Object) -> None:
    client, arn = cloud.client("iam"), state["id"]
    with absent(GONE):
        for version in _old_versions(client, arn):
            client.delete_policy_version(PolicyArn=arn, VersionId=version)
        client.delete_policy(PolicyArn=arn)


# attachment ----------------------------------------------------------------------------------------------


def _attach(cloud: Cloud, values: Object) -> Object:
    cloud.client("iam").attach_role_policy(RoleName=values["role"], PolicyArn=values["policy_arn"])
    return {"id": f"{values['role']}/{values['policy_arn']}"}


def _read_attachment(cloud: Cloud, state: Object) -> Object:
    role, _, arn = state["id"].partition("/")
    with absent(GONE):
        attached = cloud.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        if arn not in {policy["PolicyArn"] for policy in attached}:
            raise NotFoundError(arn)
    return {"role": role, "policy_arn": arn}


def _detach(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("iam").detach_role_policy(RoleName=state["role"], PolicyArn=state["policy_arn"])


RECORDS = (
    Record(
        type="aws_iam_role",
        create=_create_role,
        update=_update_role,
        read=_read_role,
        delete=_delete_role,
        create_only=frozenset({"name", "path"}),
        defaults={"path": "/", "max_session_duration": 3600},  # seconds
        blank={"managed_policy_arns": []},
        documents={"assume_role_policy": "policy"},
        patterns={"name": r"[\w+=,.@-]{1,64}"},
    ),
    Record(
        type="aws_iam_role_policy",
        create=_create_role_policy,
        update=_update_role_policy,
        read=_read_role_policy,
        delete=_delete_role_policy,
        create_only=frozenset({"name", "role"}),
        documents={"policy": "policy"},
        patterns={"name": NAME},
    ),
    Record(
        type="aws_iam_policy",
        create=_create_policy,
        update=_update_policy,
        read=_read_policy,
        delete=_delete_policy,
        create_only=frozenset({"name", "path", "description"}),
        defaults={"path": "/"},
        documents={"policy": "policy"},
        patterns={"name": NAME},
    ),
    Record(
        type="aws_iam_role_policy_attachment",
        create=_attach,
        read=_read_attachment,
        delete=_detach,
        create_only=frozenset({"role", "policy_arn"}),
        name_of="policy_arn",
    ),
)
