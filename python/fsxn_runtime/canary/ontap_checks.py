"""The checks of ONTAP over its REST interface. Each has a client, and so a connection, of its own.

The one thing they share is the guard: after a refused login none of them tries again (logins.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from fsxn_runtime.canary.core import (
    judge_certificate,
    judge_connections,
    judge_store,
    plain_reason,
    result_of,
)
from fsxn_runtime.canary.logins import LoginGuard, RefusalsObject
from fsxn_runtime.canary.model import (
    Certificate,
    Check,
    CheckName,
    Connection,
    FindingError,
    Outcome,
    Policy,
    Reason,
    Result,
)
from fsxn_runtime.canary.settings import CanarySettings
from fsxn_runtime.edge.secrets import SecretReader
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.ontap import OntapClient, OntapSecret, connect, path, pin_of, presented_certificate
from fsxn_runtime.ontap.errors import (
    OntapForbiddenError,
    OntapNotFoundError,
    OntapPinMismatchError,
    OntapTransientError,
    OntapUnauthorizedError,
    OntapUnreachableError,
)

# Of a check's time: its last call ends by itself before the runner gives the check up.
_CALL_RESERVE_SECONDS: Final = 1.0

_REASONS: Final = (
    (OntapUnauthorizedError, Reason.UNAUTHORIZED),
    (OntapForbiddenError, Reason.FORBIDDEN),
    (OntapPinMismatchError, Reason.CERTIFICATE_MISMATCH),
    (OntapNotFoundError, Reason.NOT_FOUND),
    (OntapUnreachableError, Reason.UNREACHABLE),
    (OntapTransientError, Reason.ONTAP_BUSY),
    (MisconfiguredError, Reason.MISCONFIGURED),
)


class OntapChecks:
    """Makes the checks that the settings ask for."""

    def __init__(
        self, settings: CanarySettings, secretsmanager: Any, s3: Any, clock: Callable[[], float]
    ) -> None:
        """Take the clients of AWS, and a clock of seconds since 1970."""
        self._settings = settings
        self._secretsmanager = secretsmanager
        self._secret = SecretReader(secretsmanager, settings.secret_id)
        memory = RefusalsObject(s3, settings.state_bucket, settings.state_key)
        self._guard = LoginGuard(self._secret, memory, clock)

    def checks(self) -> list[Check]:
        """Health first: what it costs to find out that nothing works is paid once."""
        system = self._settings.target
        checks = [
            Check(CheckName.ONTAP_HEALTH, system, self._health),
            Check(CheckName.CERTIFICATE_EXPIRY, system, self._certificate),
        ]
        for policy in self._settings.policies:
            checks += [
                Check(CheckName.FPOLICY_CONNECTIONS, str(policy), partial(self._fpolicy, policy)),
                Check(CheckName.STORE_SPACE, str(policy), partial(self._store, policy)),
            ]
        return checks

    def _health(self) -> str:
        with self._client() as ontap:
            found = ontap.get(path("cluster"), fields=("version", "name", "uuid"))
        return f"{found.get('name')}, {found.get('version', {}).get('full', 'version not shown')}"

    def _certificate(self) -> str:
        secret = OntapSecret.from_json(self._secret.current().text)
        presented = pin_of(presented_certificate(secret.host, secret.port))
        with self._client() as ontap:
            listed = [
                Certificate(
                    record.get("common_name", ""),
                    pin_of(record["public_certificate"]),
                    datetime.fromisoformat(record["expiry_time"]),
                )
                for record in ontap.records(
                    path("security", "certificates"),
                    fields=("common_name", "expiry_time", "public_certificate"),
                    query={"type": "server"},
                )
                if "public_certificate" in record and "expiry_time" in record
            ]
        return judge_certificate(listed, presented, datetime.now(UTC), self._settings.certificate_days)

    def _fpolicy(self, policy: Policy) -> str:
        with self._client() as ontap:
            connections = [
                Connection(
                    record["node"]["name"],
                    record.get("server", ""),
                    record.get("state", ""),
                    record.get("disconnected_reason", {}).get("message", ""),
                )
                for record in ontap.records(
                    path("protocols", "fpolicy", _svm_uuid(ontap, policy.svm), "connections"),
                    fields=("node.name", "server", "state", "disconnected_reason"),
                    query={"policy.name": policy.name},
                )
            ]
        return judge_connections(connections, self._settings.node_count)

    def _store(self, policy: Policy) -> str:
        with self._client() as ontap:
            svm = _svm_uuid(ontap, policy.svm)
            name = ontap.get(
                path("protocols", "fpolicy", svm, "policies", policy.name), fields=("persistent_store",)
            ).get("persistent_store")
            if not name:
                return "the policy has no persistent store"
            store = ontap.get(
                path("protocols", "fpolicy", svm, "persistent-stores", name), fields=("volume",)
            )
            volumes = list(
                ontap.records(
                    path("storage", "volumes"),
                    # percent_used is expensive, so it is asked for by name (ONTAP REST reference 3).
                    fields=("space.percent_used",),
                    query={"name": store["volume"], "svm.uuid": svm},
                )
            )
        if not volumes:
            raise FindingError(
                Reason.NOT_FOUND, f"there is no volume {store['volume']!r} of the store {name!r}"
            )
        return judge_store(int(volumes[0]["space"]["percent_used"]), self._settings.store_percent)

    @contextmanager
    def _client(self) -> Iterator[OntapClient]:
        version = self._guard.version()
        seconds = self._settings.check_seconds - _CALL_RESERVE_SECONDS
        with connect(
            self._settings.secret_id,
            secretsmanager=self._secretsmanager,
            app="fsxn-s3ap-canary",
            deadline_seconds=seconds,
        ) as ontap:
            try:
                yield ontap
            except OntapUnauthorizedError:
                self._guard.note_refusal(version)
                raise
            self._guard.note_success(version)


def ontap_results(outcomes: Sequence[Outcome]) -> list[Result]:
    """Name the reason of every check that failed. The errors of `fsxn_runtime.ontap` hold no secret."""
    return [result_of(outcome, _reason(outcome)) for outcome in outcomes]


def _reason(outcome: Outcome) -> str:
    known = plain_reason(outcome)
    if known is not None:
        return known
    return next((reason for kind, reason in _REASONS if isinstance(outcome.error, kind)), Reason.UNEXPECTED)


def _svm_uuid(ontap: OntapClient, name: str) -> str:
    for record in ontap.records(path("svm", "svms"), fields=("uuid",), query={"name": name}):
        return str(record["uuid"])
    raise FindingError(Reason.NOT_FOUND, f"there is no SVM {name!r}")
