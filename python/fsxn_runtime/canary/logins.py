"""Keeps the canary from locking the account: what was refused is remembered over runs and processes.

ONTAP's default locks an account at six refusals (ONTAP REST reference 9.3); that a counter forgets, nobody
has seen. The reconciler with the same account may take three (fsxn_runtime.ontap), so the canary takes two:
each version of the secret is tried twice, an hour apart, so that a repaired account is found out about
without a new version, and never again after that.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from fsxn_runtime.canary.model import FindingError, Reason
from fsxn_runtime.edge.aws_errors import aws_call, error_code
from fsxn_runtime.edge.secrets import SecretReader
from fsxn_runtime.errors import FsxnError

MAX_TRIES: Final = 2
PAUSE_SECONDS: Final = 3600
# Without s3:ListBucket S3 says AccessDenied of a key that is not there.
_ABSENT: Final = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A version of the secret that ONTAP refused, how often, and when last (seconds since 1970)."""

    version_id: str
    tries: int
    at: float


class Refusals:
    """The last refusal, in an S3 object: the canary needs S3 anyway, for Synthetics' results."""

    def __init__(self, s3: Any, bucket: str, key: str) -> None:
        self._s3 = s3
        self._place = {"Bucket": bucket, "Key": key}

    def last(self) -> Refusal | None:
        """Read it; None when there never was one."""
        with aws_call("s3:GetObject"):
            try:
                body = self._s3.get_object(**self._place)["Body"].read()
            except ClientError as exc:
                if error_code(exc) in _ABSENT:
                    return None
                raise
        return Refusal(**json.loads(body))

    def keep(self, refusal: Refusal) -> None:
        """Write it in the place of the one before."""
        with aws_call("s3:PutObject"):
            self._s3.put_object(
                **self._place, Body=json.dumps(asdict(refusal)).encode(), ContentType="application/json"
            )


class LoginGuard:
    """Says whether a login may be tried, and remembers one that was refused."""

    def __init__(self, secret: SecretReader, refusals: Refusals, clock: Callable[[], float]) -> None:
        """Take the secret, the memory, and a clock of seconds since 1970."""
        self._secret = secret
        self._refusals = refusals
        self._clock = clock
        self._known: Refusal | None = None  # holds in this process also when it could not be kept

    def version(self) -> str:
        """Give the version to log in with. Raises FindingError when it must not be tried (again)."""
        version_id = self._secret.current().version_id
        if self._known is None:
            self._known = self._read()
        refusal = self._known
        if refusal is None or refusal.version_id != version_id or refusal.tries == 0:
            return version_id
        left = refusal.at + PAUSE_SECONDS - self._clock()
        if refusal.tries < MAX_TRIES and left <= 0:
            return version_id
        again = f"in {left / 60:.0f} min" if refusal.tries < MAX_TRIES else "never"
        raise FindingError(
            Reason.UNAUTHORIZED,
            f"not tried: ONTAP refused this version of the secret ({refusal.tries} of {MAX_TRIES} tries), "
            f"and more would lock the account; next {again}, with a new version at once",
        )

    def note_refusal(self, version_id: str) -> None:
        """Remember that this version was refused now. Raises FsxnError when it cannot be kept."""
        known = self._known
        tries = known.tries + 1 if known is not None and known.version_id == version_id else 1
        self._keep(Refusal(version_id, tries, self._clock()))

    def note_success(self, version_id: str) -> None:
        """Forget refusals of this version: it is accepted now, and ONTAP counts anew."""
        if self._known is not None and self._known.version_id == version_id and self._known.tries:
            self._keep(Refusal(version_id, 0, self._clock()))

    def _keep(self, refusal: Refusal) -> None:
        self._known = refusal
        self._refusals.keep(refusal)

    def _read(self) -> Refusal | None:
        try:
            return self._refusals.last()
        except FsxnError as exc:
            raise FindingError(
                Reason.MISCONFIGURED,
                f"not tried: refused logins cannot be read, so this may be one more: {exc}",
            ) from exc
