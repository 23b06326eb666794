"""The expander from event to end: levels, FSx's rules, the guardrail, results, crashes."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.errors import FsxnError, RejectedError
from fsxn_runtime.expansion.handler import answer_event
from fsxn_runtime.expansion.model import MIB_PER_GIB, Outcome
from fsxn_runtime.guardrails import Outcome as ActionOutcome

from tests.support.expansion_world import ALARM
from tests.support.fsx_fake import refusal
from tests.support.guardrail_world import HOUR, SECOND, Crash

MINUTE = 60 * SECOND
_ids = itertools.count(1)


def grow(volume: str = "", request_id: str = "") -> dict[str, object]:
    wanted = request_id or f"request-{next(_ids)}"
    return {"action": "grow", "request_id": wanted, "file_system_id": "fs-1", "volume_id": volume}


def alarm(*, event_id: str = "", state: str = "ALARM", **dimensions: str) -> dict[str, object]:
    metric = {"metric": {"dimensions": {"FileSystemId": "fs-1"} | dimensions}}
    return {
        "source": "aws.cloudwatch",
        "id": event_id or f"event-{next(_ids)}",
        "detail": {
            "state": {"value": state},
            "configuration": {"metrics": [{"expression": "100*m1/m2"}, {"metricStat": metric}]},
        },
    }


def only(answers):
    (answer,) = answers
    return answer.outcome, answer.why


CHECK = {"action": "check"}


def test_an_alarm_on_the_ssd_tier_grows_the_file_system_to_the_target(world):
    world.cloudwatch.ssd_pct = 85.0
    expander = world.expander()
    assert only(world.send(expander, alarm())) == ("started", "")
    assert world.fsx.capacity_gib == 1244  # 1024 * 85 / 70, rounded up
    world.guardrails.now += MINUTE
    assert only(world.send(expander, CHECK)) == ("completed", "")
    (record,) = world.lineage.records
    assert (record.source_file_key, record.status, record.action) == ("fs-1", "success", "grow_file_system")
    assert (record.reason, record.guardrail_mode) == ("1024 to 1244 GiB", "ENFORCE")
    assert world.alerts == ["Expansion of fs-1 started", "Expansion of fs-1 completed"]
    assert world.guardrails.operations().status("file_system_grow").total_gb == 220


def test_a_small_need_grows_a_file_system_by_ten_percent_at_least(world):
    world.cloudwatch.ssd_pct = 80.0
    world.send(world.expander(EXPANSION_TARGET_PCT=79), alarm())
    assert world.fsx.capacity_gib == 1127  # 1126.4, rounded up


def test_a_volume_grows_to_the_target(world):
    world.cloudwatch.used_mib = 90 * 1024
    assert only(world.send(world.expander(), alarm(VolumeId="fsvol-1"))) == ("started", "")
    assert world.fsx.size_mib == 131_658  # 92160 / 0.7, rounded up
    assert world.fsx.capacity_gib == 1024


def test_on_a_full_ssd_tier_the_file_system_grows_because_a_volume_makes_no_space(world):
    world.cloudwatch.used_mib, world.cloudwatch.ssd_pct = 90 * 1024, 81.0
    assert only(world.send(world.expander(), alarm(VolumeId="fsvol-1"))) == ("started", "ssd_tier_full")
    assert (world.fsx.size_mib, world.fsx.capacity_gib > 1024) == (100 * 1024, True)


def test_a_volume_that_ontap_grows_itself_is_left_alone(world):
    world.cloudwatch.used_mib = 90 * 1024
    expander = world.expander(EXPANSION_AUTOSIZED_VOLUMES="fsvol-1")
    assert only(world.send(expander, grow("fsvol-1"))) == ("reported", "autosize_on")


def test_a_forecast_grows_what_is_not_full_yet(world):
    event = {
        "source": "fsxn.forecast",
        "id": "forecast-1",
        "detail": {"file_system_id": "fs-1", "kind": "ssd", "key": "ssd", "growth_rate_gb_per_day": 12.0},
    }
    world.cloudwatch.ssd_pct = 60.0
    assert only(world.send(world.expander(), event)) == ("started", "")
    assert world.fsx.capacity_gib == 1392  # (614.4 + 30 * 12) / 0.7


@pytest.mark.parametrize("pct", [0.0, 79.9])
def test_enough_space_is_left_alone(world, pct):
    world.cloudwatch.ssd_pct = pct
    assert only(world.send(world.expander(), grow())) == ("nothing", "enough_space")


def test_without_data_a_person_is_told_once_a_day(world):
    world.cloudwatch.ssd_pct = None
    expander = world.expander()
    for _ in range(3):
        assert only(world.send(expander, grow())) == ("reported", "no_utilisation_data")
    world.guardrails.now += 24 * HOUR
    world.send(expander, grow())
    assert world.alerts == ["Expansion of fs-1: reported"] * 2


def test_a_second_growth_waits_six_hours_and_a_check_makes_it_then(world):
    world.cloudwatch.ssd_pct = 85.0
    expander = world.expander(daily_cap_gb=5000)
    world.send(expander, alarm())
    world.send(expander, CHECK)
    metric = {"Dimensions": [{"Name": "FileSystemId", "Value": "fs-1"}]}
    world.cloudwatch.alarms = [{"AlarmName": ALARM} | metric]
    world.guardrails.now += 6 * HOUR - SECOND
    assert only(world.send(expander, CHECK)) == ("waiting", "within_six_hours")
    world.guardrails.now += SECOND
    assert only(world.send(expander, CHECK)) == ("started", "")


def test_nothing_is_asked_while_an_update_runs(world):
    world.cloudwatch.ssd_pct = 85.0
    world.fsx.slow = True
    expander = world.expander()
    world.send(expander, alarm())
    assert world.send(expander, CHECK) == []
    assert only(world.send(expander, alarm())) == ("waiting", "update_running")
    world.fsx.finish("UPDATED_OPTIMIZING")
    assert only(world.send(expander, CHECK)) == ("completed", "")
    assert only(world.send(expander, alarm())) == ("waiting", "update_running")


def test_a_repeated_event_grows_once(world):
    world.cloudwatch.used_mib = 90 * 1024
    world.fsx.slow = True
    expander = world.expander()
    event = alarm(VolumeId="fsvol-1")
    assert only(world.send(expander, event)) == ("started", "")
    assert only(world.send(expander, event))[0] in ("waiting", "denied")
    assert len(world.fsx.volume_actions) == 1


def test_the_cap_denies_a_grant_lets_pass_and_ends(world):
    world.cloudwatch.ssd_pct = 85.0
    expander = world.expander(daily_cap_gb=100)
    assert only(world.send(expander, alarm())) == ("denied", "daily_cap_exceeded")
    assert only(world.send(expander, alarm())) == ("denied", "daily_cap_exceeded")
    assert world.alerts == ["Expansion of fs-1: denied"]
    assert world.fsx.capacity_gib == 1024
    world.guardrails.operations().break_glass(actor="ann", reason="INC-7", seconds=3600)
    assert only(world.send(expander, alarm())) == ("started", "")
    world.guardrails.now += 2 * HOUR
    world.send(expander, CHECK)
    assert world.alerts.count("Guardrail break-glass ended") == 1


def test_a_file_system_at_its_largest_is_reported(world):
    world.cloudwatch.ssd_pct = 85.0
    expander = world.expander(EXPANSION_MAX_FILE_SYSTEM_GB=1126)
    assert only(world.send(expander, grow())) == ("reported", "at_maximum")


def test_rejecting_what_is_no_proposal_changes_nothing(world):
    reject = {"action": "reject", "operation_id": "0", "actor": "ann"}
    assert only(world.send(world.expander(), reject)) == ("ignored", "operation_unknown")


def test_an_approval_waits_while_fsx_takes_no_update(world):
    world.cloudwatch.ssd_pct = 85.0
    expander = world.expander("propose")
    (answer,) = world.send(expander, alarm())
    world.fsx.lifecycle = "UPDATING"
    approve = {"action": "approve", "operation_id": answer.operation_id, "actor": "ann"}
    assert only(world.send(expander, approve)) == ("waiting", "update_running")
    world.fsx.lifecycle = "AVAILABLE"
    assert only(world.send(expander, approve))[0] is Outcome.STARTED


def test_report_changes_nothing(world):
    world.cloudwatch.ssd_pct = 85.0
    assert only(world.send(world.expander("report"), alarm())) == ("reported", "level_is_report")
    assert (world.fsx.capacity_gib, world.store.open()) == (1024, [])
    assert world.alerts == ["Expansion of fs-1: reported"]


def test_a_proposal_waits_for_its_approval(world):
    world.cloudwatch.ssd_pct = 85.0
    expander = world.expander("propose")
    (answer,) = world.send(expander, alarm())
    assert answer.outcome is Outcome.PROPOSED
    assert world.fsx.capacity_gib == 1024
    assert only(world.send(expander, alarm())) == ("waiting", "operation_open")
    approve = {"action": "approve", "operation_id": answer.operation_id, "actor": "ann"}
    assert only(world.send(expander, approve))[0] is Outcome.STARTED
    assert world.fsx.capacity_gib == 1244
    assert only(world.send(expander, approve)) == ("ignored", "operation_unknown")
    world.send(expander, CHECK)
    operation = world.store.get(answer.operation_id)
    assert (operation.outcome, operation.actor) == (Outcome.COMPLETED, "ann")


def test_a_rejected_proposal_is_closed(world):
    world.cloudwatch.ssd_pct = 85.0
    expander = world.expander("propose")
    (answer,) = world.send(expander, alarm())
    reject = {"action": "reject", "operation_id": answer.operation_id, "actor": "ann"}
    assert only(world.send(expander, reject))[0] is Outcome.REJECTED
    assert only(world.send(expander, reject | {"action": "approve"})) == ("ignored", "operation_unknown")
    assert world.fsx.capacity_gib == 1024


def test_a_check_does_not_propose_again_on_the_day_what_a_person_rejected(world):
    world.cloudwatch.ssd_pct = 85.0
    world.cloudwatch.alarms = [
        {"AlarmName": ALARM, "Dimensions": [{"Name": "FileSystemId", "Value": "fs-1"}]}
    ]
    expander = world.expander("propose")
    (answer,) = world.send(expander, alarm())
    world.send(expander, {"action": "reject", "operation_id": answer.operation_id, "actor": "ann"})
    assert only(world.send(expander, CHECK)) == ("waiting", "rejected_by_a_person")
    assert only(world.send(expander, grow()))[0] is Outcome.PROPOSED
    world.guardrails.now += 24 * HOUR
    assert [answer.outcome for answer in world.send(expander, CHECK)] == ["rejected", "proposed"]


@pytest.mark.parametrize("change", ["day", "size"])
def test_a_stale_proposal_is_not_carried_out(world, change):
    world.cloudwatch.ssd_pct = 85.0
    expander = world.expander("propose")
    (answer,) = world.send(expander, alarm())
    if change == "day":
        world.guardrails.now += 24 * HOUR
    else:
        world.fsx.capacity_gib = 2000
    approve = {"action": "approve", "operation_id": answer.operation_id, "actor": "ann"}
    assert only(world.send(expander, approve)) == ("rejected", "proposal_is_stale")
    assert world.store.open() == []


def test_a_check_closes_a_proposal_that_nobody_answered(world):
    world.cloudwatch.ssd_pct = 85.0
    expander = world.expander("propose")
    world.send(expander, alarm())
    assert world.send(expander, CHECK) == []
    world.guardrails.now += 24 * HOUR
    assert only(world.send(expander, CHECK)) == ("rejected", "proposal_is_stale")


def test_what_fsx_refuses_is_a_failure_with_its_words(world):
    world.cloudwatch.ssd_pct = 85.0
    world.fsx.refuses = refusal("UpdateFileSystem", "BadRequest", "throughput too low")
    expander = world.expander()
    assert only(world.send(expander, alarm())) == ("failed", "aws_refused")
    (record,) = world.lineage.records
    assert (record.status, record.guardrail_mode) == ("failed", "ENFORCE")
    assert "throughput too low" in record.reason
    assert world.store.open() == []
    state = world.guardrails.operations().status("file_system_grow")
    assert (state.count, state.failures) == (1, 1)
    assert only(world.send(expander, alarm())) == ("started", "")


def test_lineage_has_the_mode_under_which_a_growth_started(world):
    """It starts in DRY_RUN, above the cap; its end is seen in ENFORCE."""
    world.cloudwatch.ssd_pct = 85.0
    world.fsx.slow = True
    world.send(world.expander(mode="DRY_RUN", daily_cap_gb=1), alarm())
    world.fsx.finish()
    assert only(world.send(world.expander(), CHECK)) == ("completed", "")
    assert world.lineage.records[0].guardrail_mode == "DRY_RUN"


def test_an_operation_of_an_earlier_version_is_read(world):
    world.cloudwatch.ssd_pct = 85.0
    world.fsx.slow = True
    expander = world.expander()
    world.send(expander, alarm())
    (operation,) = world.store.open()
    world.guardrails.dynamodb.update_item(
        TableName=world.table,
        Key={"pk": {"S": "OPERATION"}, "sk": {"S": operation.operation_id}},
        UpdateExpression="REMOVE guardrail_mode",
    )
    world.fsx.finish()
    assert only(world.send(expander, CHECK)) == ("completed", "")
    assert world.lineage.records[0].guardrail_mode is None


def test_an_update_that_fails_later_is_told(world):
    world.cloudwatch.ssd_pct = 85.0
    world.fsx.slow = True
    expander = world.expander()
    world.send(expander, alarm())
    world.fsx.finish("FAILED")
    assert only(world.send(expander, CHECK))[0] is Outcome.FAILED
    assert "no disks left" in world.lineage.records[0].reason
    assert world.alerts[-1] == "Expansion of fs-1 failed"


def fail_later(world, expander):
    """FSx takes a growth of the volume and fails it; the next check sees it."""
    world.cloudwatch.used_mib = 90 * 1024.0
    world.fsx.slow = True
    answer = only(world.send(expander, alarm(VolumeId="fsvol-1")))
    world.fsx.finish("FAILED")
    world.send(expander, CHECK)
    world.guardrails.now += MINUTE
    return answer


def test_three_growths_that_fsx_fails_later_block_a_fourth_until_one_succeeds(world):
    """Result: each counts once however often it is looked at; the row ends with a growth that completes."""
    expander = world.expander(max_failures=3)
    for count in (1, 2, 3):
        assert fail_later(world, expander)[0] is Outcome.STARTED
        world.send(expander, CHECK)
        assert world.guardrails.operations().status("volume_grow").failures == count
    assert fail_later(world, expander) == ("denied", "too_many_failures")
    outcomes = [e.outcome for e in world.guardrails.operations().history("volume_grow")]
    assert outcomes == ["not_executed", "failed", "failed", "failed"]
    world.fsx.slow = False
    eased = world.expander(max_failures=4)
    assert only(world.send(eased, alarm(VolumeId="fsvol-1")))[0] is Outcome.STARTED
    assert world.guardrails.operations().status("volume_grow").failures == 3  # accepted is no success yet
    assert only(world.send(eased, CHECK))[0] is Outcome.COMPLETED
    assert world.guardrails.operations().status("volume_grow").failures == 0


def test_a_crash_before_a_late_failure_is_closed_counts_it_once(world):
    world.cloudwatch.ssd_pct = 85.0
    world.fsx.slow = True
    expander = world.expander()
    world.send(expander, alarm())
    world.fsx.finish("FAILED")
    for step in range(8):
        world.guardrails.dynamodb.until_crash = step
        try:
            world.send(expander, CHECK)
        except Crash:
            pass
    world.guardrails.dynamodb.until_crash = None
    world.send(expander, CHECK)
    assert world.guardrails.operations().status("file_system_grow").failures == 1
    assert world.store.open() == []


def test_a_lost_answer_of_fsx_is_settled_by_looking(world):
    world.cloudwatch.ssd_pct = 85.0
    world.fsx.loses_answers = True
    expander = world.expander()
    assert only(world.send(expander, alarm())) == ("failed", "aws_busy")
    assert world.fsx.capacity_gib == 1244
    assert world.guardrails.operations().status("file_system_grow").failures == 1
    assert only(world.send(expander, CHECK)) == ("completed", "")
    assert world.guardrails.operations().status("file_system_grow").failures == 0  # it was none


def test_a_request_that_never_reached_fsx_fails_after_a_while(world):
    world.cloudwatch.ssd_pct = 85.0
    world.fsx.refuses = refusal("UpdateFileSystem", "InternalServerError", "down")
    expander = world.expander()
    world.send(expander, alarm())
    assert world.send(expander, CHECK) == []
    world.guardrails.now += 21 * MINUTE
    assert only(world.send(expander, CHECK))[0] is Outcome.FAILED


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_crash_at_any_store_call_grows_at_most_once_and_is_counted(world, after_effect):
    """The event comes again after every crash; then a check settles what is open."""
    for step in range(20):
        world.guardrails.start_over()
        world.fsx.capacity_gib = 1024
        world.fsx.file_system_actions.clear()
        world.fsx.tokens.clear()
        world.cloudwatch.ssd_pct = 85.0
        expander, event = world.expander(), alarm()
        world.guardrails.dynamodb.until_crash = step
        world.guardrails.dynamodb.after_effect = after_effect
        crashed = False
        try:
            world.send(expander, event)
        except Crash:
            crashed = True
        world.guardrails.dynamodb.until_crash = None
        world.send(expander, event)
        assert len(world.fsx.file_system_actions) <= 1
        counted = world.guardrails.operations().status("file_system_grow").count
        assert counted >= len(world.fsx.file_system_actions)
        world.guardrails.now += HOUR
        world.send(expander, CHECK)
        assert world.store.open() == []
        if not crashed:
            return
    raise AssertionError("the growth never came to its end")


def test_a_dry_run_that_executes_nothing_says_so(world):
    world.cloudwatch.ssd_pct = 85.0
    expander = world.expander(mode="DRY_RUN", dry_run_executes="false")
    assert only(world.send(expander, alarm())) == ("reported", "dry_run")
    assert world.fsx.capacity_gib == 1024


def test_an_alarm_that_ends_asks_for_nothing(world):
    assert only(world.send(world.expander(), alarm(state="OK")))[0] is Outcome.IGNORED


@pytest.mark.parametrize(
    "event", [{}, {"action": "grow"}, alarm(FileSystemId="x"), grow() | {"file_system_id": 1}]
)
def test_an_event_that_names_no_file_system_is_rejected(world, event):
    with pytest.raises(RejectedError):
        world.send(world.expander(), event)


def test_a_resource_that_fails_does_not_stop_the_others_in_a_check(world):
    world.cloudwatch.ssd_pct = 85.0
    world.fsx.slow = True
    expander = world.expander()
    world.send(expander, alarm())
    (operation,) = world.store.open()
    other = replace(operation, operation_id="0", resource_id="fs-2", action_id="other")
    assert world.store.put(other)
    world.fsx.finish()
    describe = world.fsx.describe_file_systems

    def deny(**request):
        if request == {"FileSystemIds": ["fs-2"]}:
            raise refusal("DescribeFileSystems", "AccessDeniedException", "not fs-2")
        return describe(**request)

    world.fsx.describe_file_systems = deny
    with pytest.raises(FsxnError, match="fs-2"):
        world.send(expander, CHECK)
    assert world.store.get(operation.operation_id).outcome is Outcome.COMPLETED


def test_what_was_deleted_while_it_grew_has_failed(world):
    world.cloudwatch.used_mib = 90 * 1024
    world.fsx.slow = True
    expander = world.expander()
    world.send(expander, alarm(VolumeId="fsvol-1"))

    def gone(**_):
        raise refusal("DescribeVolumes", "VolumeNotFound", "no such volume")

    world.fsx.describe_volumes = gone
    assert only(world.send(expander, CHECK))[0] is Outcome.FAILED
    assert "fsvol-1 is not there" in world.lineage.records[0].reason
    assert world.store.open() == []


def test_a_guardrail_without_its_table_does_not_stop_a_check(world):
    world.cloudwatch.ssd_pct = 85.0
    expander = world.expander()
    world.send(expander, alarm())
    world.guardrails.dynamodb.down = refusal("GetItem", "InternalServerError", "down")
    try:
        with pytest.raises(FsxnError):
            world.send(expander, CHECK)
    finally:
        world.guardrails.dynamodb.down = None
    assert world.store.open() == []


def test_a_check_without_time_leaves_the_rest_to_the_next(world):
    world.cloudwatch.ssd_pct = 85.0
    expander = world.expander()
    world.send(expander, alarm())
    assert answer_event(expander, CHECK, TimeBudget(lambda: 9_999, 0), world.now) == []
    assert len(world.store.open()) == 1


def test_an_open_reservation_is_settled_by_what_fsx_shows(world):
    """The process dies after FSx took the growth: the reservation is open, and FSx knows it."""
    world.cloudwatch.ssd_pct = 85.0
    grow_at_fsx = world.fsx.update_file_system

    def die(**request):
        grow_at_fsx(**request)
        raise Crash

    world.fsx.update_file_system = die
    with pytest.raises(Crash):
        world.send(world.expander(), alarm())
    (reservation,) = world.guardrails.operations().open_reservations("file_system_grow")
    assert reservation.outcome is ActionOutcome.OPEN
    assert int(reservation.action.context["to_mib"]) == world.fsx.capacity_gib * MIB_PER_GIB
