"""What to grow, how far, and whether now: pure functions over what FSx and CloudWatch show.

Rules of FSx for ONTAP (AWS API model and user guide): SSD capacity grows by at least 10 %, not while an
update or a storage optimisation runs, and not within six hours of the last request. Volumes have neither
rule. They are thin: growing a volume makes no space, so on a full SSD tier the file system grows instead.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.expansion.model import (
    MIB_PER_GIB,
    Kind,
    Operation,
    Outcome,
    Plan,
    Policy,
    Request,
    Resource,
    Update,
    Why,
)

SIX_HOURS_US: Final = 6 * 3600 * 1_000_000
# AWS API model: what an update goes through before its size is there, and while FSx takes no other.
_RUNNING: Final = frozenset({"PENDING", "IN_PROGRESS", "OPTIMIZING", "UPDATED_OPTIMIZING", "PAUSED"})
_ENDED_BADLY: Final = frozenset({"FAILED", "CANCELLED"})
_USABLE: Final = frozenset({"AVAILABLE", "CREATED"})
# A proposal shows figures of its day; after that they must be looked at again.
PROPOSAL_US: Final = 24 * 3600 * 1_000_000
# Longer than any invocation: what has left no trace at FSx by then never reached it.
SURELY_OVER_US: Final = 20 * 60 * 1_000_000


def request_from(event: Mapping[str, Any]) -> Request | None:
    """Read an alarm, a forecast event or a direct call; None for an event that asks for nothing.

    Raises RejectedError when the event names no file system.
    """
    match event:
        case {"source": "aws.cloudwatch", "detail": {"state": {"value": str(state)}}} if state != "ALARM":
            return None
        case {
            "source": "aws.cloudwatch",
            "id": str(event_id),
            "detail": {"configuration": {"metrics": metrics}},
        }:
            dimensions = _dimensions(metrics)
            return _request("alarm", event_id, dimensions.get("FileSystemId"), dimensions.get("VolumeId"))
        case {"source": "fsxn.forecast", "id": str(event_id), "detail": {"file_system_id": found} as detail}:
            volume_id = detail.get("key") if detail.get("kind") == "volume" else None
            return _request("forecast", event_id, found, volume_id, detail.get("growth_rate_gb_per_day"))
        case {"action": "grow", "request_id": str(request_id), "file_system_id": file_system_id}:
            return _request("request", request_id, file_system_id, event.get("volume_id"))
    raise RejectedError("the event is no alarm, forecast or call of this function", code="unknown_event")


def request_of_alarm(alarm: Mapping[str, Any], check_id: str) -> Request | None:
    """Read an alarm as DescribeAlarms gives it; None when it is about no file system."""
    metrics = [entry["MetricStat"]["Metric"] for entry in alarm.get("Metrics", ()) if "MetricStat" in entry]
    for metric in (alarm, *metrics):
        dimensions = {entry["Name"]: entry["Value"] for entry in metric.get("Dimensions", ())}
        if "FileSystemId" in dimensions:
            return _request("check", check_id, dimensions["FileSystemId"], dimensions.get("VolumeId"))
    return None


def _request(
    cause: str, request_id: str, file_system_id: object, volume_id: object, rate: object = 0
) -> Request:
    if not isinstance(file_system_id, str) or not file_system_id.startswith("fs-"):
        raise RejectedError(
            f"the file system is {file_system_id!r}; it must be fs-...", code="no_file_system"
        )
    volume = volume_id if isinstance(volume_id, str) else ""
    growth = float(rate) if isinstance(rate, int | float) and math.isfinite(rate) and rate > 0 else 0.0
    return Request(cause, request_id, file_system_id, volume, growth)


def _dimensions(metrics: Any) -> Mapping[str, str]:
    """Give the dimensions of an alarm's first metric that has any: a metric-math alarm has several."""
    for metric in metrics:
        dimensions = metric.get("metricStat", {}).get("metric", {}).get("dimensions")
        if dimensions:
            found: Mapping[str, str] = dimensions
            return found
    return {}


def plan(
    request: Request,
    file_system: Resource,
    ssd_used_pct: float | None,
    volume: Resource | None,
    volume_used_pct: float | None,
    policy: Policy,
    now_us: int,
) -> Plan:
    """Say what to do about a request."""
    if volume is None:
        return _plan_file_system(request, file_system, ssd_used_pct, policy, now_us)
    is_autosized = volume.is_autosized
    if is_autosized is None:
        is_autosized = volume.resource_id in policy.autosized
    if is_autosized:
        return Plan(Outcome.REPORTED, Why.AUTOSIZE, volume, volume_used_pct)
    found = _plan_volume(request, volume, volume_used_pct, policy, now_us)
    in_need = found.why is not Why.ENOUGH_SPACE
    if in_need and ssd_used_pct is not None and ssd_used_pct >= policy.ssd_limit_pct:
        # By the tier's own limit: between it and a higher threshold neither of the two would grow.
        limit = replace(policy, threshold_pct=min(policy.threshold_pct, policy.ssd_limit_pct))
        instead = _plan_file_system(request, file_system, ssd_used_pct, limit, now_us)
        return replace(instead, why=Why.SSD_FULL) if instead.outcome is Outcome.STARTED else instead
    return found


def _plan_file_system(
    request: Request, resource: Resource, used_pct: float | None, policy: Policy, now_us: int
) -> Plan:
    if used_pct is None:
        return Plan(Outcome.REPORTED, Why.NO_DATA, resource, None)
    refusal = _refusal(request, resource, used_pct, policy, now_us)
    if refusal is not None:
        return refusal
    size_gib = resource.size_mib // MIB_PER_GIB
    least = size_gib + least_step_gb(size_gib)
    wanted = _wanted_mib(request, resource, used_pct, policy) / MIB_PER_GIB
    to_gib = min(max(least, math.ceil(min(wanted, policy.max_file_system_gb))), policy.max_file_system_gb)
    if to_gib < least:
        return Plan(Outcome.REPORTED, Why.AT_MAXIMUM, resource, used_pct)
    return Plan(Outcome.STARTED, Why.NONE, resource, used_pct, to_gib * MIB_PER_GIB)


def least_step_gb(size_gb: int) -> int:
    """Give the GiB by which a file system of this size grows at least: 10 %, rounded up."""
    return -(-size_gb // 10)


def _plan_volume(
    request: Request, resource: Resource, used_pct: float | None, policy: Policy, now_us: int
) -> Plan:
    if used_pct is None:
        return Plan(Outcome.REPORTED, Why.NO_DATA, resource, None)
    refusal = _refusal(request, resource, used_pct, policy, now_us)
    if refusal is not None:
        return refusal
    wanted = _wanted_mib(request, resource, used_pct, policy)
    to_mib = math.ceil(min(wanted, policy.max_volume_gb * MIB_PER_GIB))
    if to_mib <= resource.size_mib:
        return Plan(Outcome.REPORTED, Why.AT_MAXIMUM, resource, used_pct)
    return Plan(Outcome.STARTED, Why.NONE, resource, used_pct, to_mib)


def _refusal(
    request: Request, resource: Resource, used_pct: float, policy: Policy, now_us: int
) -> Plan | None:
    """Say why a resource does not grow; None when it is to grow now."""
    foreseen = used_pct + 100 * _foreseen_mib(request, policy) / max(resource.size_mib, 1)
    if foreseen < policy.threshold_pct:
        return Plan(Outcome.NOTHING, Why.ENOUGH_SPACE, resource, used_pct)
    why = _hindrance(resource, now_us)
    if why is Why.NONE:
        return None
    outcome = Outcome.REPORTED if why is Why.NOT_AVAILABLE else Outcome.WAITING
    return Plan(outcome, why, resource, used_pct)


def _hindrance(resource: Resource, now_us: int) -> Why:
    """Say what keeps FSx from taking a growth of this resource now."""
    if resource.lifecycle == "UPDATING" or any(update.status in _RUNNING for update in resource.updates):
        return Why.UPDATE_RUNNING
    if resource.lifecycle not in _USABLE:
        return Why.NOT_AVAILABLE
    if resource.kind is Kind.FILE_SYSTEM:
        sized = [update.requested_us for update in resource.updates if update.target_mib]
        if any(now_us - requested_us < SIX_HOURS_US for requested_us in sized):
            return Why.SIX_HOURS
    return Why.NONE


def _wanted_mib(request: Request, resource: Resource, used_pct: float, policy: Policy) -> float:
    """Give the size at which what is used, and what is foreseen, is `target_pct`."""
    used = resource.size_mib * used_pct / 100 + _foreseen_mib(request, policy)
    return used * 100 / policy.target_pct


def _foreseen_mib(request: Request, policy: Policy) -> float:
    return request.growth_gb_per_day * policy.lead_days * MIB_PER_GIB


def operation_of(plan: Plan, request: Request, outcome: Outcome, now_us: int) -> Operation:
    """Make a plan's operation. Its ids follow from resource, sizes and request, so a repetition is one."""
    resource = plan.resource
    action_id = f"{resource.resource_id}:{resource.size_mib}-{plan.to_mib}:{_short(request.request_id)}"
    return Operation(
        operation_id=_short(action_id),
        outcome=outcome,
        kind=resource.kind,
        resource_id=resource.resource_id,
        file_system_id=resource.file_system_id,
        arn=resource.arn,
        from_mib=resource.size_mib,
        to_mib=plan.to_mib,
        cause=request.cause,
        request_id=request.request_id,
        action_id=action_id,
        created_us=now_us,
        reason=str(plan.why),
    )


def _short(text: str) -> str:
    # 12 hex characters: among a million operations two are alike by accident once in about 600 years' worth.
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def is_refused(operation: Operation, now_us: int) -> bool:
    """Say whether a person said no to a proposal of the last day: a check must not ask again and again."""
    return (
        operation.outcome is Outcome.REJECTED
        and bool(operation.actor)
        and now_us - operation.created_us < PROPOSAL_US
    )


def may_begin(operation: Operation, resource: Resource, now_us: int) -> Why:
    """Say what speaks against a proposal now; NONE when it may begin as it was shown."""
    if now_us - operation.created_us >= PROPOSAL_US or resource.size_mib != operation.from_mib:
        return Why.STALE
    return _hindrance(resource, now_us)


def progress(operation: Operation, resource: Resource, now_us: int) -> tuple[Outcome, str]:
    """Say how far a started operation is, by what FSx shows of its resource, and what FSx says of a failure.

    FAILED also when FSx has no trace of it long after: then the request never arrived.
    """
    mine = [u for u in resource.updates if _is_of(u, operation.to_mib, operation.created_us)]
    for update in mine:
        if update.status in _ENDED_BADLY:
            return Outcome.FAILED, update.message or f"the update is {update.status}"
    # UPDATED_OPTIMIZING: the new capacity is there, only its optimisation goes on (AWS API model).
    if any(update.status in ("PENDING", "IN_PROGRESS") for update in mine):
        return Outcome.STARTED, ""
    if resource.size_mib >= operation.to_mib:
        return Outcome.COMPLETED, ""
    if not mine and now_us - operation.created_us > SURELY_OVER_US:
        return Outcome.FAILED, "FSx shows no such update"
    return Outcome.STARTED, ""


# FSx stamps requests with its own clock; no AWS clock is minutes off.
_CLOCKS_US: Final = 60 * 1_000_000


def took_place(resource: Resource, from_mib: int, to_mib: int, reserved_us: int, now_us: int) -> bool | None:
    """Say whether a growth that was reserved reached FSx; None while that cannot be known yet."""
    if resource.size_mib >= to_mib or any(_is_of(update, to_mib, reserved_us) for update in resource.updates):
        return True
    return False if resource.size_mib <= from_mib and now_us - reserved_us > SURELY_OVER_US else None


def _is_of(update: Update, to_mib: int, since_us: int) -> bool:
    return update.target_mib == to_mib and update.requested_us >= since_us - _CLOCKS_US
