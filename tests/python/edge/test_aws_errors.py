"""What AWS answers becomes one of the four branches."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    NoCredentialsError,
    ParamValidationError,
)
from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import (
    ConflictError,
    FsxnError,
    MisconfiguredError,
    RejectedError,
    TransientError,
)


def answer(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "said so"}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "Operation",
    )


@pytest.mark.parametrize(
    ("code", "status", "branch"),
    [
        ("ConditionalCheckFailedException", 400, ConflictError),
        ("PreconditionFailed", 412, ConflictError),
        ("412", 412, ConflictError),
        ("ThrottlingException", 400, TransientError),
        ("SlowDown", 503, TransientError),
        ("InternalError", 500, TransientError),
        ("SomethingNew", 429, TransientError),
        ("ValidationException", 400, RejectedError),
        ("AccessDenied", 403, MisconfiguredError),
        ("ResourceNotFoundException", 400, MisconfiguredError),
        ("SomethingNew", 400, MisconfiguredError),
    ],
)
def test_an_answer_falls_into_its_branch(code: str, status: int, branch: type[FsxnError]) -> None:
    with pytest.raises(branch) as caught, aws_call("sqs:SendMessage"):
        raise answer(code, status)
    assert type(caught.value) is branch
    assert str(caught.value).startswith(f"sqs:SendMessage answered {code} (HTTP {status})")


@pytest.mark.parametrize(
    ("error", "branch"),
    [
        (ConnectTimeoutError(endpoint_url="https://sqs"), TransientError),
        (NoCredentialsError(), MisconfiguredError),
        (ParamValidationError(report="bad"), RejectedError),
    ],
)
def test_what_never_reached_aws_falls_into_its_branch(error: BotoCoreError, branch: type[FsxnError]) -> None:
    with pytest.raises(branch) as caught, aws_call("sqs:SendMessage"):
        raise error
    assert type(caught.value) is branch


def test_an_error_that_is_not_of_aws_passes_unchanged() -> None:
    with pytest.raises(KeyError), aws_call("sqs:SendMessage"):
        raise KeyError("ours")
