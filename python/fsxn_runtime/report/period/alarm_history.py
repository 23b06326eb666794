"""Read from CloudWatch what alarms there are, and how they went."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.cloudwatch import moment
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.report.period.collecting import Period
from fsxn_runtime.report.period.incidents import Standing, Transition, incidents, to_dict

# Asked one by one: a request is about "either all metric alarms or all composite alarms" (API reference).
_KINDS: Final = ("MetricAlarm", "CompositeAlarm")


def read_incidents(cloudwatch: Any, prefix: str, period: Period) -> dict[str, Any]:
    """Give the incidents of the alarms whose names begin with `prefix`.

    Raises MisconfiguredError when there is no such alarm, and the errors of `edge.aws_errors`. CloudWatch
    keeps the history of alarms for a few weeks, that of deleted ones too.
    """
    standing = {each.alarm: each for each in _standing(cloudwatch, prefix)}
    if not standing:
        raise MisconfiguredError(f"there is no alarm whose name begins with {prefix!r}", code="no_alarms")
    transitions = [each for each in _transitions(cloudwatch, period.start) if each.alarm.startswith(prefix)]
    start_us, end_us = period.start * 1_000_000, period.end * 1_000_000
    found = incidents(transitions, standing.values(), start_us, end_us)
    return to_dict(found, standing, start_us, end_us)


def _standing(cloudwatch: Any, prefix: str) -> Iterator[Standing]:
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=prefix, AlarmTypes=list(_KINDS)
    )
    with aws_call("cloudwatch:DescribeAlarms"):
        for page in pages:
            for alarm in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())):
                since = alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
                yield Standing(
                    alarm=alarm["AlarmName"],
                    state=alarm["StateValue"],
                    since_us=_us(since),
                    reason=alarm.get("StateReason", ""),
                    description=alarm.get("AlarmDescription", ""),
                    tells=alarm.get("ActionsEnabled", True) and bool(alarm.get("AlarmActions")),
                )


def _transitions(cloudwatch: Any, start: int) -> Iterator[Transition]:
    for kind in _KINDS:
        pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
            AlarmTypes=[kind],
            HistoryItemType="StateUpdate",
            StartDate=moment(start),
            ScanBy="TimestampAscending",
        )
        with aws_call("cloudwatch:DescribeAlarmHistory"):
            for page in pages:
                yield from (_transition(item) for item in page["AlarmHistoryItems"])


def _transition(item: Mapping[str, Any]) -> Transition:
    try:
        data = json.loads(item["HistoryData"])
        return Transition(
            alarm=item["AlarmName"],
            at_us=_us(item["Timestamp"]),
            before=data["oldState"]["stateValue"],
            after=data["newState"]["stateValue"],
            reason=data["newState"].get("stateReason", ""),
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise MisconfiguredError(
            f"the history of alarm {item.get('AlarmName')} has an entry of unknown form: {exc!r}",
            code="unknown_history",
        ) from exc


def _us(time: datetime) -> int:
    return round(time.timestamp() * 1_000_000)
