"""Amazon SQS over HTTP: requests as botocore would send them, made and signed with a tenth of its work.

Endpoint, region, credentials and CA bundle come from botocore, so every variable and file that names them
counts as it does for any other client. Why it is not botocore that calls: docs/decisions/0010.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.session
from botocore.exceptions import BotoCoreError, NoRegionError
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies
from fsxn_runtime.edge.clients import CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS
from fsxn_runtime.errors import MisconfiguredError, TransientError

from fpolicy_server.delivery.http import HttpClient, Response
from fpolicy_server.delivery.identity import IdentityKeeper
from fpolicy_server.delivery.signing import Identity, Signer
from fpolicy_server.logs import Log

_CONTENT_TYPE: Final = "application/x-amz-json-1.0"
_TARGET: Final = "AmazonSQS.SendMessageBatch"


class SqsService:
    """Makes calls of SendMessageBatch. May be shared by queues. `now` gives seconds since 1970."""

    def __init__(
        self, http: HttpClient, region: str, identity: IdentityKeeper, now: Callable[[], float]
    ) -> None:
        self._http = http
        self._identity = identity
        self._now = now
        self._signer = Signer(
            path=http.path,
            region=region,
            service="sqs",
            headers={
                "content-type": _CONTENT_TYPE,
                "host": http.host,
                "x-amz-target": _TARGET,
                "x-amzn-query-mode": "true",  # errors have the codes that the query protocol gave them
            },
        )

    async def call(self, body: bytes) -> Response:
        """Send one request and give its answer, whatever it is. Raises FsxnError when there is none."""
        identity = await self._identity.current()
        return await self._http.post(self._signer.signed_headers(identity, body, self._now()), body)


def sqs_service(now: Callable[[], float], log: Log) -> SqsService:
    """Make the service that the process's environment names. Raises MisconfiguredError.

    Blocks: botocore reads its files.
    """
    session = botocore.session.get_session()
    endpoint, region = _where(session)
    if get_environ_proxies(endpoint).get(urlsplit(endpoint).scheme):
        raise MisconfiguredError(
            f"the environment names a proxy for {endpoint}; the queue is called without one: put its host "
            "into NO_PROXY, and let the subnet reach it by a NAT gateway or an interface endpoint",
            code="proxy_not_supported",
        )
    http = HttpClient(
        endpoint,
        _tls(session) if endpoint.startswith("https:") else None,
        connect_timeout_seconds=CONNECT_TIMEOUT_SECONDS,
        answer_timeout_seconds=READ_TIMEOUT_SECONDS,
    )
    return SqsService(http, region, IdentityKeeper(lambda: _identity(session), log), now)


def _where(session: Any) -> tuple[str, str]:
    try:
        meta = session.create_client("sqs").meta
    except NoRegionError as exc:
        raise MisconfiguredError(f"AWS_REGION is not set: {exc}", code="no_region") from exc
    except (BotoCoreError, ValueError) as exc:
        raise MisconfiguredError(f"no endpoint of Amazon SQS: {exc}", code="wrong_endpoint") from exc
    return str(meta.endpoint_url), str(meta.region_name)


def _tls(session: Any) -> ssl.SSLContext:
    bundle = session.get_config_variable("ca_bundle")  # AWS_CA_BUNDLE, or the file's ca_bundle
    return ssl.create_default_context(cafile=bundle or get_cert_path(True))


def _identity(session: Any) -> Identity:
    """Ask the chain of credentials; blocks. Raises TransientError."""
    try:
        found = session.get_credentials()
        frozen = found.get_frozen_credentials() if found is not None else None
    except BotoCoreError as exc:
        raise TransientError(f"credentials: {exc}", code="no_credentials") from exc
    if frozen is None:
        raise TransientError("no credentials for AWS were found", code="no_credentials")
    return Identity(frozen.access_key, frozen.secret_key, frozen.token)
