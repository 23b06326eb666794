"""The finisher: reports in any order and number, dead letters, lineage of failures, sweep."""

from __future__ import annotations

import json

import pytest
from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.errors import ConflictError, MisconfiguredError, TransientError
from fsxn_runtime.lineage import LineageStatus
from fsxn_runtime.pause import Switch
from fsxn_runtime.workloads.finish import take_report
from fsxn_runtime.workloads.model import FinishStep, Status
from fsxn_runtime.workloads.settings import FinishSettings

from tests.support.file_events import file_event
from tests.support.workload_world import MACHINE, T0, UC_ID, Crash, Time, WorkloadWorld, message

LATER = T0 + 10_000_000


@pytest.fixture
def world():
    made = WorkloadWorld()
    made.write("legal/a.pdf")
    made.starter.take(message(file_event()), LATER)
    return made


def item(world):
    [found] = world.store.items.values()
    return found


def end(world, status, **how):
    """End the running execution; give its report."""
    [arn] = world.executions.running()
    return world.end(arn, status, **how)


def test_a_success_closes_and_counts_100(world):
    assert take_report(world.finisher, end(world, "SUCCEEDED"), LATER) is FinishStep.CLOSE
    assert item(world).status is Status.DONE
    assert world.metric("ProcessingSuccessRate_pct") == [100]
    assert world.metric("WorkloadSucceeded_count") == [1]


def test_a_superseded_success_is_not_in_the_rate(world):
    report = end(world, "SUCCEEDED", superseded=True)
    assert take_report(world.finisher, report, LATER) is FinishStep.SUPERSEDE
    assert item(world).status is Status.SUPERSEDED
    assert world.metric("ProcessingSuccessRate_pct") == []
    assert world.metric("WorkloadSuperseded_count") == [1]


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_a_failure_starts_the_next_attempt_and_counts_0(world, status):
    first = item(world)
    assert take_report(world.finisher, end(world, status), LATER) is FinishStep.RETRY
    assert (item(world).status, item(world).attempt) == (Status.IN_PROGRESS, 2)
    assert world.executions.running() == [item(world).execution_arn]
    assert item(world).execution_arn != first.execution_arn
    assert world.metric("ProcessingSuccessRate_pct") == [0]


def use_all_attempts(world, status="FAILED"):
    """Fail every attempt; give the last report."""
    for _ in range(3):
        report = end(world, status)
        step = take_report(world.finisher, report, LATER)
    assert step is FinishStep.FAIL
    return report


def test_after_the_last_attempt_the_event_is_a_dead_letter_with_its_reason(world):
    use_all_attempts(world, "TIMED_OUT")
    assert item(world).status is Status.FAILED
    [letter], [reason] = world.dead_letters.bodies, world.dead_letters.reasons
    assert reason == "timed_out"
    found = json.loads(letter)
    assert found["detail"] == file_event().to_dict()
    assert (found["failure"]["attempt"], found["failure"]["status"]) == (3, "TIMED_OUT")
    assert world.metric("WorkloadFailed_count") == [1]
    assert world.metric("ProcessingSuccessRate_pct") == [0, 0, 0]


def test_a_final_failure_is_in_the_lineage(world):
    use_all_attempts(world)
    [record] = world.lineage.records
    assert (record.status, record.source_file_key) == (LineageStatus.FAILED, "/vol1/legal/a.pdf")
    assert (record.reason, record.step_functions_execution_arn) == ("failed", item(world).execution_arn)


def test_error_and_cause_reach_the_dead_letter(world):
    for _ in range(3):
        report = end(world, "FAILED") | {"error": "Broken", "cause": "c" * 40_000}
        take_report(world.finisher, report, LATER)
    failure = json.loads(world.dead_letters.bodies[0])["failure"]
    assert (failure["error"], failure["cause"]) == ("Broken", "c" * 1000)


def test_repeated_and_late_reports_change_and_count_nothing(world):
    first = end(world, "FAILED")
    take_report(world.finisher, first, LATER)
    second = end(world, "SUCCEEDED")
    take_report(world.finisher, second, LATER)
    done, lines = item(world), list(world.metric("ProcessingSuccessRate_pct"))
    for report in (second, first, second, first):
        assert take_report(world.finisher, report, LATER) is FinishStep.IGNORE
    assert item(world) == done
    assert world.metric("ProcessingSuccessRate_pct") == lines == [0, 100]


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("failures", [0, 1, 3])
def test_dying_at_any_step_and_coming_again_is_dying_never(world, failures, step, after_effect):
    for _ in range(max(failures - 1, 0)):
        take_report(world.finisher, end(world, "FAILED"), LATER)
    report = end(world, "FAILED" if failures else "SUCCEEDED")
    world.steps.until_crash, world.steps.after_effect = step, after_effect
    try:
        take_report(world.finisher, report, LATER)
    except Crash:
        take_report(world.finisher, report, LATER)
    world.steps.until_crash = None
    expected = {0: (Status.DONE, 1), 1: (Status.IN_PROGRESS, 2), 3: (Status.FAILED, 3)}[failures]
    assert (item(world).status, item(world).attempt) == expected
    assert len(world.executions.inputs) == expected[1]
    assert bool(world.dead_letters.bodies) == bool(world.lineage.records) == (failures == 3)


@pytest.mark.parametrize(
    "given",
    [None, "no json", "[]", '{"uc_id": "another", "work_key": "k", "attempt": 1}', '{"uc_id": "inventory"}'],
)
def test_an_execution_that_the_starter_did_not_make_is_left_alone(world, given):
    report = {"executionArn": "arn", "status": "FAILED"} | ({} if given is None else {"input": given})
    assert take_report(world.finisher, report, LATER) is FinishStep.IGNORE
    assert not world.dead_letters.bodies


def test_losing_every_race_is_a_conflict_that_the_caller_repeats(world):
    world.store.close = lambda *_: False
    with pytest.raises(ConflictError, match="others were first 3 times"):
        take_report(world.finisher, end(world, "SUCCEEDED"), LATER)


def sweep(world, remaining_ms=60_000):
    return world.finisher.sweep(TimeBudget.of(Time(remaining_ms), 1000), LATER)


def test_the_sweep_starts_what_never_started(world):
    """The starter died between item and StartExecution, and its message was lost."""
    world.executions.inputs.clear()
    world.executions.outcomes.clear()
    assert sweep(world) == {FinishStep.ENSURE: 1}
    assert world.executions.running() == [item(world).execution_arn]


def test_the_sweep_leaves_what_is_running(world):
    assert sweep(world) == {FinishStep.IGNORE: 1}
    assert world.metric("WorkloadSwept_count") == []


@pytest.mark.parametrize(("status", "after"), [("SUCCEEDED", Status.DONE), ("ABORTED", Status.IN_PROGRESS)])
def test_the_sweep_notices_an_end_whose_report_was_lost(world, status, after):
    end(world, status)
    sweep(world)
    assert item(world).status is after
    assert world.metric("WorkloadSwept_count") == [1]


def test_one_item_that_cannot_be_settled_does_not_hold_up_the_others(world):
    world.write("b")
    world.starter.take(message(file_event(file_path="/vol1/b")), LATER)
    first, second = world.store.items.values()
    for arn in world.executions.running():
        world.end(arn, "SUCCEEDED")
    look = world.executions.look

    def refuse_the_first(arn):
        if arn == first.execution_arn:
            raise TransientError("busy")
        return look(arn)

    world.executions.look = refuse_the_first
    with pytest.raises(TransientError):
        sweep(world)
    assert world.store.items[second.work_key].status is Status.DONE


def test_the_sweep_stops_while_there_is_time_to_report(world):
    assert sweep(world, remaining_ms=5_999) == {}


def test_a_lost_race_counts_nothing(world):
    """The sweep and the report see the same end; one of them writes it."""
    report = end(world, "SUCCEEDED")
    assert world.finisher.settle(item(world), LATER) is FinishStep.CLOSE
    assert take_report(world.finisher, report, LATER) is FinishStep.IGNORE
    assert world.metric("ProcessingSuccessRate_pct") == [100]


def test_a_pause_is_told_with_every_sweep_and_not_while_it_comes_about(world):
    told = []
    for switch in (Switch.ON, Switch.OFF, Switch.OFF, Switch.ON):
        mapping = world.switches.of(UC_ID)
        world.switches.turn(mapping, on=switch is Switch.ON)
        world.finisher.tell_paused()
        told.append(world.metric("WorkloadPaused_count")[-1])
    assert told == [0, 1, 1, 0]


ENVIRONMENT = {
    "UC_ID": "inventory",
    "STATE_TABLE": "state",
    "STATE_MACHINE_ARN": MACHINE,
    "WORKLOAD_DLQ_URL": "https://dlq",
    "STARTER_MAPPING_ID": "mapping",
}


def test_settings_have_the_documented_defaults():
    settings = FinishSettings.from_env(ENVIRONMENT)
    assert (settings.max_attempts, settings.sweep_after_seconds) == (3, 900)


@pytest.mark.parametrize(
    ("name", "value"),
    [*((name, "") for name in ENVIRONMENT), ("MAX_ATTEMPTS", "0"), ("SWEEP_AFTER_SECONDS", "0")],
)
def test_a_wrong_setting_is_named(name, value):
    with pytest.raises(MisconfiguredError, match=name):
        FinishSettings.from_env(ENVIRONMENT | {name: value})
