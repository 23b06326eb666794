"""Calls of the product's functions: a busy one is waited for, one that fails is not called twice."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from fsxn_runtime.cli import function
from fsxn_runtime.errors import MisconfiguredError, TransientError

BUSY = ("TooManyRequestsException", 429)


def refusal(code: str, status: int) -> ClientError:
    error = {"Code": code, "Message": "no"}
    return ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, "Invoke")


class Lambda:
    """Gives one answer after the other, the last one for ever."""

    def __init__(self, *answers: Exception | dict[str, Any]) -> None:
        self._answers = answers
        self.calls = 0

    def invoke(self, **_: object) -> dict[str, Any]:
        answer = self._answers[min(self.calls, len(self._answers) - 1)]
        self.calls += 1
        if isinstance(answer, Exception):
            raise answer
        body = io.BytesIO(json.dumps(answer).encode())
        return {"Payload": body} | ({"FunctionError": "Unhandled"} if "errorMessage" in answer else {})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Callable[[Lambda], Any]:
    clock = Clock()

    def invoke(service: Lambda) -> Any:
        monkeypatch.setattr(function, "client", lambda *_, **__: service)
        return function.invoke("f", {}, clock=clock, sleep=clock.sleep)

    return invoke


def test_a_busy_function_is_asked_until_it_answers(call: Callable[[Lambda], Any]) -> None:
    service = Lambda(refusal(*BUSY), refusal(*BUSY), {"svms": []})
    assert (call(service), service.calls) == ({"svms": []}, 3)


def test_one_that_stays_busy_is_given_up_after_two_minutes(call: Callable[[Lambda], Any]) -> None:
    service = Lambda(refusal(*BUSY))
    with pytest.raises(TransientError, match="TooManyRequests"):
        call(service)
    assert service.calls == function.BUSY_SECONDS + 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal("AccessDeniedException", 403), MisconfiguredError),
        (ReadTimeoutError(endpoint_url="x"), TransientError),  # it may be at work still
        ({"errorMessage": "ONTAP says no"}, TransientError),
    ],
)
def test_any_other_failure_is_told_at_once(
    call: Callable[[Lambda], Any], answer: Exception | dict[str, Any], error: type[Exception]
) -> None:
    service = Lambda(answer)
    with pytest.raises(error):
        call(service)
    assert service.calls == 1
