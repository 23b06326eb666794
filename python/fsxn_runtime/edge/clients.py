"""AWS clients: one per service and process, with time limits on every call."""

from __future__ import annotations

import os
import threading
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

CONNECT_TIMEOUT_SECONDS: Final = 5
READ_TIMEOUT_SECONDS: Final = 30
# The first try and two more: with jittered back-off that is what botocore calls standard. Longer patience
# is the caller's decision, who knows how much time is left.
MAX_ATTEMPTS: Final = 3

# For calls beside the work, such as an alert: what they accompany must not wait for them.
BRIEF_TIMEOUT_SECONDS: Final = 3

# For calls that wait until a function of ours has ended: none may run for longer than 360 s. Tried once: what
# gave no answer may be at work still.
PATIENT_TIMEOUT_SECONDS: Final = 370

_clients: dict[tuple[str, int, int], Any] = {}
_creating = threading.Lock()  # boto3's default session must not create two clients at once


def client(service: str, *, is_brief: bool = False, is_patient: bool = False) -> Any:
    """Give the client of one service; the same one every time, safe to use from several threads.

    A brief one tries once and waits three seconds at most for each of connection and answer; a patient one
    tries once and waits for the answer as long as a function may run.

    boto3 reads region, credentials and AWS_ENDPOINT_URL from the environment at the first call. With
    AWS_ENDPOINT_URL set, S3 uses path style, because bucket names below another endpoint do not resolve.
    """
    attempts = 1 if is_brief or is_patient else MAX_ATTEMPTS
    seconds = READ_TIMEOUT_SECONDS
    if is_brief or is_patient:
        seconds = BRIEF_TIMEOUT_SECONDS if is_brief else PATIENT_TIMEOUT_SECONDS
    key = (service, attempts, seconds)
    existing = _clients.get(key)
    if existing is not None:
        return existing
    with _creating:
        if key not in _clients:
            create: Any = boto3.client  # its stubs know literal service names only
            endpoint_url = os.environ.get("AWS_ENDPOINT_URL")
            _clients[key] = create(service, config=_config(endpoint_url, attempts, seconds))
            if endpoint_url and service == "s3control":
                _keep_account_off_host(_clients[key], urlsplit(endpoint_url).netloc)
        return _clients[key]


def _config(endpoint_url: str | None, attempts: int, seconds: int) -> Config:
    return Config(
        connect_timeout=min(CONNECT_TIMEOUT_SECONDS, seconds),
        read_timeout=seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        s3={"addressing_style": "path" if endpoint_url else "auto"},
    )


def _keep_account_off_host(s3control: Any, authority: str) -> None:
    """S3 Control puts the account before the host, where another endpoint's name does not resolve.

    The account travels in a header as well. Taken off before the request is signed.
    """

    def take_off(request: Any, **_: object) -> None:
        scheme, _, rest = request.url.partition("://")
        host, slash, path = rest.partition("/")
        if host.endswith(f".{authority}"):
            request.url = f"{scheme}://{authority}{slash}{path}"

    s3control.meta.events.register("before-sign.s3-control", take_off)


def forget_clients() -> None:
    """Drop every cached client, so that the next call reads the environment again."""
    with _creating:
        _clients.clear()
