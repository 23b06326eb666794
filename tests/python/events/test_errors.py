"""The error tree says what to do."""

from __future__ import annotations

import pytest
from fsxn_runtime.errors import (
    ConflictError,
    FsxnError,
    MisconfiguredError,
    RejectedError,
    TransientError,
)


@pytest.mark.parametrize(
    ("kind", "code", "retryable"),
    [
        (RejectedError, "rejected", False),
        (ConflictError, "conflict", False),
        (TransientError, "transient", True),
        (MisconfiguredError, "misconfigured", False),
    ],
)
def test_each_branch_has_its_code_and_only_transient_may_be_retried(
    kind: type[FsxnError], code: str, retryable: bool
) -> None:
    error = kind("size is 5; it must be below 4")
    assert (error.code, error.retryable, str(error)) == (code, retryable, "size is 5; it must be below 4")
    assert kind("x", code="too_large").code == "too_large"
