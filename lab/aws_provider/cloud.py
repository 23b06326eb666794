"""The local AWS as the services see it: clients made on first use, loopback only."""

from __future__ import annotations

import ipaddress
import os
import threading
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any
from urllib.parse import urlsplit

from lab.aws_provider.errors import ProviderError

LOCAL_ACCOUNT = "0" * 12  # ministack's default account
PARTITION = "aws"


def check_endpoint(url: str) -> str:
    """The URL, if its host is this machine. Raises ProviderError."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return url
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ProviderError(
            f"the endpoint is {url!r}; the stand-in provider talks only to a loopback address",
            detail="Use TF_AWS_PROVIDER=registry for the real provider.",
        )
    return url


class Cloud:
    """Settings of the provider block, and boto3 clients for them."""

    def __init__(self, config: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> None:
        env = os.environ if environment is None else environment
        self.region: str = (
            config.get("region") or env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or ""
        )
        if not self.region:
            raise ProviderError(
                "the provider block has no region, and AWS_REGION is not set", attribute="region"
            )
        endpoints = {
            service: url
            for block in config.get("endpoints") or []
            for service, url in block.items()
            if isinstance(url, str) and url
        }
        self._endpoints = {service: check_endpoint(url) for service, url in endpoints.items()}
        url = env.get("AWS_ENDPOINT_URL", "")
        self._endpoint = check_endpoint(url) if url else next(iter(self._endpoints.values()), "")
        self._credentials = (
            config.get("access_key") or env.get("AWS_ACCESS_KEY_ID") or "test",
            config.get("secret_key") or env.get("AWS_SECRET_ACCESS_KEY") or "test",
        )
        self.preview = not self.connected and env.get("LAB_AWS_PREVIEW") == "1"  # see preview.py
        self.previews_plan_only = self.preview or env.get("LAB_AWS_PLAN_ONLY") == "preview"
        self.default_tags: dict[str, Any] = {}
        for block in config.get("default_tags") or []:
            self.default_tags.update(block.get("tags") or {})
        self._allowed_accounts: list[str] = [
            account for account in config.get("allowed_account_ids") or [] if isinstance(account, str)
        ]

    @property
    def connected(self) -> bool:
        """Whether there is a local AWS behind the provider."""
        return bool(self._endpoint)

    @cached_property
    def account(self) -> str:
        """Account of the local AWS. Without one: the first allowed account, so that plans of other roots have
        the account they are meant for."""
        if not self.connected:
            return self._allowed_accounts[0] if self._allowed_accounts else LOCAL_ACCOUNT
        account = str(self._client("sts").get_caller_identity()["Account"])
        if self._allowed_accounts and account not in self._allowed_accounts:
            raise ProviderError(
                f"the local AWS is account {account}; allowed_account_ids is {self._allowed_accounts}"
            )
        return account

    def client(self, service: str) -> Any:
        """boto3 client. Raises ProviderError without a local AWS, or in an account that is not allowed."""
        if not self.connected:
            raise ProviderError(
                "the stand-in provider applies only to the local AWS, and no endpoint is set",
                detail="Set AWS_ENDPOINT_URL to the local AWS, or use TF_AWS_PROVIDER=registry.",
            )
        if self._allowed_accounts:
            _ = self.account
        return self._client(service)

    def _client(self, service: str) -> Any:
        endpoint = self._endpoints.get(service.replace("-", ""), self._endpoint)
        with _LOCK:
            return _make_client(service, endpoint, self.region, *self._credentials)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{PARTITION}:{service}:{self.region}:{self.account}:{resource}"


# Making a client costs 40 ms of parsing, a session 100 ms: one session, and clients that outlive a command
# when the provider is kept running. boto3 sessions are not safe to use from two threads.
_LOCK = threading.Lock()


@cache
def _make_client(service: str, endpoint: str, region: str, key: str, secret: str) -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=5,
        read_timeout=60,  # the slowest local call is a Lambda upload
        retries={"total_max_attempts": 3, "mode": "standard"},
        s3={"addressing_style": "path"},
    )
    return _session().client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=config,
    )


@cache
def _session() -> Any:
    import boto3  # 0.2 s and 40 MB: only where the local AWS is really called

    return boto3.session.Session()
