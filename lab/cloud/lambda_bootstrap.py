#!/usr/bin/env python3
"""The Lambda runtime for Python functions on the local AWS: this whole file is the `bootstrap` of a zip.

Why: the emulator reports every error of its own Python runtimes as `Runtime.HandlerError`, so that no
`Retry` or `Catch` of a state machine matches, and its workers see the emulator's packages. As a function of
runtime `provided.al2023` the same zip keeps its error names, and runs in an interpreter that has boto3 and
nothing else (the `python3` first on the emulator's PATH).

What it needs: this file in the root of the zip as `bootstrap`, mode 0755, beside the code; the function's
Handler setting (`package.module.function`), which the emulator passes as `_HANDLER`. Standard library only.

Protocol: AWS Lambda developer guide, "Using the Lambda runtime API", version 2018-06-01.
"""

from __future__ import annotations

import http.client
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

API = "/2018-06-01/runtime"
END_OF_LOG = (
    "\x00end of invocation"  # tells the emulator that the invocation's output is complete; not logged
)
Handler = Callable[[Any, "Context"], Any]


@dataclass(frozen=True)
class Context:
    """What a handler gets as its second argument; names as in the Python runtime of AWS Lambda."""

    aws_request_id: str
    invoked_function_arn: str
    deadline_ms: int
    function_name: str
    function_version: str
    memory_limit_in_mb: int
    log_group_name: str
    log_stream_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout, never negative."""
        return max(0, self.deadline_ms - int(time.time() * 1000))


def load_handler(name: str) -> Handler:
    """Import `package.module.function`. Raises ImportError, AttributeError or what the module raises."""
    module, _, function = name.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), function)
    return handler


def describe_error(error: BaseException) -> dict[str, object]:
    """Say what went wrong as Lambda does: the class name is what Retry and Catch compare."""
    return {
        "errorType": type(error).__name__,
        "errorMessage": str(error),
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def describe_init_error(error: BaseException) -> dict[str, object]:
    """The same for an error while loading the handler, with the names that AWS uses there."""
    described = describe_error(error)
    if isinstance(error, ImportError):
        described["errorType"] = "Runtime.ImportModuleError"
    elif isinstance(error, AttributeError):
        described["errorType"] = "Runtime.HandlerNotFound"
    return described


def run_handler(handler: Handler, event: Any, context: Context) -> tuple[str, bytes]:
    """Run one invocation. Return where to post its outcome (`response` or `error`) and the body."""
    try:
        result = handler(event, context)
    except Exception as error:  # noqa: BLE001 (the root of the invocation: reported, never hidden)
        return "error", _report(describe_error(error))
    try:
        return "response", json.dumps(result).encode()
    except (TypeError, ValueError) as error:
        return "error", _report({**describe_error(error), "errorType": "Runtime.MarshalError"})


def _report(described: dict[str, object]) -> bytes:
    print(f"[ERROR] {described['errorType']}: {described['errorMessage']}")
    print("Traceback (most recent call last):")
    print("".join(described["stackTrace"]), end="")  # type: ignore[arg-type]  # a list of lines
    return json.dumps(described).encode()


class RuntimeApi:
    """The three requests of the runtime API, over one connection that is kept."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)  # /next answers when there is an event

    def next_invocation(self) -> tuple[http.client.HTTPMessage, Any] | None:
        """Wait for the next event; None when this environment is being shut down."""
        status, headers, body = self._request("GET", "/invocation/next", b"")
        return (headers, json.loads(body)) if status == 200 else None

    def post_outcome(self, request_id: str, kind: str, body: bytes) -> None:
        """Answer one invocation; `kind` is `response` or `error`."""
        self._request("POST", f"/invocation/{request_id}/{kind}", body)

    def post_init_error(self, body: bytes) -> None:
        """Report that the function cannot start."""
        self._request("POST", "/init/error", body)

    def _request(self, method: str, path: str, body: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
        self._connection.request(method, API + path, body)
        answer = self._connection.getresponse()
        return answer.status, answer.headers, answer.read()


def main() -> int:
    """Load the handler and serve events until the environment is shut down."""
    if "LAB_AWS_ENDPOINT_URL" in os.environ:  # the function's own AWS_ENDPOINT_URL (a fault proxy) wins
        os.environ.setdefault("AWS_ENDPOINT_URL", os.environ["LAB_AWS_ENDPOINT_URL"])
    # Each line is in the pipe before the answer, so it is logged with its invocation, also one that dies.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # always a text file here
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    log_group = os.environ.setdefault("AWS_LAMBDA_LOG_GROUP_NAME", f"/aws/lambda/{name}")
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001 (any error of the module's import is an init error)
        body = _report(describe_init_error(error))
        print(END_OF_LOG)
        api.post_init_error(body)
        return 1
    while (invocation := api.next_invocation()) is not None:
        headers, event = invocation
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id", "")
        context = Context(
            aws_request_id=headers["Lambda-Runtime-Aws-Request-Id"],
            invoked_function_arn=headers["Lambda-Runtime-Invoked-Function-Arn"],
            deadline_ms=int(headers["Lambda-Runtime-Deadline-Ms"]),
            function_name=name,
            function_version=os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
            memory_limit_in_mb=int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
            log_group_name=log_group,
            log_stream_name=os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
        )
        kind, body = run_handler(handler, event, context)
        print(END_OF_LOG)
        api.post_outcome(context.aws_request_id, kind, body)
    return 0


if __name__ == "__main__":
    sys.exit(main())
