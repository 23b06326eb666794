"""Systems Manager: parameters."""

from __future__ import annotations

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import absent, change_tags, one, set_only, tag_list, tag_map, undecided
from lab.aws_provider.values import UNKNOWN, Object

GONE = "ParameterNotFound"


def _check(config: Object) -> None:
    if undecided(config, "value", "insecure_value"):
        return
    if (config.get("value") is None) == (config.get("insecure_value") is None):
        raise ProviderError("a parameter needs value or insecure_value, not both", attribute="value")


def _plan(planned: Object, _prior: Object | None) -> None:
    """Of the two arguments for the value, the one that is not used stays null."""
    if planned["value"] is UNKNOWN and planned["insecure_value"] is not UNKNOWN:
        planned["value"] = planned["insecure_value"]
    elif planned["insecure_value"] is UNKNOWN and planned["value"] is not UNKNOWN:
        planned["insecure_value"] = None


def _put(cloud: Cloud, values: Object, *, overwrite: bool) -> None:
    tags = {} if overwrite else {"Tags": tag_list(values["tags_all"])}  # AWS takes one or the other
    cloud.client("ssm").put_parameter(
        Name=values["name"],
        Type=values["type"],
        Value=values["value"] if values["value"] is not None else values["insecure_value"],
        Overwrite=overwrite,
        **tags,
        **set_only(
            Description=values["description"],
            KeyId=values["key_id"] or None,
            Tier=values["tier"],
            AllowedPattern=values["allowed_pattern"],
            DataType=values["data_type"],
        ),
    )


def _create(cloud: Cloud, values: Object) -> Object:
    _put(cloud, values, overwrite=bool(values["overwrite"]))
    return {"id": values["name"]}


def _finish(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if state["overwrite"]:
        _change_tags(cloud, state, changed)


def _update(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if changed - {"tags", "tags_all"}:
        _put(cloud, state, overwrite=True)
    _change_tags(cloud, state, changed)


def _change_tags(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if "tags_all" in changed:
        client, about = cloud.client("ssm"), {"ResourceType": "Parameter", "ResourceId": state["id"]}
        change_tags(
            state["tags_all"],
            tag_map(client.list_tags_for_resource(**about)["TagList"]),
            lambda fresh: client.add_tags_to_resource(**about, Tags=tag_list(fresh)),
            lambda keys: client.remove_tags_from_resource(**about, TagKeys=keys),
        )


def _read(cloud: Cloud, state: Object) -> Object:
    client, name = cloud.client("ssm"), state["id"]
    with absent(GONE):
        found = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    filters = [{"Key": "Name", "Values": [name]}]
    details = one(client.describe_parameters(ParameterFilters=filters)["Parameters"])
    return {
        "arn": found["ARN"],
        "name": found["Name"],
        "type": found["Type"],
        "value": found["Value"],
        "version": found["Version"],
        "data_type": found.get("DataType", "text"),
        "description": details.get("Description", ""),
        "tier": details.get("Tier", "Standard"),
        "tags": tag_map(client.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]),
        **({"insecure_value": found["Value"]} if state["insecure_value"] is not None else {}),
    }


def _delete(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("ssm").delete_parameter(Name=state["id"])


RECORDS = (
    Record(
        type="aws_ssm_parameter",
        create=_create,
        finish=_finish,
        update=_update,
        read=_read,
        delete=_delete,
        check=_check,
        plan=_plan,
        create_only=frozenset({"name"}),
        blank={"key_id": "", "has_value_wo": False},
        volatile={
            "version": ("value", "insecure_value", "type", "tier", "description", "allowed_pattern", "key_id")
        },
        patterns={"name": r"[\w./-]{1,2048}"},
    ),
)
