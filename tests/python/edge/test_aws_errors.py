"""What a failed AWS call means for its caller."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from fsxn_runtime.edge.aws_errors import aws_call, error_code, failure_parts
from fsxn_runtime.errors import ConflictError, MisconfiguredError, RejectedError, TransientError


def answer(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Call"
    )


@pytest.mark.parametrize(
    ("raised", "branch", "code"),
    [
        (answer("InternalServerError", 500), TransientError, "aws_busy"),
        (answer("ThrottlingException", 400), TransientError, "aws_busy"),
        (answer("TooManyRequests", 429), TransientError, "aws_busy"),
        (answer("ExecutionLimitExceeded", 400), TransientError, "aws_busy"),
        (answer("KMS.ThrottlingException", 400), TransientError, "aws_busy"),
        (answer("KmsThrottled", 400), TransientError, "aws_busy"),
        (answer("ConditionalCheckFailedException", 400), ConflictError, "aws_condition"),
        (answer("PreconditionFailed", 412), ConflictError, "aws_condition"),
        (answer("ConditionalRequestConflict", 409), TransientError, "aws_busy"),
        (answer("InvalidMessageContents", 400), RejectedError, "aws_invalid_input"),
        (answer("AccessDenied", 403), MisconfiguredError, "aws_denied"),
        (answer("AccessDeniedException", 400), MisconfiguredError, "aws_denied"),
        (answer("ResourceNotFoundException", 400), MisconfiguredError, "aws_refused"),
        (answer("NeverHeardOf", 400), MisconfiguredError, "aws_refused"),
        (answer("NotImplemented", 501), MisconfiguredError, "aws_refused"),
        (NoCredentialsError(), MisconfiguredError, "aws_identity"),
        (ParamValidationError(report="r"), RejectedError, "aws_invalid_input"),
        (EndpointConnectionError(endpoint_url="u"), TransientError, "aws_unreachable"),
        (ReadTimeoutError(endpoint_url="u"), TransientError, "aws_unreachable"),
    ],
)
def test_an_error_of_boto3_falls_in_one_branch(raised, branch, code):
    with pytest.raises(branch, match="svc:Call") as caught, aws_call("svc:Call"):
        raise raised
    assert caught.value.code == code
    assert caught.value.__cause__ is raised


def test_an_answer_without_error_has_no_code():
    assert error_code(ClientError({}, "Call")) == ""


def test_a_failure_is_taken_apart_with_or_without_an_answer():
    assert failure_parts(answer("AccessDenied", 403)) == (403, "AccessDenied", "m")
    status, name, message = failure_parts(ReadTimeoutError(endpoint_url="u"))
    assert (status, name) == (0, "ReadTimeoutError")
    assert '"u"' in message


def test_what_is_not_boto3s_passes_through():
    with pytest.raises(ZeroDivisionError), aws_call("svc:Call"):
        raise ZeroDivisionError
