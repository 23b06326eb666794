"""ONTAP and FSx as a rotation uses them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import MisconfiguredError, TransientError
from fsxn_runtime.ontap import OntapClient, OntapSecret, path, presented_certificate
from fsxn_runtime.ontap.errors import (
    OntapForbiddenError,
    OntapMisconfiguredError,
    OntapUnauthorizedError,
    OntapUnreachableError,
)
from fsxn_runtime.ontap.model import Request
from fsxn_runtime.ontap.transport import Transport
from fsxn_runtime.rotation.model import Account

# Module rotation gives the function 360 s: a pause of 60 at most, four looks of 5, four logins of 20, four
# probes and the account of 10 each, a change of 30, FSx's 60, and Secrets Manager's calls.
LOGIN_SECONDS = 20.0
READ_SECONDS = 10.0
CHANGE_SECONDS = 30.0
_CLUSTER: Final = path("cluster")
_ACCOUNTS: Final = path("security", "accounts")
_RESET_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 2.0
# FSx's names of a change's end (API model, AdministrativeAction.Status).
_ENDED: Final = frozenset({"COMPLETED", "UPDATED_OPTIMIZING"})


def secret_of(text: str) -> OntapSecret:
    """Read a version as a client would. Raises MisconfiguredError without the password."""
    return OntapSecret.from_json(text)


class Ontap:
    """One file system, asked with one version's credentials."""

    def __init__(self, secret: OntapSecret) -> None:
        self._secret = secret

    def require_reach(self) -> str:
        """Look whether anybody answers, before a login counts; give the certificate presented.

        Raises OntapUnreachableError.
        """
        try:
            return presented_certificate(self._secret.host, self._secret.port)
        except OSError as exc:
            raise OntapUnreachableError(f"cannot reach ONTAP at {self._secret.management_ip}: {exc}") from exc

    def login(self) -> str | None:
        """Ask for the cluster, exactly once: a login that is tried again by itself could lock the account.

        Give the cluster's UUID; None when user and password are refused.
        """
        end = time.monotonic() + LOGIN_SECONDS
        transport = Transport(self._secret, "fsxn-s3ap-rotation")
        try:
            answer = transport.send(Request("GET", f"{_CLUSTER}?fields=uuid"), lambda: end - time.monotonic())
        finally:
            transport.close()
        if answer.status == 401:
            return None
        if answer.status == 403:
            raise OntapForbiddenError(
                f"user {self._secret.username!r} may not read {_CLUSTER}; its role needs readonly on it",
                status=403,
            )
        if answer.status != 200:
            raise OntapUnreachableError(f"GET {_CLUSTER} answered HTTP {answer.status}", status=answer.status)
        try:
            uuid = json.loads(answer.body).get("uuid")
        except (ValueError, AttributeError):
            uuid = None
        if not isinstance(uuid, str):
            raise OntapMisconfiguredError(
                f"{self._secret.management_ip} answers GET {_CLUSTER} without a uuid; is it ONTAP?"
            )
        return uuid

    def accounts(self) -> Iterator[Account]:
        """Read the accounts that have the user's name."""
        fields = ("owner", "scope", "locked", "applications")
        with self._client() as client:
            query = {"name": self._secret.username}
            for record in client.records(
                _ACCOUNTS, fields=fields, query=query, deadline_seconds=READ_SECONDS
            ):
                yield Account(
                    name=str(record.get("name")),
                    owner_uuid=str(record.get("owner", {}).get("uuid", "")),
                    scope=str(record.get("scope", "")),
                    is_locked=bool(record.get("locked", False)),
                    has_password_login=any(
                        application.get("application") == "http"
                        and "password" in application.get("authentication_methods", ())
                        for application in record.get("applications", ())
                    ),
                )

    def probe(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Read what the account's users read. Yield what the role does not allow, with the reason."""
        with self._client() as client:
            for one in paths:
                try:
                    client.get(one, query={"max_records": 1}, deadline_seconds=READ_SECONDS)
                except (OntapForbiddenError, OntapUnauthorizedError) as exc:
                    yield one, str(exc)

    def change_by_account(self, account: Account, password: str) -> None:
        """Change the password by the account's record (reference 9.2, way A). Nothing else is sent."""
        with self._client() as client:
            client.patch(
                path("security", "accounts", account.owner_uuid, account.name), {"password": password}
            )

    def change_own(self, password: str) -> None:
        """Change one's own password (reference 9.2, way B): for roles that may not change accounts."""
        with self._client() as client:
            client.post(
                path("security", "authentication", "password"),
                {"name": self._secret.username, "password": password},
            )

    def _client(self) -> OntapClient:
        return OntapClient(self._secret, app="fsxn-s3ap-rotation", deadline_seconds=CHANGE_SECONDS)


class Fsx:
    """The file system at AWS: a way to set fsxadmin's password without an old one (reference 9.2, way C)."""

    def __init__(self, fsx: Any, file_system_id: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._fsx = fsx
        self._file_system_id = file_system_id
        self._sleep = sleep

    def set_password(self, password: str, token: str) -> None:
        """Set fsxadmin's password and wait until AWS has done it. Idempotency key: the token.

        Raises TransientError while AWS is not done, MisconfiguredError when it failed or no file system is
        named.
        """
        if not self._file_system_id:
            raise MisconfiguredError(
                "recovery through FSx needs FILE_SYSTEM_ID (module rotation: fsx_recovery)",
                code="no_recovery",
            )
        with aws_call(f"fsx:UpdateFileSystem {self._file_system_id}"):
            self._fsx.update_file_system(
                FileSystemId=self._file_system_id,
                ClientRequestToken=token,
                OntapConfiguration={"FsxAdminPassword": password},
            )
        for _ in range(int(_RESET_SECONDS / _LOOK_SECONDS)):
            if self._is_done():
                return
            self._sleep(_LOOK_SECONDS)
        raise TransientError(
            f"{self._file_system_id}: AWS has not set the password within {_RESET_SECONDS:g} s; ask again",
            code="fsx_busy",
        )

    def _is_done(self) -> bool:
        with aws_call(f"fsx:DescribeFileSystems {self._file_system_id}"):
            (found,) = self._fsx.describe_file_systems(FileSystemIds=[self._file_system_id])["FileSystems"]
        updates = [
            action
            for action in found.get("AdministrativeActions", ())
            if action["AdministrativeActionType"] == "FILE_SYSTEM_UPDATE"
        ]
        latest = max(updates, key=lambda action: action["RequestTime"], default=None)
        if latest is not None and latest["Status"] == "FAILED":
            said = latest.get("FailureDetails", {}).get("Message", "")
            raise MisconfiguredError(
                f"{self._file_system_id}: AWS could not set the password: {said}", code="fsx_failed"
            )
        return latest is None or latest["Status"] in _ENDED
