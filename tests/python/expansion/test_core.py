"""Plans for growth: sizes, FSx's rules, what to leave alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.expansion import core
from fsxn_runtime.expansion.model import (
    MIB_PER_GIB,
    Kind,
    Outcome,
    Policy,
    Request,
    Resource,
    Update,
    Why,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_769_860_800_000_000  # 2026-01-31T12:00:00Z
HOUR = 3600 * 1_000_000
POLICY = Policy(80, 70, 30, 80, 196_608, 102_400, frozenset())
FILE_SYSTEM = Resource(Kind.FILE_SYSTEM, "fs-1", "arn", "", "fs-1", "AVAILABLE", 1024 * MIB_PER_GIB)
VOLUME = Resource(Kind.VOLUME, "fsvol-1", "arn", "vol1", "fs-1", "CREATED", 100 * MIB_PER_GIB)
ASK = Request("alarm", "event-1", "fs-1")


def plan_file_system(resource=FILE_SYSTEM, pct=85.0, policy=POLICY, ask=ASK):
    return core.plan(ask, resource, pct, None, None, policy, NOW)


def plan_volume(volume=VOLUME, pct=85.0, ssd=10.0, policy=POLICY, ask=ASK):
    return core.plan(ask, FILE_SYSTEM, ssd, volume, pct, policy, NOW)


def with_update(status="COMPLETED", ago=0, target_gib=1200, action="FILE_SYSTEM_UPDATE"):
    update = Update(action, status, NOW - ago, target_gib * MIB_PER_GIB)
    return replace(FILE_SYSTEM, updates=(update,))


@given(
    size=st.integers(1024, 190_000),
    pct=st.floats(80, 100),
    rate=st.floats(0, 1000),
    maximum=st.integers(1024, 196_608),
)
def test_a_file_system_grows_by_ten_percent_or_not_at_all(size, pct, rate, maximum):
    resource = replace(FILE_SYSTEM, size_mib=size * MIB_PER_GIB)
    policy = replace(POLICY, max_file_system_gb=maximum)
    found = plan_file_system(resource, pct, policy, replace(ASK, growth_gb_per_day=rate))
    if found.outcome is Outcome.STARTED:
        to_gib = found.to_mib // MIB_PER_GIB
        assert to_gib * MIB_PER_GIB == found.to_mib
        assert to_gib * 10 >= size * 11
        assert to_gib <= maximum
        assert found.grow_gb == to_gib - size
    else:
        assert (found.outcome, found.why) == (Outcome.REPORTED, Why.AT_MAXIMUM)
        assert maximum * 10 < size * 11


@given(size=st.integers(20, 10**8), pct=st.floats(80, 100), rate=st.floats(0, 10_000))
def test_a_volume_never_shrinks_and_reaches_its_target(size, pct, rate):
    volume = replace(VOLUME, size_mib=size)
    found = plan_volume(volume, pct, ask=replace(ASK, growth_gb_per_day=rate))
    if found.outcome is Outcome.STARTED:
        assert size < found.to_mib <= POLICY.max_volume_gb * MIB_PER_GIB
        if found.to_mib < POLICY.max_volume_gb * MIB_PER_GIB:
            assert size * pct / found.to_mib <= POLICY.target_pct + 0.001
    else:
        assert found.why is Why.AT_MAXIMUM


@pytest.mark.parametrize(
    ("resource", "outcome", "why"),
    [
        (with_update("PENDING", 9 * HOUR), Outcome.WAITING, Why.UPDATE_RUNNING),
        (with_update("UPDATED_OPTIMIZING", 9 * HOUR), Outcome.WAITING, Why.UPDATE_RUNNING),
        (
            with_update("IN_PROGRESS", 9 * HOUR, 0, "STORAGE_OPTIMIZATION"),
            Outcome.WAITING,
            Why.UPDATE_RUNNING,
        ),
        (with_update("COMPLETED", 6 * HOUR - 1), Outcome.WAITING, Why.SIX_HOURS),
        (with_update("FAILED", HOUR), Outcome.WAITING, Why.SIX_HOURS),
        (with_update("COMPLETED", 6 * HOUR), Outcome.STARTED, Why.NONE),
        (with_update("COMPLETED", HOUR, 0), Outcome.STARTED, Why.NONE),
        (replace(FILE_SYSTEM, lifecycle="UPDATING"), Outcome.WAITING, Why.UPDATE_RUNNING),
        (replace(FILE_SYSTEM, lifecycle="MISCONFIGURED"), Outcome.REPORTED, Why.NOT_AVAILABLE),
    ],
)
def test_fsx_is_asked_only_when_it_can_take_a_growth(resource, outcome, why):
    found = plan_file_system(resource)
    assert (found.outcome, found.why) == (outcome, why)


def test_six_hours_do_not_bind_a_volume():
    done = Update("VOLUME_UPDATE", "COMPLETED", NOW - 1, 100 * MIB_PER_GIB)
    assert plan_volume(replace(VOLUME, updates=(done,))).outcome is Outcome.STARTED


def test_on_a_full_tier_only_a_growing_file_system_is_called_ssd_full():
    assert plan_volume(ssd=80.0).why is Why.SSD_FULL
    assert plan_volume(ssd=79.9).resource is VOLUME
    assert plan_volume(ssd=None).resource is VOLUME
    waiting = core.plan(ASK, with_update("PENDING"), 90.0, VOLUME, 90.0, POLICY, NOW)
    assert waiting.why is Why.UPDATE_RUNNING


def test_between_the_tiers_limit_and_a_higher_threshold_the_file_system_grows():
    """Neither would: the volume because of the tier, the tier because of its threshold."""
    found = plan_volume(ssd=85.0, pct=95.0, policy=replace(POLICY, threshold_pct=90))
    assert (found.outcome, found.why, found.resource) == (Outcome.STARTED, Why.SSD_FULL, FILE_SYSTEM)
    assert plan_volume(ssd=85.0, pct=50.0).outcome is Outcome.NOTHING


@pytest.mark.parametrize("rate", [1e9, 1e300, 1.7e308])
def test_an_absurd_rate_asks_for_the_largest_size(rate):
    ask = replace(ASK, growth_gb_per_day=rate)
    assert plan_file_system(ask=ask).to_mib == POLICY.max_file_system_gb * MIB_PER_GIB
    assert plan_volume(ask=ask).to_mib == POLICY.max_volume_gb * MIB_PER_GIB


def test_a_volume_without_data_is_reported():
    assert plan_volume(pct=None).why is Why.NO_DATA


def test_a_day_of_growth_that_is_no_number_is_none():
    for rate in (float("nan"), float("inf"), -1, "12", None):
        event = {
            "source": "fsxn.forecast",
            "id": "e",
            "detail": {"file_system_id": "fs-1", "growth_rate_gb_per_day": rate},
        }
        assert core.request_from(event) == Request("forecast", "e", "fs-1")


def test_the_forecast_of_a_volume_names_it_by_its_key():
    detail = {"file_system_id": "fs-1", "kind": "volume", "key": "fsvol-1", "growth_rate_gb_per_day": 2}
    event = {"source": "fsxn.forecast", "id": "e", "detail": detail}
    assert core.request_from(event) == Request("forecast", "e", "fs-1", "fsvol-1", 2.0)


def test_an_alarm_about_something_else_is_no_request():
    assert core.request_of_alarm({"Dimensions": [{"Name": "QueueName", "Value": "q"}]}, "c") is None
    with pytest.raises(RejectedError):
        core.request_from(
            {
                "source": "aws.cloudwatch",
                "id": "e",
                "detail": {"configuration": {"metrics": [{"expression": "1"}]}, "state": {"value": "ALARM"}},
            }
        )


@pytest.mark.parametrize(
    ("size_gib", "updates", "age", "expected"),
    [
        (1200, (), 0, True),
        (1024, (Update("FILE_SYSTEM_UPDATE", "IN_PROGRESS", NOW, 1200 * MIB_PER_GIB),), 0, True),
        (1024, (), core.SURELY_OVER_US, None),
        (1024, (), core.SURELY_OVER_US + 1, False),
        (1100, (), core.SURELY_OVER_US + 1, None),
        (1024, (Update("FILE_SYSTEM_UPDATE", "COMPLETED", 0, 1200 * MIB_PER_GIB),), 2 * HOUR, False),
    ],
)
def test_what_fsx_shows_tells_whether_a_growth_took_place(size_gib, updates, age, expected):
    resource = replace(FILE_SYSTEM, size_mib=size_gib * MIB_PER_GIB, updates=updates)
    found = core.took_place(resource, 1024 * MIB_PER_GIB, 1200 * MIB_PER_GIB, NOW - age, NOW)
    assert found is expected


def test_an_update_that_ended_badly_without_words_is_a_failure_all_the_same():
    plan = plan_file_system()
    operation = core.operation_of(plan, ASK, Outcome.STARTED, NOW)
    cancelled = Update("FILE_SYSTEM_UPDATE", "CANCELLED", NOW, operation.to_mib)
    found = core.progress(operation, replace(FILE_SYSTEM, updates=(cancelled,)), NOW)
    assert found == (Outcome.FAILED, "the update is CANCELLED")
    optimizing = Update("FILE_SYSTEM_UPDATE", "OPTIMIZING", NOW, operation.to_mib)
    assert core.progress(operation, replace(FILE_SYSTEM, updates=(optimizing,)), NOW)[0] is Outcome.STARTED
