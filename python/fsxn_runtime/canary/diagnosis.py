"""Tells the reasons apart that one refusal alone cannot: what the other calls and AWS's own view add.

Pure, like `edge.access_point_errors`, which reads one refusal. Source: docs/reference/s3-access-points.md
(layers of authorisation, network origin, HeadBucket).

    every call plainly denied, HeadBucket        directory_outage: without a domain controller HeadBucket
    fine, SVM joined to a directory              succeeds and List, Get and Put are denied (measured in the
                                                 field); permission taken from everything looks the same
    plainly denied otherwise                     layer2_denied: permission in the file system
    denied or 503 while throughput               service_disruption: such a change brings bursts of both
    capacity changes                             (measured in the field)
    text of an explicit deny, VPC origin,        network_origin: called from another network
    no Deny in the access point's policy
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fsxn_runtime.canary.core import plain_reason, result_of
from fsxn_runtime.canary.model import CheckName, Outcome, Reason, Result, S3RefusedError
from fsxn_runtime.edge.access_point_errors import AccessPointReason, reason_of

# What S3 says in the bursts of a throughput change; a denial that names a policy is none of them.
_DISRUPTED: Final = frozenset(
    {
        AccessPointReason.DENIED_UNKNOWN,
        AccessPointReason.LAYER2_DENIED,
        AccessPointReason.SERVICE_UNAVAILABLE,
    }
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was asked after a failure. None: it could not be found out, and nothing is concluded from it."""

    head_bucket_allowed: bool | None = None
    is_vpc_origin: bool | None = None
    policy_denies: bool | None = None
    throughput_changing: bool | None = None


def results_of(outcomes: Sequence[Outcome], evidence: Evidence, *, joined_to_directory: bool) -> list[Result]:
    """Name a reason for every failed check of one access point, from all outcomes and the evidence."""
    reasons = [_own_reason(outcome, evidence) for outcome in outcomes]
    all_denied = all(reason == AccessPointReason.LAYER2_DENIED for reason in reasons)
    is_outage = joined_to_directory and all_denied and evidence.head_bucket_allowed is True

    def final(reason: str) -> str:
        if evidence.throughput_changing and reason in _DISRUPTED:
            return Reason.SERVICE_DISRUPTION
        return Reason.DIRECTORY_OUTAGE if is_outage else reason

    return [result_of(outcome, final(reason)) for outcome, reason in zip(outcomes, reasons, strict=True)]


def is_disrupted(results: Sequence[Result]) -> bool:
    """Whether the access point suffers from a change of throughput capacity, so that work should wait."""
    return any(result.reason == Reason.SERVICE_DISRUPTION for result in results)


def state_of(results: Sequence[Result]) -> str:
    """Give the access point's state for those who use it: available, disrupted or failing."""
    if is_disrupted(results):
        return "disrupted"
    return "available" if all(result.ok for result in results) else "failing"


def _own_reason(outcome: Outcome, evidence: Evidence) -> str:
    """What one outcome says alone; "" when it is ok."""
    known, error = plain_reason(outcome), outcome.error
    if known is not None:
        return known
    if not isinstance(error, S3RefusedError):
        return Reason.UNEXPECTED
    reason = reason_of(
        error.operation,
        error.http_status,
        error.code,
        error.message,
        is_vpc_origin=evidence.is_vpc_origin is True,
        policy_denies=evidence.policy_denies,
    )
    if reason is AccessPointReason.NO_SUCH_KEY and outcome.check.name is CheckName.S3AP_GET:
        return Reason.MARKER_MISSING
    return reason
