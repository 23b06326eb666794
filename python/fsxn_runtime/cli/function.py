"""Calls of the product's own functions, under the caller's identity: who may ask is who may invoke."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.clients import client
from fsxn_runtime.errors import TransientError


def invoke(function: str, event: Mapping[str, object]) -> Any:
    """Call the function and wait. Raises TransientError when it ended with an error."""
    with aws_call("lambda:Invoke"):
        answer = client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    payload = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        said = payload.get("errorMessage", "") if isinstance(payload, dict) else ""
        raise TransientError(f"{function} ended with an error: {said}", code="function_error")
    return payload
