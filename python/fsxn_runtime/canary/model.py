"""What a check is, what came of it, and the bounded sets of names that become metric dimensions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CheckName(StrEnum):
    """The checks. A member's value is the dimension Check."""

    CERTIFICATE_EXPIRY = "CertificateExpiry"
    FPOLICY_CONNECTIONS = "FPolicyConnections"
    ONTAP_HEALTH = "ONTAPHealth"
    S3AP_GET = "S3APGet"
    S3AP_LIST = "S3APList"
    S3AP_PROBE = "S3APProbe"
    STORE_SPACE = "StoreSpace"


class Reason(StrEnum):
    """Why a check failed, beside what `AccessPointReason` says. A member's value is the dimension Reason."""

    CERTIFICATE_EXPIRING = "certificate_expiring"
    CERTIFICATE_MISMATCH = "certificate_mismatch"  # what ONTAP presents is not what the secret trusts
    CERTIFICATE_UNKNOWN = "certificate_unknown"  # ONTAP lists no certificate that the secret trusts
    DIRECTORY_OUTAGE = "directory_outage"  # the SVM cannot ask its Active Directory
    FORBIDDEN = "forbidden"  # ONTAP's role does not allow the call
    FPOLICY_DISCONNECTED = "fpolicy_disconnected"
    FPOLICY_NOT_ENABLED = "fpolicy_not_enabled"
    MARKER_MISSING = "marker_missing"
    MISCONFIGURED = "misconfigured"
    NOT_FOUND = "not_found"  # ONTAP has no such SVM or store
    ONTAP_BUSY = "ontap_busy"
    PROBE_MISMATCH = "probe_mismatch"  # what was read is not what was written
    SERVICE_DISRUPTION = "service_disruption"  # refusals while the file system's throughput changes
    STORE_FILLING = "store_filling"
    TIMEOUT = "timeout"
    UNAUTHORIZED = "unauthorized"
    UNEXPECTED = "unexpected"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at. `run` returns what it saw, in a few words, and raises when that is not well.

    `target` is what was looked at, from a bounded set: it is a metric dimension.
    """

    name: CheckName
    target: str
    run: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run of a check ended: with its words, with an error, or not in time."""

    check: Check
    latency_ms: float
    said: str = ""
    error: BaseException | None = None
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether the check ended in time and raised nothing."""
        return self.error is None and not self.timed_out


@dataclass(frozen=True, slots=True)
class Result:
    """What a person and a metric are told of one check. `reason` is empty exactly when it is ok."""

    check: CheckName
    target: str
    latency_ms: float
    reason: str
    detail: str

    @property
    def ok(self) -> bool:
        """Whether all was well."""
        return not self.reason

    def to_dict(self) -> dict[str, object]:
        """Give it as the answer of a function shows it."""
        return {
            "check": str(self.check),
            "target": self.target,
            "ok": self.ok,
            "latency_ms": self.latency_ms,
            "reason": self.reason,
            "detail": self.detail,
        }


class FindingError(Exception):
    """A check found something that is not well, and knows its reason."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class S3RefusedError(Exception):
    """A call to S3 failed. Without an answer `http_status` is 0, `code` the name of botocore's exception."""

    def __init__(self, operation: str, http_status: int, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code} (HTTP {http_status}): {message}")
        self.operation = operation
        self.http_status = http_status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Policy:
    """An FPolicy policy that must be connected. Its text is the dimension Target of its checks."""

    svm: str
    name: str

    def __str__(self) -> str:
        return f"{self.svm}/{self.name}"


@dataclass(frozen=True, slots=True)
class Connection:
    """One record of ONTAP's connection list: one for each node, policy and server."""

    node: str
    server: str
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server certificate as ONTAP lists it. `sha256` is of its DER form, in hex."""

    common_name: str
    sha256: str
    expires_at: datetime
