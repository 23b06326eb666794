"""ECS: clusters, task definitions, services. The local AWS stores them; `lab/cloud` runs the tasks."""

from __future__ import annotations

import json
from typing import Any

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import absent, change_tags, one, set_only, tag_list, tag_map, undecided
from lab.aws_provider.values import Object

GONE = (
    "ClusterNotFoundException", "ServiceNotFoundException", "ServiceNotActiveException",
    "Unable to describe task definition",
)  # fmt: skip


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return tag_list(tags, "key", "value")


def _change_tags(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if "tags_all" not in changed:
        return
    client, arn = cloud.client("ecs"), state["arn"]
    change_tags(
        state["tags_all"],
        tag_map(client.list_tags_for_resource(resourceArn=arn).get("tags"), "key", "value"),
        lambda fresh: client.tag_resource(resourceArn=arn, tags=_tags(fresh)),
        lambda keys: client.untag_resource(resourceArn=arn, tagKeys=keys),
    )


# cluster -------------------------------------------------------------------------------------------------


def _settings(values: Object) -> list[dict[str, str]]:
    return [{"name": block["name"], "value": block["value"]} for block in values["setting"] or []]


def _describe_cluster(cloud: Cloud, name: str) -> dict[str, Any]:
    with absent(*GONE):
        found = cloud.client("ecs").describe_clusters(clusters=[name], include=["TAGS", "SETTINGS"])[
            "clusters"
        ]
    if not found or found[0]["status"] == "INACTIVE":
        raise NotFoundError(name)
    return dict(found[0])


def _create_cluster(cloud: Cloud, values: Object) -> Object:
    made = cloud.client("ecs").create_cluster(
        clusterName=values["name"], settings=_settings(values), tags=_tags(values["tags_all"])
    )
    return {"id": made["cluster"]["clusterArn"]}


def _update_cluster(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if "setting" in changed:
        cloud.client("ecs").update_cluster_settings(cluster=state["name"], settings=_settings(state))
    _change_tags(cloud, state, changed)


def _read_cluster(cloud: Cloud, state: Object) -> Object:
    found = _describe_cluster(cloud, state["id"])
    return {
        "arn": found["clusterArn"],
        "id": found["clusterArn"],
        "name": found["clusterName"],
        "setting": [{"name": item["name"], "value": item["value"]} for item in found.get("settings", [])],
        "tags": tag_map(found.get("tags"), "key", "value"),
    }


def _delete_cluster(cloud: Cloud, state: Object) -> None:
    with absent(*GONE):
        cloud.client("ecs").delete_cluster(cluster=state["id"])


# task definition -----------------------------------------------------------------------------------------


def _check_task(config: Object) -> None:
    text = config.get("container_definitions")
    if isinstance(text, str) and not isinstance(json.loads(text), list):
        raise ProviderError("container_definitions is not a list", attribute="container_definitions")


def _plain_containers(text: str) -> Any:
    """Container definitions in a form in which AWS's additions do not show."""
    return sorted(
        (_plain(container) for container in json.loads(text)), key=lambda item: str(item.get("name"))
    )


def _plain(value: Any) -> Any:
    """Without empty values and zeros (what AWS fills in); lists of named things by name."""
    if isinstance(value, dict):
        members = {key: _plain(item) for key, item in value.items()}
        return {key: item for key, item in members.items() if item not in (None, "", 0, False, [], {})}
    if isinstance(value, list):
        items = [_plain(item) for item in value]
        named = all(isinstance(item, dict) and "name" in item for item in items)
        return sorted(items, key=lambda item: str(item["name"])) if named else items
    return value


# Any may be planned, for the roots that AWS will see; only plain ones can be made here.
VOLUME_KINDS = (
    "docker_volume_configuration", "efs_volume_configuration", "fsx_windows_file_server_volume_configuration",
)  # fmt: skip


def _register(cloud: Cloud, values: Object) -> Object:
    for block in values["volume"] or []:
        if any(block.get(kind) for kind in VOLUME_KINDS):
            raise ProviderError("only plain volumes are available in the laboratory", attribute="volume")
    platform = one(values["runtime_platform"])
    storage = one(values["ephemeral_storage"])
    made = cloud.client("ecs").register_task_definition(
        family=values["family"],
        containerDefinitions=json.loads(values["container_definitions"]),
        tags=_tags(values["tags_all"]),
        requiresCompatibilities=sorted(values["requires_compatibilities"] or []),
        volumes=[{"name": block["name"], **_host(block)} for block in values["volume"] or []],
        **set_only(
            cpu=values["cpu"],
            memory=values["memory"],
            networkMode=values["network_mode"],
            executionRoleArn=values["execution_role_arn"],
            taskRoleArn=values["task_role_arn"],
            pidMode=values["pid_mode"],
            ipcMode=values["ipc_mode"],
            ephemeralStorage={"sizeInGiB": storage["size_in_gib"]} if storage else None,
            runtimePlatform=set_only(
                cpuArchitecture=platform["cpu_architecture"],
                operatingSystemFamily=platform["operating_system_family"],
            )
            if platform
            else None,
        ),
    )["taskDefinition"]
    return {"id": made["family"], "arn": made["taskDefinitionArn"], "revision": made["revision"]}


def _host(block: Object) -> dict[str, Any]:
    return {"host": {"sourcePath": block["host_path"]}} if block.get("host_path") else {}


def _update_task(cloud: Cloud, state: Object, changed: set[str]) -> None:
    _change_tags(cloud, state, changed)


def _read_task(cloud: Cloud, state: Object) -> Object:
    with absent(*GONE):
        answer = cloud.client("ecs").describe_task_definition(
            taskDefinition=state["arn"] or state["id"], include=["TAGS"]
        )
    found = answer["taskDefinition"]
    if found["status"] == "INACTIVE":
        raise NotFoundError(state["id"])
    reported = json.dumps(found["containerDefinitions"], sort_keys=True)
    known = state["container_definitions"]
    return {
        "arn": found["taskDefinitionArn"],
        "arn_without_revision": found["taskDefinitionArn"].rpartition(":")[0],
        "container_definitions": known
        if known and _plain_containers(known) == _plain_containers(reported)
        else reported,
        "cpu": found.get("cpu", ""),
        "execution_role_arn": found.get("executionRoleArn", ""),
        "family": found["family"],
        "memory": found.get("memory", ""),
        "network_mode": found.get("networkMode", ""),
        "requires_compatibilities": found.get("requiresCompatibilities", []),
        "revision": found["revision"],
        "task_role_arn": found.get("taskRoleArn", ""),
        "tags": tag_map(answer.get("tags"), "key", "value"),
    }


def _deregister(cloud: Cloud, state: Object) -> None:
    if state["skip_destroy"]:
        return
    with absent(*GONE):
        cloud.client("ecs").deregister_task_definition(taskDefinition=state["arn"])


TASK_SETTINGS = frozenset(
    {
        "container_definitions", "cpu", "ephemeral_storage", "execution_role_arn", "family", "ipc_mode",
        "memory", "network_mode", "pid_mode", "placement_constraints", "proxy_configuration",
        "requires_compatibilities", "runtime_platform", "task_role_arn", "volume", "enable_fault_injection",
    }
)  # fmt: skip


# service -------------------------------------------------------------------------------------------------


def _check_service(config: Object) -> None:
    for block in (
        "load_balancer",
        "service_connect_configuration",
        "service_registries",
        "volume_configuration",
    ):
        if config.get(block) and not undecided(config, block):
            raise ProviderError(f"{block} is not available in the laboratory", attribute=block)


def _service(values: Object) -> dict[str, Any]:
    network, breaker = one(values["network_configuration"]), one(values["deployment_circuit_breaker"])
    return set_only(
        taskDefinition=values["task_definition"],
        desiredCount=values["desired_count"],
        platformVersion=values["platform_version"] or None,
        enableExecuteCommand=values["enable_execute_command"],
        propagateTags=values["propagate_tags"],
        healthCheckGracePeriodSeconds=values["health_check_grace_period_seconds"],
        deploymentConfiguration=set_only(
            maximumPercent=values["deployment_maximum_percent"],
            minimumHealthyPercent=values["deployment_minimum_healthy_percent"],
            deploymentCircuitBreaker={"enable": breaker["enable"], "rollback": breaker["rollback"]}
            if breaker
            else None,
        ),
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": sorted(network["subnets"]),
                "securityGroups": sorted(network["security_groups"] or []),
                "assignPublicIp": "ENABLED" if network["assign_public_ip"] else "DISABLED",
            }
        }
        if network
        else None,
    )


def _create_service(cloud: Cloud, values: Object) -> Object:
    made = cloud.client("ecs").create_service(
        serviceName=values["name"],
        tags=_tags(values["tags_all"]),
        schedulingStrategy=values["scheduling_strategy"],
        **set_only(cluster=values["cluster"], launchType=values["launch_type"]),
        **_service(values),
    )
    return {"id": made["service"]["serviceArn"]}


def _update_service(cloud: Cloud, state: Object, changed: set[str]) -> None:
    if changed - {"tags", "tags_all"}:
        arguments = {key: value for key, value in _service(state).items() if key != "propagateTags"}
        force = bool(state["force_new_deployment"]) and "triggers" in changed
        cloud.client("ecs").update_service(
            cluster=state["cluster"], service=state["name"], forceNewDeployment=force, **arguments
        )
    _change_tags(cloud, state, changed)


def _read_service(cloud: Cloud, state: Object) -> Object:
    with absent(*GONE):
        services = cloud.client("ecs").describe_services(
            cluster=state["cluster"] or "default", services=[state["id"]], include=["TAGS"]
        )["services"]
    if not services or services[0]["status"] in ("INACTIVE", "DRAINING"):
        raise NotFoundError(state["id"])
    found = services[0]
    deployment = found.get("deploymentConfiguration", {})
    network = found.get("networkConfiguration", {}).get("awsvpcConfiguration")
    known = one(state["network_configuration"])
    result: Object = {
        "arn": found["serviceArn"],
        "cluster": _same_end(state["cluster"], found["clusterArn"]),
        "deployment_maximum_percent": deployment.get("maximumPercent", 200),
        "deployment_minimum_healthy_percent": deployment.get("minimumHealthyPercent", 100),
        "desired_count": found["desiredCount"],
        "enable_execute_command": found.get("enableExecuteCommand", False),
        "launch_type": found.get("launchType", ""),
        "name": found["serviceName"],
        "platform_version": found.get("platformVersion") or state["platform_version"] or "LATEST",
        "task_definition": _same_end(state["task_definition"], found["taskDefinition"]),
        "tags": tag_map(found.get("tags"), "key", "value"),
    }
    if network:
        result["network_configuration"] = [
            {
                "subnets": network.get("subnets", []),
                "security_groups": network.get("securityGroups") or known.get("security_groups"),
                "assign_public_ip": network.get("assignPublicIp") == "ENABLED"
                if known.get("assign_public_ip") is not None or network.get("assignPublicIp") == "ENABLED"
                else None,
            }
        ]
    return result


def _same_end(known: str | None, arn: str) -> str:
    """The known form (name, family or ARN) as long as it means the reported ARN."""
    return known if known and (arn == known or arn.rpartition("/")[2] == known) else arn


def _delete_service(cloud: Cloud, state: Object) -> None:
    client = cloud.client("ecs")
    with absent(*GONE):
        client.update_service(cluster=state["cluster"], service=state["name"], desiredCount=0)
        client.delete_service(cluster=state["cluster"], service=state["name"], force=True)


RECORDS = (
    Record(
        type="aws_ecs_cluster",
        create=_create_cluster,
        update=_update_cluster,
        read=_read_cluster,
        delete=_delete_cluster,
        create_only=frozenset({"name"}),
        patterns={"name": r"[\w-]{1,255}"},
    ),
    Record(
        type="aws_ecs_task_definition",
        create=_register,
        update=_update_task,
        read=_read_task,
        delete=_deregister,
        check=_check_task,
        create_only=TASK_SETTINGS,
        blank={"enable_fault_injection": False},
        documents={"container_definitions": "json"},
        patterns={"family": r"[\w-]{1,255}"},
        name_of="family",
    ),
    Record(
        type="aws_ecs_service",
        create=_create_service,
        update=_update_service,
        read=_read_service,
        delete=_delete_service,
        check=_check_service,
        create_only=frozenset({"name", "cluster", "launch_type", "scheduling_strategy", "iam_role"}),
        defaults={
            "deployment_maximum_percent": 200,
            "deployment_minimum_healthy_percent": 100,
            "desired_count": 0,
            "enable_execute_command": False,
            "enable_ecs_managed_tags": False,
            "wait_for_steady_state": False,
        },
        blank={"availability_zone_rebalancing": "DISABLED", "iam_role": "", "triggers": None},
        patterns={"name": r"[\w-]{1,255}"},
    ),
)
