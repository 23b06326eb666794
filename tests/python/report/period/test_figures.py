"""What the parts of a period count: replays, lineage, growth; and that one failing part leaves the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from fsxn_runtime.errors import MisconfiguredError, TransientError
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.guardrails import AuditEntry, Mode, Outcome, Reason
from fsxn_runtime.guardrails.model import Action, Verdict
from fsxn_runtime.report.period.collecting import Period, collect, failed
from fsxn_runtime.report.period.growth import GRANTS, read_growth, summary
from fsxn_runtime.report.period.lineage_counts import count_lineage, hours_of
from fsxn_runtime.report.period.replays import replays
from hypothesis import given
from hypothesis import strategies as st

START = 1_800_000_000  # 2027-01-15 08:00:00 UTC


def test_neighbouring_minutes_are_one_replay_and_a_quiet_one_parts_two() -> None:
    seconds = [(START, 12.0), (START + 60, 71.0), (START + 120, 0.0), (START + 180, 5.0)]
    events = [(START, 400.0), (START + 60, 379.0), (START + 180, 3.0)]
    assert list(replays(seconds, events, 60)) == [
        {"begin": "2027-01-15T08:00:00Z", "seconds": 71.0, "events": 779.0},
        {"begin": "2027-01-15T08:03:00Z", "seconds": 5.0, "events": 3.0},
    ]


def test_a_replay_that_only_its_events_show_has_no_seconds() -> None:
    (found,) = replays([(START, 0.0)], [(START, 9.0)], 60)
    assert (found["seconds"], found["events"]) == (0.0, 9.0)


@given(st.lists(st.integers(0, 50), unique=True), st.integers(1, 1000))
def test_no_replayed_event_is_counted_twice_or_left_out(minutes: list[int], each: int) -> None:
    events = [(START + 60 * minute, float(each)) for minute in sorted(minutes)]
    assert sum(found["events"] for found in replays([], events, 60)) == each * len(minutes)


def test_every_hour_that_the_period_touches_is_counted_once() -> None:
    assert hours_of(Period(START + 1800, START + 3601)) == ["2027-01-15T08", "2027-01-15T09"]
    assert hours_of(Period(START, START + 3600)) == ["2027-01-15T08"]


def test_lineage_is_counted_by_hour_workload_and_status_with_the_time_of_a_success() -> None:
    rows = {
        "2027-01-15T08": [
            {"uc_id": "legal", "status": "success", "duration_ms": Decimal(10)},
            {"uc_id": "legal", "status": "success", "duration_ms": Decimal(30)},
            {"uc_id": "legal", "status": "failed", "duration_ms": Decimal(900)},
        ],
        "2027-01-15T09": [{"uc_id": "expansion", "status": "success", "duration_ms": 7}],
    }
    found = count_lineage(lambda hour: rows[hour], Period(START, START + 7200))
    assert found["hours"] == [
        {"hour": "2027-01-15T08", "statuses": {"success": 2, "failed": 1}},
        {"hour": "2027-01-15T09", "statuses": {"success": 1}},
    ]
    expansion, legal = found["workloads"]
    assert (expansion["uc_id"], expansion["statuses"]) == ("expansion", {"success": 1})
    assert (legal["uc_id"], legal["statuses"]) == ("legal", {"failed": 1, "success": 2})
    assert (legal["duration_ms"]["count"], legal["duration_ms"]["maximum"]) == (2, 30.0)
    assert json.loads(json.dumps(found)) == found


def test_an_hour_that_cannot_be_read_is_an_error_and_no_smaller_number() -> None:
    def of_hour(hour: str) -> list[dict[str, Any]]:
        if hour.endswith("09"):
            raise TransientError("dynamodb:Query answered busy")
        return []

    with pytest.raises(TransientError, match="busy"):
        count_lineage(of_hour, Period(START, START + 7200))


def entry(
    second: int, verdict: Verdict, outcome: Outcome, gb: str, action_type: str = "volume_grow"
) -> AuditEntry:
    at = (START + second) * 1_000_000
    action = Action(action_type, f"a-{second}", Decimal(gb), at, Mode.ENFORCE, "n", {"resource_id": "v"})
    return AuditEntry(action, verdict, Reason.NONE, outcome)


LEDGER = [
    entry(10, Verdict.ALLOWED, Outcome.EXECUTED, "453.2"),
    entry(20, Verdict.DENIED, Outcome.NOT_EXECUTED, "380"),
    entry(30, Verdict.BYPASSED, Outcome.EXECUTED, "380"),
    entry(25, Verdict.ALLOWED, Outcome.EXECUTED, "0", GRANTS),
]


def test_the_ledger_is_newest_first_and_grants_are_no_growth() -> None:
    found = summary(LEDGER)
    assert [each["action_id"] for each in found["entries"]] == ["a-30", "a-25", "a-20", "a-10"]
    assert found["verdicts"] == {"bypassed": 1, "denied": 1, "allowed": 1}
    assert (found["executed"], found["executed_gb"]) == (2, 833.2)


class Store:
    """The audit of every type, as the guardrail's store gives it."""

    def audit(self, action_type: str, *, since: str) -> Iterator[AuditEntry]:
        mine = (each for each in LEDGER if each.action.action_type == action_type)
        return (each for each in mine if format_timestamp(each.action.at_us) >= since)


def test_only_what_was_asked_for_within_the_period_is_read() -> None:
    found = read_growth(Store(), ("volume_grow",), Period(START + 20, START + 30))  # type: ignore[arg-type]
    assert [each["action_id"] for each in found["entries"]] == ["a-25", "a-20"]


def test_a_part_that_fails_leaves_the_others_and_says_why() -> None:
    def fail() -> None:
        raise MisconfiguredError("GetMetricData answered AccessDenied", code="aws_denied")

    found = collect(
        "p", Period(START, START + 60), START, {"objectives": fail, "replays": lambda: 1, "cost": "no prices"}
    )
    assert found["parts"] == {
        "objectives": {"state": "failed", "why": "GetMetricData answered AccessDenied"},
        "replays": {"state": "there", "found": 1},
        "cost": {"state": "left_out", "why": "no prices"},
    }
    assert failed(found) == {"objectives": "GetMetricData answered AccessDenied"}


def test_a_defect_is_no_missing_part() -> None:
    def defect() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        collect("p", Period(START, START + 60), START, {"objectives": defect})
