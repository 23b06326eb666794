"""AWS Signature Version 4 for one kind of request: a POST to the path of an endpoint. Pure.

Source: AWS General Reference, "Create a signed AWS API request". A property test compares every signature
with that of botocore's own signer (docs/decisions/0010-sqs-without-the-sdk.md).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Identity:
    """Credentials at one moment. `token` is there for temporary ones only."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class Signer:
    """Signs requests with the same headers for one endpoint.

    `headers` are the fixed ones with lower-case names, `host` among them. Keeps the signing key, which is
    the same for one secret and one day.
    """

    def __init__(self, *, path: str, region: str, service: str, headers: Mapping[str, str]) -> None:
        self._path = path
        self._region = region
        self._service = service
        self._headers = dict(headers)
        self._key_of: tuple[str, str] | None = None  # secret and day
        self._key = b""

    def signed_headers(self, identity: Identity, body: bytes, seconds: float) -> dict[str, str]:
        """Give all headers of a request with this body, sent at `seconds` since 1970."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))
        headers = {**self._headers, "x-amz-date": now}
        if identity.token:
            headers["x-amz-security-token"] = identity.token
        names = sorted(headers)
        signed = ";".join(names)
        lines = "".join(f"{name}:{headers[name]}\n" for name in names)
        request = f"POST\n{self._path}\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
        day = now[:8]
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        text = f"{_ALGORITHM}\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = _hmac(self._signing_key(identity.secret_key, day), text).hex()
        headers["authorization"] = (
            f"{_ALGORITHM} Credential={identity.access_key}/{scope}, SignedHeaders={signed}, "
            f"Signature={signature}"
        )
        return headers

    def _signing_key(self, secret: str, day: str) -> bytes:
        if self._key_of != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = _hmac(key, part)
            self._key_of, self._key = (secret, day), key
        return self._key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
