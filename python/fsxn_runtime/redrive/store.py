"""The queues of a redrive in SQS."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from fsxn_runtime.edge.aws_errors import aws_call, error_code
from fsxn_runtime.errors import MisconfiguredError, RejectedError
from fsxn_runtime.redrive.model import Kind, Letter, Route

# Long enough for ten letters at the lowest rate, with retries; what a dead run hid comes back after it.
VISIBILITY_SECONDS: Final = 120
# Long polling asks every server of the queue: an empty answer means an empty queue (SQS guide, polling).
_WAIT_SECONDS: Final = 1
_NOT_THERE: Final = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})


def find_route(sqs: Any, prefix: str, name: str) -> Route:
    """Find the queues of `ingestion`, `quarantine` or a workload. Raises RejectedError without them."""
    ingestion = f"{prefix}-ingestion"
    kinds = {
        "ingestion": (Kind.INGESTION, f"{ingestion}-dead-letters", ingestion),
        "quarantine": (Kind.QUARANTINE, f"{prefix}-quarantine", ingestion),
    }
    work = f"{prefix}-{name}"
    kind, source, target = kinds.get(name, (Kind.WORKLOAD, f"{work}-dead-letters", f"{work}-work"))
    return Route(kind, _url(sqs, source), _url(sqs, target))


def _url(sqs: Any, name: str) -> str:
    try:
        with aws_call("sqs:GetQueueUrl"):
            url: str = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except MisconfiguredError as exc:
        if isinstance(exc.__cause__, ClientError) and error_code(exc.__cause__) in _NOT_THERE:
            raise RejectedError(
                f"there is no queue {name}; give ingestion, quarantine or a workload's name, and --prefix"
            ) from exc
        raise
    return url


class LetterBox:
    """A dead-letter queue."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def take(self, count: int) -> list[Letter]:
        """Take up to ten letters; they stay in the queue, hidden from others for two minutes."""
        with aws_call("sqs:ReceiveMessage"):
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=count,
                VisibilityTimeout=VISIBILITY_SECONDS,
                WaitTimeSeconds=_WAIT_SECONDS,
                AttributeNames=["SentTimestamp"],
                MessageAttributeNames=["All"],
            )
        return [_letter(message) for message in answer.get("Messages", [])]

    def delete(self, letter: Letter) -> None:
        """Remove a letter that is elsewhere by now."""
        with aws_call("sqs:DeleteMessage"):
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)

    def put_back(self, letters: list[Letter]) -> None:
        """Show letters to others again. One that cannot be shown is back after two minutes in any case."""
        for start in range(0, len(letters), 10):
            with aws_call("sqs:ChangeMessageVisibility"):
                self._sqs.change_message_visibility_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
                        for number, letter in enumerate(letters[start : start + 10])
                    ],
                )


class SendTo:
    """The queue that letters go back to."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, letter: Letter) -> None:
        """Send a letter's body; the attributes said why it was put aside, and nobody reads them there."""
        with aws_call("sqs:SendMessage"):
            self._sqs.send_message(QueueUrl=self._url, MessageBody=letter.body)


def _letter(message: Any) -> Letter:
    attributes = message.get("MessageAttributes", {})
    return Letter(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        attributes={name: value.get("StringValue", "") for name, value in attributes.items()},
        sent_us=int(message["Attributes"]["SentTimestamp"]) * 1000,
    )
