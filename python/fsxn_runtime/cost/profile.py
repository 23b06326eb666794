"""Read a traffic profile: what people write (JSON or TOML) into what the estimate counts with. Pure.

Keys are the fields of `Profile` and `WorkloadTraffic`. In place of `events` the profile may have
`events_per_second`, the average over the period.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

from fsxn_runtime.cost.model import Profile, WorkloadTraffic
from fsxn_runtime.errors import RejectedError

_HOUR_SECONDS: Final = 3600
_SHARES: Final = frozenset({"delete_share", "event_share", "final_share"})
_POSITIVE: Final = frozenset({"hours", "busy_events_per_second", "event_bytes", "process_memory_mb"})


def read_profile(data: Mapping[str, Any]) -> Profile:
    """Read a profile. Raises RejectedError naming the key, what it is and what it may be."""
    names = {each.name for each in fields(Profile)} - {"workloads"}
    given = dict(data)
    workloads = given.pop("workloads", None)
    if not isinstance(workloads, Mapping) or not workloads:
        raise _wrong("workloads", workloads, "an object with at least one workload")
    if "events_per_second" in given:
        if "events" in given:
            raise _wrong("events", given["events"], "left out when there is events_per_second")
        hours = _number("hours", given.get("hours"))
        given["events"] = _number("events_per_second", given.pop("events_per_second")) * _HOUR_SECONDS * hours
    for name in ("hours", "events", "busy_events_per_second"):
        if name not in given:
            raise _wrong(name, None, "a number")
    return Profile(
        **_numbers("", given, names),
        workloads=MappingProxyType(
            {str(name): _workload(str(name), each) for name, each in workloads.items()}
        ),
    )


def _workload(name: str, data: object) -> WorkloadTraffic:
    if not isinstance(data, Mapping):
        raise _wrong(f"workloads.{name}", data, "an object")
    traffic = WorkloadTraffic(
        **_numbers(f"workloads.{name}.", data, {each.name for each in fields(WorkloadTraffic)})
    )
    if traffic.events_per_version < 1:
        raise _wrong(f"workloads.{name}.events_per_version", traffic.events_per_version, "1 or more")
    return traffic


def _numbers(place: str, given: Mapping[str, Any], names: set[str]) -> dict[str, Decimal]:
    unknown = sorted(set(given) - names)
    if unknown:
        raise RejectedError(
            f"{place}{unknown[0]} is not known; allowed: {', '.join(sorted(names))}", code="wrong_profile"
        )
    return {name: _number(f"{place}{name}", value) for name, value in given.items()}


def _number(place: str, value: object) -> Decimal:
    name = place.rpartition(".")[2]
    allowed = "0 to 1" if name in _SHARES else "a number above 0" if name in _POSITIVE else "0 or more"
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise _wrong(place, value, allowed)
    try:
        number = Decimal(str(value))
    except InvalidOperation as exc:
        raise _wrong(place, value, allowed) from exc
    if not number.is_finite() or number < 0:
        raise _wrong(place, value, allowed)
    if (name in _SHARES and number > 1) or (name in _POSITIVE and number == 0):
        raise _wrong(place, value, allowed)
    return number


def _wrong(place: str, value: object, allowed: str) -> RejectedError:
    seen = (
        "missing" if value is None else repr(str(value)) if isinstance(value, str | Decimal) else repr(value)
    )
    return RejectedError(f"{place} is {seen}; it must be {allowed}", code="wrong_profile")
