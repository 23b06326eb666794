"""Small Lambda functions for the tests: zipped with the laboratory's bootstrap, under a role of their own."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from lab.cloud.clients import ACCOUNT_ID
from lab.cloud.emulator import ROOT_DIRECTORY, Emulator

BOOTSTRAP = ROOT_DIRECTORY / "lab" / "cloud" / "lambda_bootstrap.py"


def zip_of(source: str) -> bytes:
    """A zip with `source` as app.py and the bootstrap beside it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", source)
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o100755 << 16
        archive.writestr(entry, BOOTSTRAP.read_bytes())
    return buffer.getvalue()


def make_role(emulator: Emulator, name: str, statements: list[dict[str, object]]) -> str:
    """Make (or change) a role that any service may take, with exactly these statements. Returns its ARN."""
    iam = emulator.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*", "Service": "*"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    try:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    except iam.exceptions.EntityAlreadyExistsException:
        pass
    if statements:
        policy = {"Version": "2012-10-17", "Statement": statements}
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
    return f"arn:aws:iam::{ACCOUNT_ID}:role/{name}"


def make_function(
    emulator: Emulator,
    name: str,
    source: str,
    *,
    statements: list[dict[str, object]] | None = None,
    variables: dict[str, str] | None = None,
    timeout_seconds: int = 10,
) -> str:
    """Make a function whose handler is `app.handler` in `source`. Returns its ARN."""
    answer = emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Handler="app.handler",
        Role=make_role(emulator, f"{name}-role", statements or []),
        Code={"ZipFile": zip_of(source)},
        Timeout=timeout_seconds,
        MemorySize=256,
        Environment={"Variables": variables or {}},
    )
    return str(answer["FunctionArn"])


def invoke(emulator: Emulator, name: str, event: object) -> tuple[Any, bool]:
    """Call the function. Returns its answer and whether that is an error."""
    answer = emulator.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read()), "FunctionError" in answer


def log_lines(emulator: Emulator, group: str) -> list[str]:
    """All lines of a log group so far, without line ends."""
    logs = emulator.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"].rstrip() for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
