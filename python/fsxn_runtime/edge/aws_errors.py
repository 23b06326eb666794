"""What an AWS call that failed means for its caller: one of the branches of the error tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
)

from fsxn_runtime.errors import ConflictError, FsxnError, MisconfiguredError, RejectedError, TransientError

# What a failed condition of DynamoDB and of S3 (If-Match, If-None-Match) is called.
_CONDITION_CODES: Final = frozenset({"ConditionalCheckFailedException", "PreconditionFailed", "412"})
# Codes of the services' API models that say "this input can never succeed".
_INPUT_CODES: Final = frozenset(
    {
        "InvalidExecutionInput",
        "InvalidMessageContents",
        "InvalidName",
        "KeyTooLongError",
        "ValidationException",
    }
)
# Throttling and limits that come as a 4xx, and conflicts that the service asks to send again. SQS and S3 hand
# on KMS's throttling under its name there, or under one of their own.
_BUSY_CODES: Final = frozenset(
    {
        "ConditionalRequestConflict",
        "ExecutionLimitExceeded",
        "KMS.ThrottlingException",
        "KmsThrottled",
        "OperationAborted",
        "OverLimit",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
    }
)
# Services with a JSON protocol (DynamoDB, FSx, Step Functions) say it with status 400 instead of 403.
_DENIED_CODES: Final = frozenset(
    {"AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"}
)


def error_code(error: ClientError) -> str:
    """Give the service's code; a HEAD request has no body, so there it is the HTTP status as text."""
    return str(error.response.get("Error", {}).get("Code", ""))


def http_status(error: ClientError) -> int:
    """Give the HTTP status of the answer; 0 when there is none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def failure_parts(error: ClientError | BotoCoreError) -> tuple[int, str, str]:
    """Take a failed call apart: HTTP status, code, message. Without an answer: 0 and the exception's name."""
    if isinstance(error, ClientError):
        return http_status(error), error_code(error), str(error.response.get("Error", {}).get("Message", ""))
    return 0, type(error).__name__, str(error)


def from_client_error(what: str, error: ClientError) -> FsxnError:
    """Map an answer to a branch. What is neither busy nor about the input needs a person."""
    code, status = error_code(error), http_status(error)
    message = f"{what} answered {code} (HTTP {status}): {error.response.get('Error', {}).get('Message', '')}"
    if code in _CONDITION_CODES:
        return ConflictError(message, code="aws_condition")
    # 501 is what S3 says to a request that it will never understand.
    if (status >= 500 and status != 501) or status == 429 or code in _BUSY_CODES:
        return TransientError(message, code="aws_busy")
    if code in _INPUT_CODES:
        return RejectedError(message, code="aws_invalid_input")
    if status == 403 or code in _DENIED_CODES:
        return MisconfiguredError(message, code="aws_denied")
    return MisconfiguredError(message, code="aws_refused")


@contextmanager
def aws_call(what: str) -> Iterator[None]:
    """Turn what boto3 raises inside into FsxnError. `what` names the call, for example "sqs:SendMessage"."""
    try:
        yield
    except ClientError as exc:
        raise from_client_error(what, exc) from exc
    except (NoCredentialsError, NoRegionError) as exc:
        raise MisconfiguredError(f"{what}: {exc}", code="aws_identity") from exc
    except ParamValidationError as exc:
        raise RejectedError(f"{what}: {exc}", code="aws_invalid_input") from exc
    except BotoCoreError as exc:  # connections and time-outs, after botocore's own retries
        raise TransientError(f"{what}: {exc}", code="aws_unreachable") from exc
