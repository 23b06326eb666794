"""Keeps the canary from locking the account: what was refused is remembered over runs and processes.

ONTAP's default locks an account at six refusals (ONTAP REST reference 9.3); that a counter forgets, nobody
has seen. The reconciler with the same account may take three (fsxn_runtime.ontap), so the canary takes two:
each version of the secret is tried twice, an hour apart, so that a repaired account is found out about
without a new version, and never again after that.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final

from botocore.exceptions import ClientError

from fsxn_runtime.canary.model import FindingError, Reason
from fsxn_runtime.edge.aws_errors import aws_call, error_code
from fsxn_runtime.edge.secrets import SecretReader
from fsxn_runtime.errors import FsxnError
from fsxn_runtime.ontap import Refusals

PAUSES: Final = (3600.0,)
MAX_TRIES: Final = 1 + len(PAUSES)
# Without s3:ListBucket S3 says AccessDenied of a key that is not there.
_ABSENT: Final = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})


class RefusalsObject:
    """The memory of refused logins in an S3 object: the canary needs S3 anyway, for Synthetics' results."""

    def __init__(self, s3: Any, bucket: str, key: str) -> None:
        self._s3 = s3
        self._place = {"Bucket": bucket, "Key": key}

    def read(self) -> str:
        """Give what was written last; "" when nothing was."""
        with aws_call("s3:GetObject"):
            try:
                body: bytes = self._s3.get_object(**self._place)["Body"].read()
            except ClientError as exc:
                if error_code(exc) in _ABSENT:
                    return ""
                raise
        return body.decode(errors="replace")

    def write(self, text: str) -> None:
        """Keep it in the place of what was there."""
        with aws_call("s3:PutObject"):
            self._s3.put_object(**self._place, Body=text.encode(), ContentType="application/json")


class LoginGuard:
    """Says whether a login may be tried, and remembers one that was refused."""

    def __init__(self, secret: SecretReader, memory: RefusalsObject, clock: Callable[[], float]) -> None:
        """Take the secret, the memory, and a clock of seconds since 1970."""
        self._secret = secret
        self._refusals = Refusals(memory, clock, PAUSES)
        self._accepted = ""  # the version that was accepted last in this process: it needs no memory

    def version(self) -> str:
        """Give the version to log in with. Raises FindingError when it must not be tried (again)."""
        version_id = self._secret.current().version_id
        if version_id == self._accepted:
            return version_id
        try:
            self._refusals.look()
        except FsxnError as exc:
            raise FindingError(
                Reason.MISCONFIGURED,
                f"not tried: refused logins cannot be read or kept, so this may be one more: {exc}",
            ) from exc
        left = self._refusals.left(version_id)
        refusal = self._refusals.of(version_id)
        if refusal is None or left == 0:
            return version_id
        again = "never" if left == inf else f"in {left / 60:.0f} min"
        raise FindingError(
            Reason.UNAUTHORIZED,
            f"not tried: ONTAP refused this version of the secret ({refusal.tries} of {MAX_TRIES} tries), "
            f"and more would lock the account; next {again}, with a new version at once",
        )

    def note_refusal(self, version_id: str) -> None:
        """Remember that this version was refused now. Raises FsxnError when it cannot be kept."""
        self._accepted = ""
        self._refusals.note(version_id)

    def note_success(self, version_id: str) -> None:
        """Forget refusals: this version is accepted now, and ONTAP counts anew."""
        self._refusals.forget()
        self._accepted = version_id
