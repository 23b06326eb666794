"""The traffic of a period as a profile that `cost` reads: nothing invented, nothing counted twice."""

from __future__ import annotations

import pytest
from fsxn_runtime.cost import Configuration, estimate, price_list, read_profile
from fsxn_runtime.report.period.collecting import Period
from fsxn_runtime.report.period.spending import profile
from hypothesis import given
from hypothesis import strategies as st

START = 1_800_000_000
HOUR = Period(START, START + 3600)


def counts(
    started: float, repeated: float = 0, superseded: float = 0, retried: float = 0, resettled: float = 0
) -> dict[str, float]:
    return {
        "WorkloadStarted_count": started,
        "WorkloadDuplicates_count": repeated,
        "WorkloadSuperseded_count": superseded,
        "WorkloadRetried_count": retried,
        "WorkloadResettled_count": resettled,
    }


def test_counts_become_shares_of_versions_and_of_events() -> None:
    events = [(START, 900.0), (START + 60, 100.0)]
    found = profile(events, {"legal": counts(400, 300, 100, 20, 50), "idle": counts(0)}, HOUR, 60)
    assert found == {
        "hours": 1.0,
        "events": 1000.0,
        "busy_events_per_second": 15.0,
        "workloads": {
            "legal": {
                "event_share": 0.8,
                "events_per_version": 1.6,
                "final_share": 0.8,
                "retries_per_version": 0.04,
                "resettles_per_version": 0.1,
            }
        },
    }


def test_a_period_without_work_has_no_profile() -> None:
    assert profile([(START, 5.0)], {"idle": counts(0)}, HOUR, 60) is None
    assert profile([], {}, HOUR, 60) is None


number = st.integers(0, 10_000).map(float)


@given(st.lists(number, max_size=5), st.builds(counts, number, number, number, number, number))
def test_any_counts_are_a_profile_that_can_be_estimated(
    events: list[float], counted: dict[str, float]
) -> None:
    """Also where a workload counts events of the period before, so that it has more than came."""
    series = [(START + 60 * place, value) for place, value in enumerate(events)]
    found = profile(series, {"legal": counted}, HOUR, 60)
    if found is not None:
        assert estimate(read_profile(found), Configuration(), price_list("us-east-1")).usd >= 0


def test_the_estimate_starts_as_many_executions_as_were_counted() -> None:
    found = profile([(START, 1000.0)], {"legal": counts(400, 300, 100)}, HOUR, 60)
    assert found is not None
    lines = estimate(read_profile(found), Configuration(), price_list("us-east-1")).lines
    (transitions,) = (line for line in lines if "transition" in line.quantity.unit)
    assert float(transitions.quantity.amount) == pytest.approx(3 * 400)
