"""What is well and what is not: decisions of the ONTAP checks, sum of the budgets, words of a failure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from fsxn_runtime.canary.model import Certificate, Connection, FindingError, Outcome, Policy, Reason, Result
from fsxn_runtime.errors import MisconfiguredError

# What a run needs beside its checks: start, settings, metrics, log, one small write.
RESERVE_SECONDS: Final = 15
# What is asked after a failure: HeadBucket, the access point, the file system.
EVIDENCE_STEPS: Final = 3
_CHECKS_PER_POLICY: Final = 2  # its connections, the space of its store
_CHECKS_OF_THE_SYSTEM: Final = 2  # health, certificate


def ontap_check_count(policies: Collection[Policy]) -> int:
    """Say how many checks the canary makes."""
    return _CHECKS_OF_THE_SYSTEM + _CHECKS_PER_POLICY * len(policies)


def check_budget(steps: int, check_seconds: int, timeout_seconds: int) -> None:
    """Refuse settings with which the last of `steps` may never begin. Terraform has the same rule."""
    needed = steps * check_seconds + RESERVE_SECONDS
    if needed > timeout_seconds:
        raise MisconfiguredError(
            f"{steps} steps of {check_seconds} s and {RESERVE_SECONDS} s in reserve need {needed} s; "
            f"the time limit is {timeout_seconds} s: raise it or lower the seconds of a check",
            code="budget_too_large",
        )


def judge_connections(connections: Sequence[Connection], node_count: int) -> str:
    """Say that every node is connected to at least one server. Raises FindingError.

    ONTAP dials from every node, the passive one too, and lists a record for each node and server; a disabled
    policy has none (ONTAP REST reference 13.5). One server of several may be away: that is a deployment.
    """
    if not connections:
        raise FindingError(
            Reason.FPOLICY_NOT_ENABLED, "ONTAP lists no connection: the policy is disabled or not there"
        )
    connected = {each.node for each in connections if each.state == "connected"}
    up = sum(each.state == "connected" for each in connections)
    if len(connected) < node_count:
        why = sorted(
            {
                f"{each.node} to {each.server}: {each.why or each.state}"
                for each in connections
                if each.node not in connected
            }
        )
        raise FindingError(
            Reason.FPOLICY_DISCONNECTED,
            f"{len(connected)} of {node_count} nodes are connected; "
            f"{'; '.join(why) or 'the others list nothing'}",
        )
    return f"{up} of {len(connections)} connections, every one of {node_count} nodes"


def judge_certificate(certificates: Sequence[Certificate], presented: str, now: datetime, days: int) -> str:
    """Say how long the presented certificate is still good. Raises FindingError below `days`.

    ONTAP lists every server certificate it has; the one that counts is the one it presents (`presented`: the
    SHA-256 of its DER form, in hex).
    """
    found = next((each for each in certificates if each.sha256 == presented), None)
    if found is None:
        raise FindingError(
            Reason.CERTIFICATE_UNKNOWN,
            f"ONTAP presents {presented}, none of the {len(certificates)} server certificates that it lists",
        )
    left = found.expires_at - now
    said = f"certificate {found.common_name!r} ends {found.expires_at:%Y-%m-%d}, in {left.days} days"
    if left < timedelta(days=days):
        raise FindingError(Reason.CERTIFICATE_EXPIRING, f"{said}; {days} are asked for")
    return said


def judge_store(percent_used: int, limit: int) -> str:
    """Say how full a persistent store's volume is. Raises FindingError at the limit."""
    said = f"{percent_used} % of the persistent store's volume are used"
    if percent_used >= limit:
        raise FindingError(Reason.STORE_FILLING, f"{said}; below {limit} is asked for")
    return said


def plain_reason(outcome: Outcome) -> str | None:
    """Give the reason that an outcome has by itself: "" when it is ok; None when its error must be read."""
    if outcome.ok:
        return ""
    if outcome.timed_out:
        return Reason.TIMEOUT
    return outcome.error.reason if isinstance(outcome.error, FindingError) else None


def result_of(outcome: Outcome, reason: str) -> Result:
    """Give what is told of an outcome. Errors reach here with messages that hold no secret."""
    return Result(
        check=outcome.check.name,
        target=outcome.check.target,
        latency_ms=outcome.latency_ms,
        reason=str(reason),
        detail=outcome.said or ("no answer in time" if outcome.timed_out else str(outcome.error)),
    )


def failure_text(results: Sequence[Result]) -> str:
    """Say in one line what failed, "" when nothing did."""
    failed = [result for result in results if not result.ok]
    if not failed:
        return ""
    said = "; ".join(f"{each.check} {each.target}: {each.reason}: {each.detail}" for each in failed)
    return f"{len(failed)} of {len(results)} checks failed: {said}"
