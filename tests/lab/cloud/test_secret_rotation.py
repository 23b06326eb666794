"""The local Secrets Manager rotates as AWS says it does: four steps, tried again, on values that stay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.cloud.clients import ACCOUNT_ID
from lab.cloud.emulator import Emulator
from tests.lab.cloud.functions import log_lines, make_function
from tests.support.waiting import wait_until

# Prints each step; fails once in the step that the secret's description names; puts a value and promotes it.
SOURCE = """
import boto3, json
failed = set()

def handler(event, context):
    client, step, token = boto3.client("secretsmanager"), event["Step"], event["ClientRequestToken"]
    print(step)
    secret = client.describe_secret(SecretId=event["SecretId"])
    if secret["Description"] == step and step not in failed:
        failed.add(step)
        raise RuntimeError(step)
    if step == "createSecret":
        client.put_secret_value(SecretId=event["SecretId"], ClientRequestToken=token, SecretString="new",
                                VersionStages=["AWSPENDING"])
    if step == "finishSecret":
        (current,) = [v for v, s in secret["VersionIdsToStages"].items() if "AWSCURRENT" in s]
        client.update_secret_version_stage(SecretId=event["SecretId"], VersionStage="AWSCURRENT",
                                           MoveToVersionId=token, RemoveFromVersionId=current)
"""
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


def make_rotator(emulator: Emulator, name: str) -> str:
    allow = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
    arn = make_function(emulator, name, SOURCE, statements=[allow])
    emulator.client("lambda").add_permission(
        FunctionName=name,
        StatementId="SecretsManager",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceAccount=ACCOUNT_ID,
    )
    return arn


def steps(emulator: Emulator, function: str) -> list[str]:
    return [line for line in log_lines(emulator, f"/aws/lambda/{function}") if line in STEPS]


def value(client: Any, secret: str) -> str:
    return str(client.get_secret_value(SecretId=secret)["SecretString"])


@pytest.mark.parametrize("failing", ["", "setSecret", "finishSecret"])
def test_a_rotation_calls_the_four_steps_and_all_of_them_again_after_an_error(
    emulator: Emulator, failing: str
) -> None:
    name = f"rotates-{failing or 'well'}"
    client, function = emulator.client("secretsmanager"), make_rotator(emulator, name)
    client.create_secret(Name=name, SecretString="old", Description=failing)
    client.rotate_secret(
        SecretId=name, RotationLambdaARN=function, RotationRules={"AutomaticallyAfterDays": 90}
    )
    wait_until(lambda: "LastRotatedDate" in client.describe_secret(SecretId=name), seconds=20)
    assert value(client, name) == "new"
    first = STEPS[: STEPS.index(failing) + 1] if failing else []
    wait_until(lambda: steps(emulator, name) == [*first, *STEPS], seconds=5)


def test_without_a_first_rotation_only_the_test_step_runs_on_a_version_that_goes_away(
    emulator: Emulator,
) -> None:
    client, function = emulator.client("secretsmanager"), make_rotator(emulator, "tests-only")
    client.create_secret(Name="tests-only", SecretString="old")
    client.rotate_secret(SecretId="tests-only", RotationLambdaARN=function, RotateImmediately=False)
    wait_until(
        lambda: len(client.describe_secret(SecretId="tests-only")["VersionIdsToStages"]) == 1, seconds=20
    )
    assert steps(emulator, "tests-only") == ["testSecret"]
    assert value(client, "tests-only") == "old"


def test_a_function_that_secrets_manager_may_not_call_is_refused(emulator: Emulator) -> None:
    client = emulator.client("secretsmanager")
    function = make_function(emulator, "closed", SOURCE)
    client.create_secret(Name="closed", SecretString="old")
    with pytest.raises(ClientError, match="cannot invoke the specified Lambda function"):
        client.rotate_secret(SecretId="closed", RotationLambdaARN=function)


def test_a_version_keeps_its_value_and_a_label_is_on_one_version(emulator: Emulator) -> None:
    client = emulator.client("secretsmanager")
    client.create_secret(Name="fixed", SecretString="old")
    first, second = "1" * 32, "2" * 32

    def put(token: str, text: str) -> None:
        client.put_secret_value(
            SecretId="fixed", ClientRequestToken=token, SecretString=text, VersionStages=["AWSPENDING"]
        )

    put(first, "a")
    put(first, "a")
    with pytest.raises(client.exceptions.ResourceExistsException):
        put(first, "b")
    put(second, "c")
    stages = client.describe_secret(SecretId="fixed")["VersionIdsToStages"]
    assert [version for version, labels in stages.items() if "AWSPENDING" in labels] == [second]


def test_a_rotation_can_be_cancelled(emulator: Emulator) -> None:
    client, function = emulator.client("secretsmanager"), make_rotator(emulator, "cancelled")
    client.create_secret(Name="cancelled", SecretString=json.dumps({}))
    client.rotate_secret(SecretId="cancelled", RotationLambdaARN=function, RotateImmediately=False)
    client.cancel_rotate_secret(SecretId="cancelled")
    assert client.describe_secret(SecretId="cancelled")["RotationEnabled"] is False
