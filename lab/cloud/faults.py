"""Faults of AWS on purpose: a table of rules that say which calls go wrong, and how.

A rule names a service and an action (`sqs`, `SendMessageBatch`; for REST services the HTTP method) and
strikes a share of the calls that fit. Only the product's calls are struck, which are signed by roles; the
laboratory's own are signed by the account's root, and what the emulator does inside (mappings, schedules) is
no call.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lab.cloud.clients import ROOT

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

EFFECTS: Final[Mapping[str, str]] = {
    "error": "answer 500 instead",
    "unavailable": "answer 503 instead",
    "throttle": "answer as the service does when it is called too often",
    "cut": "break the connection before anything is done",
    "lost_answer": "do what is asked, then break the connection",
    "late": "do what is asked `seconds` later",
    "late_answer": "do what is asked at once, answer `seconds` later",
    "twice": "do what is asked two times: delivery that is at least once",
    "some_entries": "refuse every second entry of a batch (SendMessageBatch, PutEvents), do the others",
}
# Status and code by which each service says that it is called too often (the services' API references).
_THROTTLED: Final[Mapping[str, tuple[int, str]]] = {
    "dynamodb": (400, "ProvisionedThroughputExceededException"),
    "lambda": (429, "TooManyRequestsException"),
    "s3": (503, "SlowDown"),
    "sqs": (403, "RequestThrottled"),
}
_CREDENTIAL: Final = re.compile(rb"Credential=([^/,]+)/[^/]*/[^/]*/([^/]+)/aws4_request")
_ACTION: Final = re.compile(rb"(?:^|&)Action=(\w+)")


@dataclass(frozen=True, slots=True)
class AwsFault:
    """One rule. `share` of the calls are struck, from 0 to 1."""

    service: str
    effect: str
    action: str = "*"
    share: float = 1.0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.effect not in EFFECTS:
            raise ValueError(f"effect is {self.effect!r}; allowed: {', '.join(EFFECTS)}")
        if not 0 <= self.share <= 1 or self.seconds < 0:
            raise ValueError(f"share is {self.share}, from 0 to 1; seconds is {self.seconds}, at least 0")

    def fits(self, service: str, action: str) -> bool:
        """Whether a call is one that this rule speaks of."""
        return self.service == service and self.action in ("*", action)


class AwsFaults:
    """The rules that hold now. `struck` counts by service, action and effect; it is never set back."""

    def __init__(self) -> None:
        self._rules: list[AwsFault] = []
        self._dice = random.Random(0)
        self.struck: Counter[str] = Counter()

    def replace(self, body: Mapping[str, Any]) -> dict[str, int]:
        """Let these `rules` hold from now on, none of those before; give what was struck until now."""
        self._rules = [AwsFault(**rule) for rule in body["rules"]]
        return dict(self.struck)

    def strike(self, service: str, action: str) -> AwsFault | None:
        """Give the rule that strikes this call, if any."""
        for rule in self._rules:
            if rule.fits(service, action) and self._dice.random() < rule.share:
                self.struck[f"{service} {action} {rule.effect}"] += 1
                return rule
        return None

    @property
    def is_empty(self) -> bool:
        """Whether nothing goes wrong now."""
        return not self._rules


def with_faults(inner: Application, faults: AwsFaults) -> Application:
    """Wrap the emulator's ASGI application; calls signed by the account's root are spared."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or faults.is_empty:
            await inner(scope, receive, send)
            return
        headers = dict(scope["headers"])
        found = _CREDENTIAL.search(headers.get(b"authorization", b""))
        if found is None or found[1].decode() == ROOT.access_key_id:
            await inner(scope, receive, send)
            return
        body = await read_body(receive)
        service = found[2].decode()
        fault = faults.strike(service, _action(scope, headers, body))
        if fault is None:
            await inner(scope, _given(body), send)
        else:
            await _suffer(fault, inner, scope, body, send)

    return application


async def _suffer(fault: AwsFault, inner: Application, scope: Scope, body: bytes, send: Send) -> None:
    match fault.effect:
        case "error":
            await _refuse(send, fault.service, 500, "InternalFailure")
        case "unavailable":
            await _refuse(send, fault.service, 503, "ServiceUnavailable")
        case "throttle":
            await _refuse(send, fault.service, *_THROTTLED.get(fault.service, (400, "ThrottlingException")))
        case "cut":
            await _break(send)
        case "lost_answer":
            await _unheard(inner, scope, body)
            await _break(send)
        case "twice":
            await _unheard(inner, scope, body)
            await inner(scope, _given(body), send)
        case "late":
            await asyncio.sleep(fault.seconds)
            await inner(scope, _given(body), send)
        case "late_answer":
            messages = await _unheard(inner, scope, body)
            await asyncio.sleep(fault.seconds)
            for message in messages:
                await send(message)
        case _:
            await _some_entries(inner, scope, body, send)


async def _some_entries(inner: Application, scope: Scope, body: bytes, send: Send) -> None:
    """Do the first, third ... entry of a batch; say of the others that they failed for now.

    A signature covers the body, so what is left of the batch is done in the name of the account's root.
    """
    request = json.loads(body)
    entries = request["Entries"]
    kept, refused = entries[::2], entries[1::2]
    messages = await _unheard(inner, _as_root(scope), json.dumps({**request, "Entries": kept}).encode())
    start, content = messages[0], b"".join(message.get("body", b"") for message in messages[1:])
    if start["status"] != 200:
        for message in messages:
            await send(message)
        return
    answer = json.loads(content)
    if "QueueUrl" in request:
        code = {"SenderFault": False, "Code": "InternalError", "Message": "on purpose"}
        answer.setdefault("Failed", []).extend({"Id": entry["Id"], **code} for entry in refused)
    else:  # PutEvents answers entry by entry, in order
        failed = {"ErrorCode": "InternalFailure", "ErrorMessage": "on purpose"}
        done = iter(answer["Entries"])
        answer["Entries"] = [failed if place % 2 else next(done) for place in range(len(entries))]
        answer["FailedEntryCount"] += len(refused)
    await _answer(send, 200, json.dumps(answer).encode(), b"application/x-amz-json-1.0")


async def read_body(receive: Receive) -> bytes:
    """Read the whole body of a request."""
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _as_root(scope: Scope) -> Scope:
    headers = [
        (name, value.replace(found[1], ROOT.access_key_id.encode()))
        if name == b"authorization" and (found := _CREDENTIAL.search(value))
        else (name, value)
        for name, value in scope["headers"]
        if name != b"x-amz-security-token"
    ]
    return {**scope, "headers": headers}


def _given(body: bytes) -> Receive:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _unheard(inner: Application, scope: Scope, body: bytes) -> list[dict[str, Any]]:
    """Do what is asked and keep the answer."""
    messages: list[dict[str, Any]] = []

    async def keep(message: dict[str, Any]) -> None:
        messages.append(message)

    headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    headers.append((b"content-length", str(len(body)).encode()))
    await inner({**scope, "headers": headers}, _given(body), keep)
    return messages


def _action(scope: Scope, headers: Mapping[bytes, bytes], body: bytes) -> str:
    if target := headers.get(b"x-amz-target"):
        return target.decode().rpartition(".")[2]
    found = _ACTION.search(body[:2000])
    return found[1].decode() if found else str(scope["method"])


async def _refuse(send: Send, service: str, status: int, code: str) -> None:
    """Answer with an error in the service's form; a body of XML serves S3 and the query services."""
    if service in ("s3", "sns", "sts", "monitoring"):
        error = f"<Error><Code>{code}</Code><Message>on purpose</Message></Error>"
        body = error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
        await _answer(send, status, body.encode(), b"text/xml")
        return
    document = {"__type": code, "message": "on purpose"}
    await _answer(send, status, json.dumps(document).encode(), b"application/x-amz-json-1.0", code)


async def _answer(send: Send, status: int, body: bytes, kind: bytes, code: str = "") -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    if code:
        headers.append((b"x-amzn-errortype", code.encode()))  # where REST services have it
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _break(send: Send) -> None:
    """Promise a body and end: the server closes the connection, and the caller has no answer."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"64")]})
