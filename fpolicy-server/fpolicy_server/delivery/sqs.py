"""Amazon SQS as the delivery sees it: one call, an answer per message. Runs in threads; boto3 blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from fsxn_runtime.errors import FsxnError, RejectedError, TransientError
from fsxn_runtime.events import SCHEMA_VERSION

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


class SqsQueue:
    """One queue. `client` is a boto3 SQS client, which may be used by several threads."""

    def __init__(self, url: str, client: Any) -> None:
        self._url = url
        self._client = client

    def send(self, messages: Sequence[Message]) -> list[Answer]:
        """Send at most ten messages of together at most 1 MiB; give the answers in their order.

        A call that fails as a whole gives a TransientError for each. When it is refused for good because of
        its content, its halves are sent by themselves until the guilty message is alone. A message without
        an answer counts as not accepted.
        """
        entries = [_entry(str(index), message) for index, message in enumerate(messages)]
        if len(messages) == 1 and messages[0].size_bytes > MAX_BATCH_BYTES:
            error = RejectedError(
                f"message has {messages[0].size_bytes} bytes; at most {MAX_BATCH_BYTES} are allowed",
                code="too_large",
            )
            return [Answer(error)]
        try:
            response = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        except ClientError as exc:
            details = exc.response.get("Error", {})
            error_of_call = _error(details.get("Code", ""), details.get("Message", ""))
            if isinstance(error_of_call, RejectedError) and len(messages) > 1:
                middle = len(messages) // 2
                return self.send(messages[:middle]) + self.send(messages[middle:])
            return [Answer(error_of_call)] * len(messages)
        except BotoCoreError as exc:
            return [Answer(TransientError(str(exc), code="queue_unreachable"))] * len(messages)
        accepted = {entry["Id"] for entry in response.get("Successful", [])}
        failed = {
            entry["Id"]: _error(entry.get("Code", ""), entry.get("Message", ""))
            for entry in response.get("Failed", [])
        }
        missing = TransientError("the queue's response does not name this message", code="no_answer")
        return [
            Answer(None) if entry["Id"] in accepted else Answer(failed.get(entry["Id"], missing))
            for entry in entries
        ]


def _entry(id: str, message: Message) -> dict[str, Any]:  # noqa: A002 - the API's word
    attributes = {"schema_version": SCHEMA_VERSION}
    if not message.is_envelope:
        first = message.parcels[0]
        extra = {"event_type": first.event_type, "reason": first.reason}
        attributes.update({name: value for name, value in extra.items() if value})
    return {
        "Id": id,
        "MessageBody": message.body.decode(),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    }


def _error(code: str, text: str) -> FsxnError:
    # The query protocol puts a prefix before the code, the JSON protocol a name space.
    short = code.rpartition(".")[2].rpartition("#")[2]
    if short in REFUSED_CODES:
        return RejectedError(f"{code}: {text}"[:500], code="refused_by_queue")
    return TransientError(f"{code}: {text}"[:500], code="queue_failed")
