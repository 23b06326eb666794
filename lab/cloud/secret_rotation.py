"""Rotation as Secrets Manager does it, put over the emulator's own: part of the emulator's process.

The emulator alone gives RotateSecret a copy of the old value as AWSCURRENT at once and never calls the
function. Here RotateSecret makes a version with the stage AWSPENDING and without a value, calls the four
steps in their order, and after an error does it all again, PASSES times in all. With RotateImmediately=false
it calls only testSecret, on a version that is removed again.

Also as on AWS (API reference and API model): the function's policy must let Secrets Manager call it; a
version's value never changes; a label is on one version; a version without a value cannot be read; a rotation
that was not finished is taken up again instead of a new one.

Not here: the schedule, and how long AWS waits between two passes (nobody documents it; a second here).
"""

from __future__ import annotations

import contextvars
import json
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import lambda_svc, secretsmanager

STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
PASSES: Final = 5
PAUSE_SECONDS: Final = 1.0
SERVICE: Final = "secretsmanager.amazonaws.com"

Data = dict[str, Any]
Answer = Any
Handler = Callable[[Data], Answer]
_rotating = threading.Lock()
_under_way: set[str] = set()


def install() -> None:
    """Put this in place of the emulator's own functions."""
    secretsmanager._rotate_secret = rotate
    secretsmanager._put_secret_value = with_fixed_values(secretsmanager._put_secret_value)
    secretsmanager._get_secret_value = with_missing_values(secretsmanager._get_secret_value)
    secretsmanager._describe_secret = with_times(secretsmanager._describe_secret)
    secretsmanager.handle_request = with_cancel(secretsmanager.handle_request)


def rotate(data: Data) -> Answer:
    """Answer RotateSecret; the steps run afterwards, as on AWS."""
    _, secret = secretsmanager._resolve(data.get("SecretId"))
    if not secret or secret.get("DeletedDate"):
        return _refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    function = data.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    if not function:
        return _refuse(
            "InvalidRequestException", "No Lambda rotation function ARN is associated with this secret."
        )
    if not _may_be_called(function):
        return _refuse(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy "
            f"grants access to the principal {SERVICE}.",
        )
    secret["RotationLambdaARN"] = function
    secret["RotationRules"] = data.get("RotationRules") or secret.get("RotationRules")
    secret["RotationEnabled"] = True
    pending, version = secretsmanager._find_stage_version(secret, "AWSPENDING")
    if pending and "AWSCURRENT" not in version["Stages"]:
        _start(_passes, secret, pending)
        return _refuse(
            "InvalidRequestException",
            "A previous rotation isn't complete. That rotation will be reattempted.",
        )
    token = data.get("ClientRequestToken") or new_uuid()
    secretsmanager._remove_stage_everywhere(secret, "AWSPENDING")
    secret["Versions"][token] = {
        "SecretString": None,
        "SecretBinary": None,
        "CreatedDate": int(time.time()),
        "Stages": ["AWSPENDING"],
    }
    _start(_passes if data.get("RotateImmediately", True) else _test_alone, secret, token)
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token})


def with_fixed_values(put: Handler) -> Handler:
    """Wrap PutSecretValue: a version that has a value keeps it, and a label moves."""

    def put_secret_value(data: Data) -> Answer:
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        token = data.get("ClientRequestToken")
        there = secret["Versions"].get(token) if secret and token else None
        if there and _has_value(there):
            if [there.get(kind) for kind in ("SecretString", "SecretBinary")] != [
                data.get(kind) for kind in ("SecretString", "SecretBinary")
            ]:
                return _refuse(
                    "ResourceExistsException",
                    f"You can't use ClientRequestToken {token} because that value is already in use for a "
                    f"version of secret {secret['ARN']}.",
                )
            return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token})
        answer = put(data)
        if secret and "AWSPENDING" in data.get("VersionStages", ()):
            secretsmanager._remove_stage_everywhere(secret, "AWSPENDING", except_version_id=token)
        return answer

    return put_secret_value


def with_missing_values(get: Handler) -> Handler:
    """Wrap GetSecretValue: a version without a value, or not of the stage asked for, is not found."""

    def get_secret_value(data: Data) -> Answer:
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        if secret and not secret.get("DeletedDate"):
            stage, version_id = data.get("VersionStage"), data.get("VersionId")
            if version_id:
                version = secret["Versions"].get(version_id)
            else:
                _, version = secretsmanager._find_stage_version(secret, stage or "AWSCURRENT")
            if version and (not _has_value(version) or (stage and stage not in version["Stages"])):
                what = f"VersionId: {version_id}" if version_id else f"staging label: {stage}"
                return _refuse(
                    "ResourceNotFoundException",
                    f"Secrets Manager can't find the specified secret value for {what}",
                )
        return get(data)

    return get_secret_value


def with_times(describe: Handler) -> Handler:
    """Wrap DescribeSecret: when the secret was rotated last, and when it will be by its schedule."""

    def describe_secret(data: Data) -> Answer:
        status, headers, body = describe(data)
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        if secret and status == 200:
            shown = json.loads(body)
            rotated = secret.get("LastRotatedDate")
            days = (secret.get("RotationRules") or {}).get("AutomaticallyAfterDays")
            if rotated:
                shown["LastRotatedDate"] = rotated
            if days and secret.get("RotationEnabled"):
                shown["NextRotationDate"] = (rotated or secret["CreatedDate"]) + int(days) * 86400
            body = json.dumps(shown).encode()
        return status, headers, body

    return describe_secret


def with_cancel(handle: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    """Wrap the service: it also answers CancelRotateSecret."""

    async def handle_request(method: str, path: str, headers: Data, body: bytes, query: Data) -> Answer:
        if not headers.get("x-amz-target", "").endswith(".CancelRotateSecret"):
            return await handle(method, path, headers, body, query)
        _, secret = secretsmanager._resolve(json.loads(body).get("SecretId"))
        if not secret:
            return _refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        secret["RotationEnabled"] = False
        secret.pop("RotationRules", None)
        return json_response({"ARN": secret["ARN"], "Name": secret["Name"]})

    return handle_request


def _start(run: Callable[[Data, str], None], secret: Data, token: str) -> None:
    """Run in a thread that knows the request's account and Region; one run for a token at a time."""

    def once() -> None:
        with _rotating:
            if token in _under_way:
                return
            _under_way.add(token)
        try:
            run(secret, token)
        finally:
            with _rotating:
                _under_way.discard(token)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(once,), name=f"rotate-{token}", daemon=True).start()


def _passes(secret: Data, token: str) -> None:
    for _ in range(PASSES):
        if all(_call(secret, token, step) for step in STEPS):
            secret["LastRotatedDate"] = int(time.time())
            return
        time.sleep(PAUSE_SECONDS)


def _test_alone(secret: Data, token: str) -> None:
    _call(secret, token, "testSecret")
    version = secret["Versions"].get(token)
    if version and version["Stages"] == ["AWSPENDING"]:
        del secret["Versions"][token]


def _call(secret: Data, token: str, step: str) -> bool:
    """Call the function; False when it is gone or ended with an error."""
    function, config, _ = lambda_svc._get_func_record_for_ref(secret["RotationLambdaARN"])
    if not function or not config:
        return False
    event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": token}
    record = lambda_svc._execution_record_for_config(function, config)
    return not lambda_svc._execute_function_with_config_scope(record, event).get("error")


def _may_be_called(function_arn: str) -> bool:
    function, _, _ = lambda_svc._get_func_record_for_ref(function_arn)
    statements = function["policy"]["Statement"] if function else []
    return any(
        statement["Principal"] in (SERVICE, {"Service": SERVICE}) and statement["Effect"] == "Allow"
        for statement in statements
    )


def _has_value(version: Data) -> bool:
    return version.get("SecretString") is not None or version.get("SecretBinary") is not None


def _refuse(code: str, message: str) -> Answer:
    return error_response_json(code, message, 400)
