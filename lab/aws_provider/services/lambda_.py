"""Lambda: functions, permissions, event source mappings, settings of asynchronous calls.

A Python function runs on the local AWS as a custom runtime, so that the names of its errors survive
(`lab/cloud/lambda_bootstrap.py` says why). The state keeps the configured runtime.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

from lab.aws_provider.cloud import Cloud
from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.records import Record
from lab.aws_provider.services.calls import absent, change_tags, made_name, one, set_only, undecided
from lab.aws_provider.values import Object

GONE = "ResourceNotFoundException"
BOOTSTRAP = Path(__file__).parents[2] / "cloud" / "lambda_bootstrap.py"
LOCAL_RUNTIME = "provided.al2023"
WAIT_SECONDS = 30.0  # the local AWS is ready at once; this only bounds a fault
BUSY_SECONDS = 90.0  # the longest run of a function that Terraform invokes
ROLE_SECONDS = 10.0  # a role made a moment ago is not yet known to Lambda


# function ------------------------------------------------------------------------------------------------


def _check_function(config: Object) -> None:
    if not undecided(config, "s3_bucket", "image_uri") and (
        config.get("s3_bucket") or config.get("image_uri")
    ):
        raise ProviderError("the local AWS takes functions from filename only", attribute="filename")


def _plan_function(planned: Object, _prior: Object | None) -> None:
    """The package must be there when the plan is made; `validate` works without it."""
    filename = planned["filename"]
    if isinstance(filename, str) and not Path(filename).is_file():
        raise ProviderError(
            f"the Lambda package {filename} does not exist: run make package-lambdas", attribute="filename"
        )


def _is_python(values: Object) -> bool:
    return str(values["runtime"] or "").startswith("python")


def local_package(package: bytes) -> bytes:
    """The package with the laboratory's runtime added as its `bootstrap`; deterministic."""
    buffer = io.BytesIO(package)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, BOOTSTRAP.read_bytes())
    return buffer.getvalue()


def _code(values: Object) -> bytes:
    package = Path(values["filename"]).read_bytes()
    return local_package(package) if _is_python(values) else package


def _package_hash(values: Object) -> str:
    return base64.b64encode(hashlib.sha256(Path(values["filename"]).read_bytes()).digest()).decode()


def _settings(values: Object) -> dict[str, Any]:
    """Arguments that CreateFunction and UpdateFunctionConfiguration share."""
    network = one(values["vpc_config"])
    logging = one(values["logging_config"])
    storage = one(values["ephemeral_storage"])
    return set_only(
        Role=values["role"],
        Handler=values["handler"],
        Description=values["description"] or "",
        MemorySize=values["memory_size"],
        Timeout=values["timeout"],
        Runtime=LOCAL_RUNTIME if _is_python(values) else values["runtime"],
        Environment={"Variables": one(values["environment"]).get("variables") or {}},
        KMSKeyArn=values["kms_key_arn"],
        Layers=values["layers"],
        DeadLetterConfig={"TargetArn": one(values["dead_letter_config"]).get("target_arn") or ""},
        TracingConfig={"Mode": one(values["tracing_config"]).get("mode") or "PassThrough"},
        EphemeralStorage={"Size": storage["size"]} if storage.get("size") else None,
        VpcConfig={"SubnetIds": network["subnet_ids"], "SecurityGroupIds": network["security_group_ids"]}
        if network
        else None,
        LoggingConfig=set_only(
            LogFormat=logging["log_format"],
            ApplicationLogLevel=logging["application_log_level"],
            SystemLogLevel=logging["system_log_level"],
            LogGroup=logging["log_group"],
        )
        if logging
        else None,
    )


def _create_function(cloud: Cloud, values: Object) -> Object:
    from botocore.exceptions import ClientError

    client, name = cloud.client("lambda"), values["function_name"]
    arguments = {
        **_settings(values),
        "FunctionName": name,
        "Code": {"ZipFile": _code(values)},
        "Publish": values["publish"],
        "Tags": dict(values["tags_all"]),
        **set_only(Architectures=values["architectures"]),
    }
    deadline = time.monotonic() + ROLE_SECONDS
    while True:
        try:
            client.create_function(**arguments)
            break
        except ClientError as error:
            if "cannot be assumed" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    return {"id": name, "code_sha256": _package_hash(values)}


def _finish_function(cloud: Cloud, state: Object, changed: set[str]) -> None:
    _wait(cloud, state["id"])
    if "reserved_concurrent_executions" not in changed:
        return
    client, name, reserved = cloud.client("lambda"), state["id"], state["reserved_concurrent_executions"]
    if reserved is not None and reserved >= 0:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    else:
        client.delete_function_concurrency(FunctionName=name)


def _wait(cloud: Cloud, name: str) -> None:
    client, deadline = cloud.client("lambda"), time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        found = client.get_function_configuration(FunctionName=name)
        if found.get("State", "Active") == "Active" and found.get("LastUpdateStatus") != "InProgress":
            return
        time.sleep(0.1)
    raise ProviderError(f"function {name} is not active after {WAIT_SECONDS:.0f} s")


CODE = frozenset({"filename", "source_code_hash", "runtime"})
NOT_CONFIGURATION = CODE | {"tags", "tags_all", "reserved_concurrent_executions", "publish", "skip_destroy"}


def _update_function(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client, name = cloud.client("lambda"), state["id"]
    if changed - NOT_CONFIGURATION or "runtime" in changed:
        client.update_function_configuration(FunctionName=name, **_settings(state))
        _wait(cloud, name)
    if changed & CODE:
        client.update_function_code(FunctionName=name, ZipFile=_code(state), Publish=state["publish"])
        state["code_sha256"] = _package_hash(state)  # what the read after this reports
    elif changed - NOT_CONFIGURATION and state["publish"]:
        client.publish_version(FunctionName=name)
    if "tags_all" in changed:
        arn = state["arn"]
        change_tags(
            state["tags_all"],
            client.list_tags(Resource=arn)["Tags"],
            lambda fresh: client.tag_resource(Resource=arn, Tags=fresh),
            lambda keys: client.untag_resource(Resource=arn, TagKeys=keys),
        )
    _finish_function(cloud, state, changed)


def _read_function(cloud: Cloud, state: Object) -> Object:
    client, name = cloud.client("lambda"), state["id"]
    with absent(GONE):
        found = client.get_function(FunctionName=name)
        versions = client.list_versions_by_function(FunctionName=name)["Versions"]
    config = found["Configuration"]
    arn = config["FunctionArn"].removesuffix(":$LATEST")
    version = versions[-1]["Version"] if state["publish"] and versions else "$LATEST"
    runtime = config.get("Runtime")
    network = config.get("VpcConfig") or {}
    return {
        "arn": arn,
        "architectures": config.get("Architectures", ["x86_64"]),
        "code_sha256": state["code_sha256"] or config["CodeSha256"],
        "dead_letter_config": [{"target_arn": config["DeadLetterConfig"]["TargetArn"]}]
        if config.get("DeadLetterConfig", {}).get("TargetArn")
        else [],
        "description": config.get("Description", ""),
        "environment": [{"variables": config["Environment"].get("Variables", {})}]
        if config.get("Environment")
        else [],
        "function_name": config["FunctionName"],
        "handler": config.get("Handler", ""),
        "invoke_arn": _invoke_arn(cloud, arn),
        "last_modified": config["LastModified"],
        "memory_size": config["MemorySize"],
        "qualified_arn": f"{arn}:{version}",
        "qualified_invoke_arn": _invoke_arn(cloud, f"{arn}:{version}"),
        "reserved_concurrent_executions": found.get("Concurrency", {}).get(
            "ReservedConcurrentExecutions", -1
        ),
        "role": config["Role"],
        "runtime": state["runtime"] if runtime == LOCAL_RUNTIME and _is_python(state) else runtime,
        "source_code_size": config["CodeSize"],
        "timeout": config["Timeout"],
        "tracing_config": [{"mode": config.get("TracingConfig", {}).get("Mode", "PassThrough")}],
        "version": version,
        "vpc_config": [
            {
                **one(state["vpc_config"]),
                "subnet_ids": network.get("SubnetIds", []),
                "security_group_ids": network.get("SecurityGroupIds", []),
                "vpc_id": network.get("VpcId", ""),
            }
        ]
        if network.get("SubnetIds")
        else [],
        "tags": found.get("Tags", {}),
    }


def _invoke_arn(cloud: Cloud, arn: str) -> str:
    return f"arn:aws:apigateway:{cloud.region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def _delete_function(cloud: Cloud, state: Object) -> None:
    if state["skip_destroy"]:
        return
    with absent(GONE):
        cloud.client("lambda").delete_function(FunctionName=state["id"])


# permission ----------------------------------------------------------------------------------------------


def _create_permission(cloud: Cloud, values: Object) -> Object:
    sid = made_name(values, "statement_id")
    cloud.client("lambda").add_permission(
        FunctionName=values["function_name"],
        StatementId=sid,
        Action=values["action"],
        Principal=values["principal"],
        **set_only(
            SourceArn=values["source_arn"],
            SourceAccount=values["source_account"],
            PrincipalOrgID=values["principal_org_id"],
            Qualifier=values["qualifier"],
        ),
    )
    return {"id": sid, "statement_id": sid}


def _read_permission(cloud: Cloud, state: Object) -> Object:
    with absent(GONE):
        policy = cloud.client("lambda").get_policy(
            FunctionName=state["function_name"], **set_only(Qualifier=state["qualifier"])
        )["Policy"]
    for statement in json.loads(policy)["Statement"]:
        if statement["Sid"] == state["id"]:
            return {"statement_id": statement["Sid"], "action": statement["Action"]}
    raise NotFoundError(state["id"])


def _delete_permission(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("lambda").remove_permission(
            FunctionName=state["function_name"],
            StatementId=state["id"],
            **set_only(Qualifier=state["qualifier"]),
        )


# function URL --------------------------------------------------------------------------------------------


def _create_url(cloud: Cloud, values: Object) -> Object:
    cloud.client("lambda").create_function_url_config(
        FunctionName=values["function_name"],
        AuthType=values["authorization_type"],
        **set_only(Qualifier=values["qualifier"], InvokeMode=values["invoke_mode"]),
    )
    return {"id": ":".join(part for part in (values["function_name"], values["qualifier"]) if part)}


def _update_url(cloud: Cloud, state: Object, _changed: set[str]) -> None:
    cloud.client("lambda").update_function_url_config(
        FunctionName=state["function_name"],
        AuthType=state["authorization_type"],
        **set_only(Qualifier=state["qualifier"], InvokeMode=state["invoke_mode"]),
    )


def _read_url(cloud: Cloud, state: Object) -> Object:
    with absent(GONE):
        found = cloud.client("lambda").get_function_url_config(
            FunctionName=state["function_name"], **set_only(Qualifier=state["qualifier"])
        )
    return {
        "authorization_type": found["AuthType"],
        "function_arn": found["FunctionArn"],
        "function_url": found["FunctionUrl"],
        "invoke_mode": found.get("InvokeMode", "BUFFERED"),
        "url_id": found["FunctionUrl"].removeprefix("https://").split(".")[0],
    }


def _delete_url(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("lambda").delete_function_url_config(
            FunctionName=state["function_name"], **set_only(Qualifier=state["qualifier"])
        )


# event source mapping ------------------------------------------------------------------------------------


def _mapping(values: Object) -> dict[str, Any]:
    """Arguments that create and update share."""
    filters = one(values["filter_criteria"]).get("filter") or []
    failure = one(one(values["destination_config"]).get("on_failure"))
    scaling = one(values["scaling_config"])
    return set_only(
        FunctionName=values["function_name"],
        Enabled=values["enabled"],
        BatchSize=values["batch_size"],
        MaximumBatchingWindowInSeconds=values["maximum_batching_window_in_seconds"],
        FunctionResponseTypes=values["function_response_types"],
        ScalingConfig={"MaximumConcurrency": scaling["maximum_concurrency"]} if scaling else None,
        FilterCriteria={"Filters": [{"Pattern": item["pattern"]} for item in filters]} if filters else None,
        DestinationConfig={"OnFailure": {"Destination": failure["destination_arn"]}} if failure else None,
        MaximumRetryAttempts=values["maximum_retry_attempts"],
        MaximumRecordAgeInSeconds=values["maximum_record_age_in_seconds"],
        ParallelizationFactor=values["parallelization_factor"],
        BisectBatchOnFunctionError=values["bisect_batch_on_function_error"] or None,
    )


def _create_mapping(cloud: Cloud, values: Object) -> Object:
    made = cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=values["event_source_arn"],
        Tags=dict(values["tags_all"]),
        **set_only(StartingPosition=values["starting_position"]),
        **_mapping(values),
    )
    return {"id": made["UUID"]}


def _update_mapping(cloud: Cloud, state: Object, changed: set[str]) -> None:
    client = cloud.client("lambda")
    if changed - {"tags", "tags_all"}:
        client.update_event_source_mapping(UUID=state["id"], **_mapping(state))
    if "tags_all" in changed:
        arn = state["arn"]
        change_tags(
            state["tags_all"],
            client.list_tags(Resource=arn)["Tags"],
            lambda fresh: client.tag_resource(Resource=arn, Tags=fresh),
            lambda keys: client.untag_resource(Resource=arn, TagKeys=keys),
        )


def _read_mapping(cloud: Cloud, state: Object) -> Object:
    with absent(GONE):
        found = cloud.client("lambda").get_event_source_mapping(UUID=state["id"])
    enabled = found["State"] in ("Enabled", "Enabling", "Creating", "Updating")
    known = state["function_name"]
    result: Object = {
        "arn": found.get("EventSourceMappingArn")
        or cloud.arn("lambda", f"event-source-mapping:{found['UUID']}"),
        "uuid": found["UUID"],
        "batch_size": found["BatchSize"],
        "enabled": enabled,
        "event_source_arn": found["EventSourceArn"],
        "function_arn": found["FunctionArn"],
        "function_name": known if known and known in found["FunctionArn"] else found["FunctionArn"],
        "function_response_types": found.get("FunctionResponseTypes", []),
        "last_modified": found["LastModified"].strftime("%Y-%m-%dT%H:%M:%SZ")
        if hasattr(found["LastModified"], "strftime")
        else str(found["LastModified"]),
        "last_processing_result": found.get("LastProcessingResult", ""),
        "maximum_batching_window_in_seconds": found.get("MaximumBatchingWindowInSeconds", 0),
        "state": found["State"],
        "state_transition_reason": found.get("StateTransitionReason", ""),
    }
    if found.get("ScalingConfig", {}).get("MaximumConcurrency"):
        result["scaling_config"] = [{"maximum_concurrency": found["ScalingConfig"]["MaximumConcurrency"]}]
    moving = ("last_modified", "last_processing_result", "state", "state_transition_reason")
    return {name: state.get(name) or value if name in moving else value for name, value in result.items()}


def _delete_mapping(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("lambda").delete_event_source_mapping(UUID=state["id"])


# settings of asynchronous calls --------------------------------------------------------------------------


def _put_invoke_config(cloud: Cloud, values: Object) -> None:
    destinations = one(values["destination_config"])
    success, failure = one(destinations.get("on_success")), one(destinations.get("on_failure"))
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=values["function_name"],
        DestinationConfig={
            **({"OnSuccess": {"Destination": success["destination"]}} if success else {}),
            **({"OnFailure": {"Destination": failure["destination"]}} if failure else {}),
        },
        **set_only(
            Qualifier=values["qualifier"],
            MaximumRetryAttempts=values["maximum_retry_attempts"],
            MaximumEventAgeInSeconds=values["maximum_event_age_in_seconds"],
        ),
    )


def _create_invoke_config(cloud: Cloud, values: Object) -> Object:
    _put_invoke_config(cloud, values)
    return {"id": ":".join(part for part in (values["function_name"], values["qualifier"]) if part)}


def _update_invoke_config(cloud: Cloud, state: Object, _changed: set[str]) -> None:
    _put_invoke_config(cloud, state)


def _read_invoke_config(cloud: Cloud, state: Object) -> Object:
    with absent(GONE):
        found = cloud.client("lambda").get_function_event_invoke_config(
            FunctionName=state["function_name"], **set_only(Qualifier=state["qualifier"])
        )
    return {
        "maximum_retry_attempts": found.get("MaximumRetryAttempts", 2),
        "maximum_event_age_in_seconds": found.get("MaximumEventAgeInSeconds", 0),
    }


def _delete_invoke_config(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        cloud.client("lambda").delete_function_event_invoke_config(
            FunctionName=state["function_name"], **set_only(Qualifier=state["qualifier"])
        )


# invocation ----------------------------------------------------------------------------------------------


def _check_invocation(config: Object) -> None:
    if not undecided(config, "lifecycle_scope") and config.get("lifecycle_scope") != "CRUD":
        raise ProviderError("the local AWS takes lifecycle_scope CRUD only", attribute="lifecycle_scope")


def _invoke(cloud: Cloud, values: Object, action: str) -> str:
    """Invoke with the input and what the real provider adds to it; the previous input is not passed on.

    A function whose one reserved execution is taken is asked again, as the SDK of the real provider does.
    """
    client = cloud.client("lambda")
    key = values["terraform_key"] or "tf"
    payload = json.dumps({**json.loads(values["input"]), key: {"action": action, "prev_input": None}})
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            answer = client.invoke(
                FunctionName=values["function_name"],
                Payload=payload,
                **set_only(Qualifier=values["qualifier"]),
            )
            break
        except client.exceptions.TooManyRequestsException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    text: str = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise ProviderError(f"Lambda function ({values['function_name']}) returned error: ({text})")
    return text


def _create_invocation(cloud: Cloud, values: Object) -> Object:
    result = _invoke(cloud, values, "create")
    digest = hashlib.md5(values["input"].encode(), usedforsecurity=False).hexdigest()
    return {"id": f"{values['function_name']}_{values['qualifier'] or '$LATEST'}_{digest}", "result": result}


def _update_invocation(cloud: Cloud, state: Object, _changed: set[str]) -> None:
    state["result"] = _invoke(cloud, state, "update")


def _read_invocation(_cloud: Cloud, state: Object) -> Object:
    """There is nothing to read: an invocation is over."""
    return {"result": state["result"]}


def _delete_invocation(cloud: Cloud, state: Object) -> None:
    with absent(GONE):
        _invoke(cloud, state, "delete")


_CODE_CAUSES = ("filename", "source_code_hash", "s3_bucket", "s3_key", "runtime")
_VERSION_CAUSES = (*_CODE_CAUSES, "publish")

RECORDS = (
    Record(
        type="aws_lambda_function",
        create=_create_function,
        finish=_finish_function,
        update=_update_function,
        read=_read_function,
        delete=_delete_function,
        check=_check_function,
        plan=_plan_function,
        create_only=frozenset({"function_name", "package_type", "architectures"}),
        defaults={
            "memory_size": 128,
            "timeout": 3,
            "reserved_concurrent_executions": -1,
        },  # MiB, seconds, no limit
        blank={"signing_job_arn": "", "signing_profile_version_arn": "", "source_code_hash": ""},
        volatile={
            "code_sha256": _CODE_CAUSES,
            "source_code_size": _CODE_CAUSES,
            "last_modified": (
                *_CODE_CAUSES,
                "handler",
                "description",
                "memory_size",
                "timeout",
                "role",
                "environment",
                "layers",
                "kms_key_arn",
                "dead_letter_config",
                "tracing_config",
                "vpc_config",
                "logging_config",
                "ephemeral_storage",
            ),
            "version": _VERSION_CAUSES,
            "qualified_arn": _VERSION_CAUSES,
            "qualified_invoke_arn": _VERSION_CAUSES,
        },
        patterns={"function_name": r"[\w-]{1,64}"},
        name_of="function_name",
        import_id="function_name",
    ),
    Record(
        type="aws_lambda_invocation",
        create=_create_invocation,
        update=_update_invocation,
        read=_read_invocation,
        delete=_delete_invocation,
        check=_check_invocation,
        create_only=frozenset({"function_name", "qualifier", "terraform_key"}),
        volatile={"result": ("input", "triggers")},
        name_of="function_name",
    ),
    Record(
        type="aws_lambda_permission",
        create=_create_permission,
        read=_read_permission,
        delete=_delete_permission,
        create_only=frozenset(
            {
                "action",
                "function_name",
                "principal",
                "principal_org_id",
                "qualifier",
                "source_account",
                "source_arn",
                "statement_id",
                "statement_id_prefix",
                "event_source_token",
                "function_url_auth_type",
            }
        ),
        blank={"statement_id_prefix": ""},
        patterns={"statement_id": r"[\w-]{1,100}"},
        name_of="statement_id",
    ),
    Record(
        type="aws_lambda_event_source_mapping",
        create=_create_mapping,
        update=_update_mapping,
        read=_read_mapping,
        delete=_delete_mapping,
        create_only=frozenset({"event_source_arn", "starting_position", "starting_position_timestamp"}),
        defaults={"batch_size": None, "bisect_batch_on_function_error": None},
        blank=dict.fromkeys(
            ("maximum_record_age_in_seconds", "maximum_retry_attempts", "parallelization_factor")
        ),
        volatile={"function_arn": ("function_name",)},
        filled=frozenset({"batch_size"}),
        name_of="event_source_arn",
    ),
    Record(
        type="aws_lambda_function_url",
        create=_create_url,
        update=_update_url,
        read=_read_url,
        delete=_delete_url,
        create_only=frozenset({"function_name", "qualifier"}),
        defaults={"invoke_mode": "BUFFERED"},
        name_of="function_name",
        import_id="function_name",
    ),
    Record(
        type="aws_lambda_function_event_invoke_config",
        create=_create_invoke_config,
        update=_update_invoke_config,
        read=_read_invoke_config,
        delete=_delete_invoke_config,
        create_only=frozenset({"function_name", "qualifier"}),
        defaults={"maximum_retry_attempts": 2},
        name_of="function_name",
        import_id="function_name",
    ),
)
