"""Incidents: the times that alarms were in ALARM, out of their transitions. Pure. Times: microseconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fsxn_runtime.events import format_timestamp

ALARM: Final = "ALARM"
_RUNBOOK: Final = re.compile(r"\bdocs/runbooks/[a-z0-9-]+\.md\b")


@dataclass(frozen=True, slots=True)
class Transition:
    """One alarm went from one state to another."""

    alarm: str
    at_us: int
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One alarm as it is now, and since when it is in its state. `tells`: it has actions, switched on."""

    alarm: str
    state: str
    since_us: int
    reason: str
    description: str
    tells: bool


@dataclass(frozen=True, slots=True)
class Incident:
    """One time in ALARM. None: it began before the history that was read, or it has not ended."""

    alarm: str
    begin_us: int | None
    end_us: int | None
    ended_as: str
    reason: str


def incidents(
    transitions: Iterable[Transition], standing: Iterable[Standing], start_us: int, end_us: int
) -> list[Incident]:
    """Give the incidents that touch the time from start to end, the earliest first.

    `transitions` are all from the start on, to now: an incident may end after the time's end.
    """
    by_alarm: dict[str, list[Transition]] = {}
    for each in sorted(transitions, key=lambda each: each.at_us):  # of equal times the order is kept
        by_alarm.setdefault(each.alarm, []).append(each)
    found = [incident for alarm, steps in by_alarm.items() for incident in _of_alarm(alarm, steps)]
    # In ALARM all the time: no transition tells of it.
    found += [
        Incident(each.alarm, each.since_us, None, "", each.reason)
        for each in standing
        if each.state == ALARM and each.alarm not in by_alarm
    ]
    touching = [each for each in found if _touches(each, start_us, end_us)]
    return sorted(touching, key=lambda each: (each.begin_us or 0, each.alarm))


def _of_alarm(alarm: str, steps: Sequence[Transition]) -> Iterator[Incident]:
    begin: int | None = None
    reason, is_on = "", steps[0].before == ALARM
    for step in steps:
        if is_on and step.after != ALARM:
            yield Incident(alarm, begin, step.at_us, step.after, reason)
            is_on, begin = False, None
        elif not is_on and step.after == ALARM:
            is_on, begin, reason = True, step.at_us, step.reason
    if is_on:
        yield Incident(alarm, begin, None, "", reason)


def _touches(incident: Incident, start_us: int, end_us: int) -> bool:
    began = incident.begin_us is None or incident.begin_us < end_us
    return began and (incident.end_us is None or incident.end_us > start_us)


def alarmed_us(found: Iterable[Incident], start_us: int, end_us: int) -> int:
    """Give how long at least one of them lasted within the time, each moment counted once."""
    spans = sorted(
        (
            start_us if each.begin_us is None else max(each.begin_us, start_us),
            end_us if each.end_us is None else min(each.end_us, end_us),
        )
        for each in found
    )
    total, reached = 0, start_us
    for begin, end in spans:
        total += max(0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def to_dict(
    found: Sequence[Incident], standing: Mapping[str, Standing], start_us: int, end_us: int
) -> dict[str, Any]:
    """Give incidents and their sums as plain JSON values. Of a deleted alarm it is taken that it told."""
    telling = [each for each in found if each.alarm not in standing or standing[each.alarm].tells]
    return {
        "alarms": len(standing),
        "alarmed_seconds": alarmed_us(telling, start_us, end_us) / 1e6,
        "incidents": [_row(each, standing.get(each.alarm)) for each in found],
    }


def _row(incident: Incident, standing: Standing | None) -> dict[str, Any]:
    description = standing.description if standing else ""
    runbook = _RUNBOOK.search(description)
    return {
        "alarm": incident.alarm,
        "begin": None if incident.begin_us is None else format_timestamp(incident.begin_us),
        "end": None if incident.end_us is None else format_timestamp(incident.end_us),
        "seconds": None
        if incident.begin_us is None or incident.end_us is None
        else (incident.end_us - incident.begin_us) / 1e6,
        "ended_as": incident.ended_as,
        "reason": incident.reason,
        "description": _RUNBOOK.sub("", description).strip(),
        "runbook": runbook[0] if runbook else "",
        "tells": standing is None or standing.tells,
    }
