"""Step Functions, S3 and SQS as the frame uses them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from fsxn_runtime.edge.aws_errors import aws_call, error_code
from fsxn_runtime.errors import ConflictError, MisconfiguredError, TransientError
from fsxn_runtime.workloads.model import Execution, ObjectVersion, Page, StateItem

# A failure's cause can be 32 KiB of stack trace; its beginning is enough for a person to know what it is.
_CAUSE_LENGTH: Final = 1000
_CHUNK_BYTES: Final = 1 << 20  # 1 MiB: few calls per file, and memory stays far below the smallest Lambda
# SQS: entries of one SendMessageBatch. Ten messages stay below its bytes: an event with the longest path that
# an object key can have is below 16 KB.
_BATCH: Final = 10


class Executions:
    """The executions of one state machine."""

    def __init__(self, stepfunctions: Any, state_machine_arn: str) -> None:
        self._stepfunctions = stepfunctions
        self._state_machine_arn = state_machine_arn

    def start(self, item: StateItem) -> bool:
        """Start the item's current attempt; False when an execution of that name exists already.

        Step Functions answers True again for a running execution with the same input: idempotent either way.
        """
        try:
            with aws_call("states:StartExecution"):
                self._stepfunctions.start_execution(
                    stateMachineArn=self._state_machine_arn,
                    name=item.execution_arn.rpartition(":")[2],
                    input=item.execution_input,
                )
        except MisconfiguredError as exc:
            if _code(exc) != "ExecutionAlreadyExists":
                raise
            return False
        return True

    def look(self, execution_arn: str) -> Execution | None:
        """Read one execution; None when there is none of that ARN."""
        try:
            with aws_call("states:DescribeExecution"):
                answer = self._stepfunctions.describe_execution(executionArn=execution_arn)
        except MisconfiguredError as exc:
            if _code(exc) != "ExecutionDoesNotExist":
                raise
            return None
        return execution_from(answer)


def execution_from(detail: Any) -> Execution:
    """Read status, output, error and cause, which events and DescribeExecution name alike."""
    return Execution(
        status=str(detail["status"]),
        superseded=_is_superseded(detail.get("output")),
        error=str(detail.get("error") or "")[:_CAUSE_LENGTH],
        cause=str(detail.get("cause") or "")[:_CAUSE_LENGTH],
    )


def _is_superseded(output: str | None) -> bool:
    """Say whether the process function reported `superseded` (with or without Lambda's envelope)."""
    try:
        result = json.loads(output or "null")
    except ValueError:
        return False
    if isinstance(result, dict) and isinstance(result.get("Payload"), dict):
        result = result["Payload"]
    return isinstance(result, dict) and result.get("status") == "superseded"


class Files:
    """The volume's files, seen through its access point.

    A denial is a TransientError here: access points of FSx answer that for a while when the file system's
    throughput changes. A lasting one ends in the dead-letter queue with its reason.
    """

    def __init__(self, s3: Any, access_point: str) -> None:
        self._s3 = s3
        self._access_point = access_point

    def look(self, key: str) -> ObjectVersion | None:
        """HEAD one object; None when it is not there.

        An answer to HEAD has no body, so a missing file and a missing access point are both a bare 404. Only
        the access point's own HEAD tells them apart; without it, every event would pass for superseded.
        """
        try:
            with aws_call("s3:HeadObject"):
                answer = self._s3.head_object(Bucket=self._access_point, Key=key)
        except MisconfiguredError as exc:
            if not _is_absent(exc):
                raise
        else:
            return version_from(key, answer)
        try:
            with aws_call("s3:HeadBucket"):
                self._s3.head_bucket(Bucket=self._access_point)
        except MisconfiguredError as exc:
            _refuse_denial(exc)
            raise
        return None

    def page(self, prefix: str, token: str = "") -> Page:
        """List up to 1,000 objects below a prefix, from a page's token on.

        The order is not relied on: it is documented for buckets, not for access points of FSx. For how long a
        token can be used is not documented either. Raises ConflictError when it is refused.
        """
        more = {"ContinuationToken": token} if token else {}
        try:
            with aws_call("s3:ListObjectsV2"):
                answer = self._s3.list_objects_v2(Bucket=self._access_point, Prefix=prefix, **more)
        except MisconfiguredError as exc:
            _refuse_denial(exc)
            if token and _code(exc) == "InvalidArgument":
                raise ConflictError(str(exc), code="token_refused") from exc
            raise
        versions = tuple(
            version_from(entry["Key"], {**entry, "ContentLength": entry["Size"]})
            for entry in answer.get("Contents", [])
        )
        return Page(versions, answer.get("NextContinuationToken", ""))

    def open(self, version: ObjectVersion) -> Any:
        """Open that version's body; None when it is gone or was replaced.

        The condition only saves reading in vain: whoever must know looks again after the last byte. Access
        points of FSx answer 501 to conditions on PUT; whether on GET is unknown, so it may go without one.
        """
        try:
            if version.etag:
                try:
                    return self._get(version.key, IfMatch=f'"{version.etag}"')
                except MisconfiguredError as exc:
                    if _code(exc) != "NotImplemented":
                        raise
            return self._get(version.key)
        except ConflictError:
            return None
        except MisconfiguredError as exc:
            if _is_absent(exc):
                return None
            raise

    def read(self, version: ObjectVersion, take: Callable[[bytes], object]) -> bool:
        """Stream one version into `take`; False when it is gone or was replaced, before or meanwhile.

        What an access point answers while NFS or SMB clients write is not documented, so the version is
        looked at again after the last byte: what was taken of a torn read must not be used.
        """
        body = self.open(version)
        if body is None:
            return False
        try:
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                take(chunk)
        except (BotoCoreError, HTTPError, OSError) as exc:
            raise TransientError(f"the body of s3:GetObject broke off: {exc}", code="body_broken") from exc
        return self.look(version.key) == version

    def _get(self, key: str, **condition: str) -> Any:
        with aws_call("s3:GetObject"):
            return self._s3.get_object(Bucket=self._access_point, Key=key, **condition)["Body"]


def _is_absent(exc: MisconfiguredError) -> bool:
    """Say whether the object is not there. Raises TransientError for a denial (see `Files`)."""
    _refuse_denial(exc)
    return _code(exc) in ("404", "NoSuchKey", "NotFound")


def _refuse_denial(exc: MisconfiguredError) -> None:
    if exc.code == "aws_denied":
        raise TransientError(str(exc), code="aws_denied") from exc


def version_from(key: str, answer: Any) -> ObjectVersion:
    """Read a HEAD answer, or an entry of a listing with the size under HEAD's name for it."""
    modified: datetime = answer["LastModified"]
    return ObjectVersion(
        key=key,
        size_bytes=int(answer["ContentLength"]),
        etag=str(answer.get("ETag", "")).strip('"'),
        last_modified_us=int(modified.timestamp()) * 1_000_000,  # a HEAD answer has whole seconds
    )


class Reports:
    """The bucket that a workload writes into."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def put_once(self, key: str, body: bytes) -> bytes:
        """Write a JSON object unless there is one; give what is there now."""
        try:
            with aws_call("s3:PutObject"):
                self._s3.put_object(
                    Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*"
                )
        except ConflictError:
            with aws_call("s3:GetObject"):
                existing: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            return existing
        return body


class Queue:
    """One SQS queue."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, body: str, *, delay_seconds: int = 0, reason: str = "") -> None:
        """Send one message, after a delay or with the attribute `reason`."""
        attributes = {"reason": {"DataType": "String", "StringValue": reason}} if reason else {}
        with aws_call("sqs:SendMessage"):
            self._sqs.send_message(
                QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_seconds, MessageAttributes=attributes
            )

    def send_all(self, messages: Sequence[tuple[str, int]]) -> None:
        """Send bodies with their delays in seconds. Raises TransientError when SQS did not take them all.

        Those before and beside the refused one are sent then; sending all again sends them twice.
        """
        for first in range(0, len(messages), _BATCH):
            entries = [
                {"Id": str(number), "MessageBody": body, "DelaySeconds": delay}
                for number, (body, delay) in enumerate(messages[first : first + _BATCH])
            ]
            with aws_call("sqs:SendMessage"):
                answer = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
            for refused in answer.get("Failed", []):
                raise TransientError(
                    f"sqs:SendMessage refused {len(answer['Failed'])} of {len(entries)}: {refused['Code']}",
                    code="aws_busy",
                )


def _code(exc: MisconfiguredError) -> str:
    return error_code(exc.__cause__) if isinstance(exc.__cause__, ClientError) else ""
