"""The error tree. A class says what the caller must do; `code` says why, for metrics and logs.

    FsxnError
    ├── RejectedError       the input is wrong: quarantine it, never retry
    ├── ConflictError       someone was first: read again, or refuse
    ├── TransientError      the world is busy: try again later (the only retryable branch)
    └── MisconfiguredError  a person must act: stop and say so

Step Functions matches these class names in its Retry rules, so renaming one is a breaking change.
"""

from __future__ import annotations

from typing import ClassVar


class FsxnError(Exception):
    """Base of every error raised on purpose. Raise one of its branches, not this class.

    `code` comes from a bounded set (a literal where it is raised): it becomes a metric dimension.
    The message gives the value seen and the value allowed; never a secret, never a whole payload.
    """

    default_code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code: str = self.default_code if code is None else code


class RejectedError(FsxnError):
    """The input is wrong and stays wrong."""

    default_code = "rejected"


class ConflictError(FsxnError):
    """Another writer was first; what was read is no longer true."""

    default_code = "conflict"


class TransientError(FsxnError):
    """Nothing is wrong with the input; the same call may succeed later."""

    default_code = "transient"
    retryable = True


class MisconfiguredError(FsxnError):
    """A setting, permission or resource is not what it must be; only a person can change that."""

    default_code = "misconfigured"
