"""The emulator's process: ministack, plus the two seams that the laboratory needs. Started by `Emulator`.

- `POST /_lab/service-events` publishes events of AWS services (sources `aws.*`, which PutEvents refuses
  to everybody, here as on AWS). Only the laboratory knows the token. Body: what PutEvents takes.
- The process ends, with its Lambda workers and its folder (TMPDIR), when its standard input does:
  whoever started it is gone.
"""

from __future__ import annotations

import hmac
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app as ministack_app
from ministack.core import lambda_runtime
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import eventbridge

SERVICE_EVENTS_PATH = "/_lab/service-events"
TOKEN_HEADER = "x-lab-token"  # noqa: S105 (the name of a header)
TOKEN_VARIABLE = "LAB_TOKEN"  # noqa: S105 (the name of a variable)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def with_service_events(inner: Application, token: str, account: str, region: str) -> Application:
    """Wrap the emulator's ASGI application so that it also answers SERVICE_EVENTS_PATH."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != SERVICE_EVENTS_PATH:
            await inner(scope, receive, send)
            return
        given = dict(scope["headers"]).get(TOKEN_HEADER.encode(), b"")
        if not hmac.compare_digest(given, token.encode()):
            await _answer(send, 403, b"{}")
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        set_request_account_id(account)
        set_request_region(region)
        status, _, answer = eventbridge._put_events(json.loads(body), allow_aws_source=True)
        await _answer(send, status, answer)

    return application


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # nothing is ever written: this returns when the other end is closed
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run the emulator in the foreground. Settings are ministack's own environment variables."""
    token = os.environ.pop(TOKEN_VARIABLE)  # popped: Lambda workers inherit this environment
    ministack_app.app = with_service_events(
        ministack_app.app,
        token,
        os.environ["MINISTACK_ACCOUNT_ID"],
        os.environ["MINISTACK_REGION"],
    )
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    try:
        ministack_app.main()
    finally:
        lambda_runtime.reset()
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)


if __name__ == "__main__":
    main()
