"""What an ONTAP call that failed means for its caller. Each error is a leaf of one of the four branches.

    FsxnError
    ├── RejectedError
    │   ├── OntapRejectedError        ONTAP does not take this input
    │   └── OntapNotFoundError        there is no such object
    ├── ConflictError
    │   └── OntapConflictError        it exists, is in use, or is already so: read again
    ├── TransientError
    │   ├── OntapTransientError       ONTAP is busy, or its answer makes no sense
    │   ├── OntapUnreachableError     no answer; a change was not sent
    │   └── OntapOutcomeUnknownError  a change was sent and may have happened: look before asking again
    └── MisconfiguredError
        ├── OntapMisconfiguredError   address, certificate or secret is not what it must be
        ├── OntapUnauthorizedError    user and password are refused
        ├── OntapForbiddenError       the account's role does not allow it
        └── OntapPinMismatchError     a certificate that nobody trusted is presented

`status` is the HTTP status and `ontap_code` ONTAP's own code as text; 0 and "" when there was no such answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from fsxn_runtime.errors import ConflictError, FsxnError, MisconfiguredError, RejectedError, TransientError


class OntapError(FsxnError):
    """What all errors of this package have in common. Raise one of its leaves."""

    def __init__(
        self, message: str, *, code: str | None = None, status: int = 0, ontap_code: str = ""
    ) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.ontap_code = ontap_code


class OntapRejectedError(OntapError, RejectedError):
    """ONTAP does not take this input, and will not later."""

    default_code = "ontap_rejected"


class OntapNotFoundError(OntapError, RejectedError):
    """There is no such object (or no such path)."""

    default_code = "ontap_not_found"


class OntapConflictError(OntapError, ConflictError):
    """The object exists, is in use, or is already in the state asked for."""

    default_code = "ontap_conflict"


class OntapTransientError(OntapError, TransientError):
    """ONTAP is busy or its answer makes no sense; the same call may succeed later."""

    default_code = "ontap_busy"


class OntapUnreachableError(OntapError, TransientError):
    """No answer came in time. A change that fails so was not sent."""

    default_code = "ontap_unreachable"


class OntapOutcomeUnknownError(OntapError, TransientError):
    """A change was sent, and nobody knows whether it happened. Look at the object before asking again."""

    default_code = "ontap_outcome_unknown"


class OntapMisconfiguredError(OntapError, MisconfiguredError):
    """Address, certificate or secret is not what it must be."""

    default_code = "ontap_misconfigured"


class OntapUnauthorizedError(OntapError, MisconfiguredError):
    """User and password are refused, and the secret has no others."""

    default_code = "ontap_unauthorized"


class OntapForbiddenError(OntapError, MisconfiguredError):
    """The account is known, but its role does not allow this."""

    default_code = "ontap_forbidden"


class OntapPinMismatchError(OntapError, MisconfiguredError):
    """The certificate that is presented is not one of the secret's.

    presented, known: SHA-256 of certificates, in hex; `presented` is "" when it could not be looked at.
    """

    default_code = "ontap_pin_mismatch"

    def __init__(self, message: str, *, presented: str = "", known: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.presented = presented
        self.known = tuple(known)
