"""The starter, message by message and in batches."""

from __future__ import annotations

import json

import pytest
from fsxn_runtime.errors import MisconfiguredError, RejectedError, TransientError
from fsxn_runtime.events import EventType, format_timestamp
from fsxn_runtime.workloads import start
from fsxn_runtime.workloads.model import Execution, Failure, Status, WorkKeyKind
from fsxn_runtime.workloads.settings import StartSettings
from fsxn_runtime.workloads.start import Result, parse, take_batch

from tests.support.file_events import file_event
from tests.support.workload_world import MACHINE, T0, Crash, Time, WorkloadWorld, message

SECOND = 1_000_000
LATER = T0 + 10 * SECOND
BODY = message(file_event())
KEY = "legal/a.pdf"


@pytest.fixture
def world():
    made = WorkloadWorld()
    made.write(KEY)
    return made


def only(values):
    [value] = values
    return value


def test_a_settled_file_starts_one_execution_with_its_item(world):
    assert world.starter.take(BODY, LATER) == (Result.STARTED, "")
    item = only(world.store.items.values())
    assert (item.status, item.attempt, item.file_path) == (Status.IN_PROGRESS, 1, "/vol1/legal/a.pdf")
    assert world.executions.inputs[item.execution_arn] == json.loads(item.execution_input)


def test_every_event_of_one_version_is_one_execution(world):
    bodies = [
        message(file_event(event_id=f"{n:032x}", event_type=kind))
        for n, kind in enumerate([EventType.FILE_CREATE, EventType.FILE_WRITE, EventType.FILE_CLOSE])
    ]
    results = [world.starter.take(body, LATER)[0] for body in bodies * 2]
    assert results == [Result.STARTED] + [Result.DUPLICATE] * 5
    assert len(world.executions.inputs) == 1
    assert world.store.duplicates.total() == 5


def test_a_new_version_is_new_work(world):
    world.starter.take(BODY, LATER)
    world.write(KEY, etag="e2", at=LATER)
    assert world.starter.take(BODY, LATER + 10 * SECOND)[0] is Result.STARTED
    assert len(world.executions.inputs) == 2


def test_a_young_file_goes_round_again_with_the_delay_that_remains(world):
    world.write(KEY, at=LATER - SECOND // 2)
    assert world.starter.take(BODY, LATER) == (Result.RESETTLED, "")
    assert (world.queue.bodies, world.queue.delays) == ([BODY], [2])
    assert not world.store.items


def test_a_vanished_file_is_superseded_once_and_its_repeats_are_duplicates(world):
    world.files.versions.clear()
    assert world.starter.take(BODY, LATER) == (Result.SUPERSEDED, "vanished")
    assert world.starter.take(BODY, LATER)[0] is Result.DUPLICATE
    assert only(world.store.items.values()).status is Status.SUPERSEDED
    assert not world.executions.inputs


def test_a_delete_needs_no_look_at_the_file(world):
    event = file_event(event_type=EventType.FILE_DELETE)
    assert world.starter.take(message(event), T0)[0] is Result.STARTED
    given = only(world.executions.inputs.values())
    assert (given["action"], given["object"], given["work_key"]) == ("delete", None, event.event_id)


def test_a_rename_waits_for_its_target_to_settle_and_carries_it(world):
    body = message(file_event(event_type=EventType.FILE_RENAME, target_path="/vol1/legal/b.pdf"))
    world.write("legal/b.pdf", etag="target", at=LATER)
    assert world.starter.take(body, LATER)[0] is Result.RESETTLED
    assert world.starter.take(body, LATER + 2 * SECOND)[0] is Result.STARTED
    assert only(world.executions.inputs.values())["object"]["etag"] == "target"


def test_a_rename_whose_target_is_gone_is_still_work(world):
    body = message(file_event(event_type=EventType.FILE_RENAME, target_path="/vol1/legal/b.pdf"))
    assert world.starter.take(body, LATER)[0] is Result.STARTED
    assert only(world.executions.inputs.values())["object"] is None


def test_a_directory_is_filtered(world):
    body = message(file_event(event_type=EventType.DIR_CREATE))
    assert world.starter.take(body, LATER) == (Result.FILTERED, "directory")


def test_a_workload_of_operations_processes_each(world):
    world = WorkloadWorld(work_key=WorkKeyKind.EVENT)
    world.write(KEY)
    for number in range(3):
        assert world.starter.take(message(file_event(event_id=f"{number:032x}")), LATER)[0] is Result.STARTED


def test_a_name_in_use_without_an_item_is_a_duplicate(world):
    """The item's time to live ended, or someone removed it: the name still protects."""
    world.starter.take(BODY, LATER)
    arn = only(world.executions.inputs)
    world.executions.outcomes[arn] = Execution("SUCCEEDED")
    world.store.items.clear()
    assert world.starter.take(BODY, LATER)[0] is Result.DUPLICATE
    assert only(world.store.items.values()).status is Status.IN_PROGRESS  # the sweep will see its end


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("step", range(4))
def test_dying_at_any_step_and_coming_again_starts_exactly_once(world, step, after_effect):
    world.steps.until_crash, world.steps.after_effect = step, after_effect
    try:
        world.starter.take(BODY, LATER)
    except Crash:
        world.starter.take(BODY, LATER)
    assert len(world.executions.inputs) == 1
    assert only(world.store.items.values()).status is Status.IN_PROGRESS


def failed(world):
    """Use all attempts of one file; give the dead letter."""
    world.starter.take(BODY, LATER)
    for attempt in (1, 2, 3):
        report = world.end(only(world.executions.running()), "FAILED")
        item = only(world.store.items.values())
        world.finisher.finish(item.work_key, attempt, Execution(report["status"]), LATER)
    return only(world.dead_letters.bodies)


def test_a_dead_letter_sent_back_gives_one_more_attempt(world):
    letter = failed(world)
    assert world.starter.take(BODY, LATER)[0] is Result.DUPLICATE
    assert world.starter.take(letter, LATER)[0] is Result.REOPENED
    assert world.starter.take(letter, LATER)[0] is Result.DUPLICATE
    item = only(world.store.items.values())
    assert (item.status, item.attempt) == (Status.IN_PROGRESS, 4)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("no json", "not_json"),
        ("[]", "no_detail"),
        ('{"detail": 1}', "no_detail"),
        ('{"detail": {}}', "missing_field"),
    ],
)
def test_a_poison_message_is_rejected_with_its_reason(body, code):
    with pytest.raises(RejectedError) as caught:
        parse(body)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "failure", [None, 1, {}, {"work_key": 1, "attempt": 1}, {"work_key": "k", "attempt": "1"}]
)
def test_a_failure_that_makes_no_sense_is_an_ordinary_message(failure):
    envelope = json.loads(BODY) | {"failure": failure}
    assert parse(json.dumps(envelope)) == (file_event(), None)


def test_a_failure_is_read():
    envelope = json.loads(BODY) | {"failure": {"work_key": "k", "attempt": 3}}
    assert parse(json.dumps(envelope)) == (file_event(), Failure("k", 3))


def records(*bodies):
    return [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]


def run_batch(world, *bodies, context=None):
    emf = world.emf()
    budget = start.TimeBudget.of(context or Time(), 1000)
    failed = take_batch(records(*bodies), world.starter, world.dead_letters, emf, budget)
    emf.flush()
    return failed


def test_a_poison_message_is_put_aside_with_its_reason_and_holds_up_no_other(world):
    assert run_batch(world, "poison", BODY) == []
    assert (world.dead_letters.bodies, world.dead_letters.reasons) == (["poison"], ["not_json"])
    assert len(world.executions.inputs) == 1
    assert world.metric("WorkloadQuarantined_count") == [1]
    assert world.metric("WorkloadStarted_count") == [1]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(TransientError("busy", code="aws_busy"), "aws_busy"), (ZeroDivisionError("ours"), "unexpected")],
)
def test_a_message_that_fails_comes_again_and_the_others_do_not(world, error, reason):
    world.executions.refuses = error
    poison = message(file_event(event_type=EventType.DIR_CREATE))
    assert run_batch(world, BODY, poison) == ["m0"]
    [line] = [line for line in world.metric_lines if "WorkloadMessagesFailed_count" in line]
    assert line["Reason"] == reason


def test_what_cannot_be_put_aside_comes_again(world):
    def refuse(*_, **__):
        raise MisconfiguredError("denied", code="aws_denied")

    world.dead_letters.send = refuse
    assert run_batch(world, "poison") == ["m0"]


def test_without_time_left_messages_are_reported_not_started(world):
    assert run_batch(world, BODY, BODY, context=Time(5_999)) == ["m0", "m1"]
    assert not world.executions.inputs


def test_each_result_is_counted(world):
    world.write("young", at=start.now_us())
    bodies = [
        BODY,
        BODY,
        message(file_event(file_path="/vol1/young", timestamp=format_timestamp(start.now_us()))),
        message(file_event(event_type=EventType.DIR_DELETE)),
        message(file_event(file_path="/vol1/gone")),
    ]
    assert run_batch(world, *bodies) == []
    for name in ("Started", "Duplicates", "Resettled", "Filtered", "Superseded"):
        assert world.metric(f"Workload{name}_count") == [1], name


ENVIRONMENT = {
    "UC_ID": "inventory",
    "STATE_TABLE": "state",
    "STATE_MACHINE_ARN": MACHINE,
    "WORKLOAD_QUEUE_URL": "https://queue",
    "WORKLOAD_DLQ_URL": "https://dlq",
    "ACCESS_POINT": "alias",
    "JUNCTION_PATH": "/vol1",
}


def test_settings_have_the_documented_defaults():
    settings = StartSettings.from_env(ENVIRONMENT)
    assert (settings.settle_seconds, settings.work_key) == (30, WorkKeyKind.FILE_VERSION)
    assert (settings.metric_namespace, settings.log_level) == ("FSxN-S3AP-Patterns", "INFO")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "") for name in ENVIRONMENT),
        ("UC_ID", "a b"),
        ("UC_ID", "x" * 65),
        ("SETTLE_SECONDS", "-1"),
        ("SETTLE_SECONDS", "3601"),
        ("WORK_KEY", "path"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_setting_is_named(name, value):
    with pytest.raises(MisconfiguredError, match=name):
        StartSettings.from_env(ENVIRONMENT | {name: value})
