"""An event source mapping on the local AWS: a function that takes whatever comes, and a queue before it."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from lab.cloud.emulator import Emulator

TAKER = "def handler(event, context):\n    return {'batchItemFailures': []}\n"


def make_mapping(emulator: Emulator, function: str, queue_url: str, *, enabled: bool = True) -> str:
    """Make the function and the mapping; give the mapping's id."""
    sqs, functions, iam = (emulator.client(service) for service in ("sqs", "lambda", "iam"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("taker.py", TAKER)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=function, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    functions.create_function(
        FunctionName=function,
        Runtime="python3.13",
        Role=role,
        Handler="taker.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    found: Any = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    made = functions.create_event_source_mapping(
        EventSourceArn=found["Attributes"]["QueueArn"], FunctionName=function, Enabled=enabled
    )
    return str(made["UUID"])
