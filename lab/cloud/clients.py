"""boto3 clients for the local AWS: one place for endpoint, credentials and the emulator's quirks."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

ACCOUNT_ID = "000000000000"
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One AWS identity. `session_token` is set for assumed roles only."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


ROOT = Credentials("test", "test")  # the emulator's account root; IAM never refuses it

# One session, because it keeps the service models that it has read (0.1 s for each client otherwise); a lock,
# because sessions may not make two clients at once.
_SESSION = boto3.session.Session()
_LOCK = threading.Lock()


def local_client(service: str, endpoint: str, credentials: Credentials = ROOT) -> Any:
    """Make a boto3 client for `service` at `endpoint` (http://127.0.0.1:port).

    S3 uses path style. S3 Control puts the account id before the host name, which an address cannot have:
    the prefix is taken off before the request is signed (the account travels in a header as well).
    """
    config = Config(
        region_name=REGION,
        connect_timeout=5,
        read_timeout=60,  # the longest synchronous call is a Lambda invocation
        retries={"mode": "standard", "total_max_attempts": 3},
        s3={"addressing_style": "path"},
        inject_host_prefix=False,
        max_pool_connections=32,
    )
    with _LOCK:
        client: Any = _SESSION.client(
            service,  # type: ignore[call-overload]
            endpoint_url=endpoint,
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
            config=config,
        )
    if service == "s3control":
        authority = urlsplit(endpoint).netloc

        def take_account_off_host(request: Any, **_: object) -> None:
            request.url = request.url.replace(f"//{ACCOUNT_ID}.{authority}", f"//{authority}")

        client.meta.events.register("before-sign.s3-control", take_account_off_host)
    return client
