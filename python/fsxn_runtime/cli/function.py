"""Calls of the product's own functions, under the caller's identity: who may ask is who may invoke."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.clients import client
from fsxn_runtime.errors import TransientError

# A function with a concurrency of one refuses a call while its schedule runs it: for two minutes at most.
BUSY_SECONDS: Final = 125.0
_PAUSE_SECONDS: Final = 1.0


def invoke(
    function: str,
    event: Mapping[str, object],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Any:
    """Call the function and wait; ask again while its own runs take its concurrency.

    Raises TransientError when it stays busy, or ended with an error.
    """
    until = clock() + BUSY_SECONDS
    while True:
        try:
            with aws_call("lambda:Invoke"):
                answer = client("lambda", is_patient=True).invoke(
                    FunctionName=function, Payload=json.dumps(event)
                )
            break
        except TransientError as exc:
            if exc.code != "aws_busy" or clock() >= until:
                raise
            sleep(_PAUSE_SECONDS)
    payload = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        said = payload.get("errorMessage", "") if isinstance(payload, dict) else ""
        raise TransientError(f"{function} ended with an error: {said}", code="function_error")
    return payload
