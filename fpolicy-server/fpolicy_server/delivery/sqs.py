"""Amazon SQS as the delivery sees it: one call, an answer per message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson
from fsxn_runtime.errors import FsxnError, RejectedError, TransientError
from fsxn_runtime.events import SCHEMA_VERSION

from fpolicy_server.delivery.http import Response
from fpolicy_server.delivery.parcel import MAX_BATCH_BYTES, Message

# The queue will not change its mind about these (SendMessage and SendMessageBatch, Amazon SQS API model).
# Everything else - throttling, outage, missing permission, a queue that is not there - may heal.
REFUSED_CODES: Final = frozenset(
    {
        "InvalidMessageContents",
        "MessageTooLong",
        "BatchRequestTooLong",
        "InvalidParameterValue",
        "InvalidParameterCombination",
        "InvalidAttributeValue",
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the queue says about one message: `error` is None when it accepted it."""

    error: FsxnError | None


_ACCEPTED: Final = Answer(None)
_MISSING: Final = Answer(TransientError("the queue's answer does not name this message", code="no_answer"))


class SqsQueue:
    """One queue. `call` makes one request of SendMessageBatch (`service.SqsService.call`)."""

    def __init__(self, url: str, call: Callable[[bytes], Awaitable[Response]]) -> None:
        self._url = url
        self._call = call

    async def send(self, messages: Sequence[Message]) -> list[Answer]:
        """Send at most ten messages of together at most 1 MiB; give the answers in their order.

        A call that fails as a whole gives its error for each. When it is refused for good because of its
        content, its halves are sent by themselves until the guilty message is alone. A message without an
        answer counts as not accepted.
        """
        if len(messages) == 1 and messages[0].size_bytes > MAX_BATCH_BYTES:
            error = RejectedError(
                f"message has {messages[0].size_bytes} bytes; at most {MAX_BATCH_BYTES} are allowed",
                code="too_large",
            )
            return [Answer(error)]
        entries = [_entry(str(index), message) for index, message in enumerate(messages)]
        try:
            response = await self._call(orjson.dumps({"QueueUrl": self._url, "Entries": entries}))
        except FsxnError as exc:
            return [Answer(exc)] * len(messages)
        error_of_call, answer = _read(response)
        if error_of_call is None:
            return _answers(answer, len(messages))
        if isinstance(error_of_call, RejectedError) and len(messages) > 1:
            middle = len(messages) // 2
            return await self.send(messages[:middle]) + await self.send(messages[middle:])
        return [Answer(error_of_call)] * len(messages)


def _entry(id: str, message: Message) -> dict[str, Any]:  # noqa: A002 - the API's word
    first = message.parcels[0]
    about = ("", "") if message.is_envelope else (first.event_type, first.reason)
    return {"Id": id, "MessageBody": message.body.decode(), "MessageAttributes": _attributes(*about)}


@lru_cache(maxsize=64)  # both come from small sets; the dictionary is only read
def _attributes(event_type: str, reason: str) -> dict[str, dict[str, str]]:
    values = {"schema_version": SCHEMA_VERSION, "event_type": event_type, "reason": reason}
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items() if value}


def _read(response: Response) -> tuple[FsxnError | None, dict[str, Any]]:
    """Give the error of a call that failed as a whole, or its answer."""
    try:
        answer = orjson.loads(response.body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        return _error(f"HTTP {response.status}", "the answer is no JSON object"), {}
    if response.status == 200:
        return None, answer
    code = response.headers.get("x-amzn-query-error", "").partition(";")[0] or answer.get("__type")
    text = answer.get("message") or answer.get("Message") or ""
    return _error(str(code or f"HTTP {response.status}"), str(text)), {}


def _answers(answer: dict[str, Any], count: int) -> list[Answer]:
    told = {
        entry["Id"]: Answer(_error(entry.get("Code", ""), entry.get("Message", "")))
        for entry in answer.get("Failed") or ()
    }
    told.update({entry["Id"]: _ACCEPTED for entry in answer.get("Successful") or ()})
    return [told.get(str(index), _MISSING) for index in range(count)]


def _error(code: str, text: str) -> FsxnError:
    # The query protocol puts a prefix before the code, the JSON protocol a name space.
    short = code.rpartition(".")[2].rpartition("#")[2]
    if short in REFUSED_CODES:
        return RejectedError(f"{code}: {text}"[:500], code="refused_by_queue")
    return TransientError(f"{code}: {text}"[:500], code="queue_failed")
