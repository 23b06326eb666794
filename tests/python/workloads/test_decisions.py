"""The ledger of decisions: with it, every event that starts nothing has a record that says why."""

from __future__ import annotations

import json
from collections import Counter

from fsxn_runtime.events import EventType
from fsxn_runtime.lineage import LineageRecord, LineageStatus, RetentionProfile
from fsxn_runtime.lineage.items import to_item
from fsxn_runtime.workloads.job import Job, lineage_record
from fsxn_runtime.workloads.settings import StartSettings
from fsxn_runtime.workloads.start import Result
from hypothesis import given
from hypothesis import strategies as st

from tests.support.file_events import file_event
from tests.support.workload_world import MACHINE, T0, WorkloadWorld, message

LATER = T0 + 60_000_000
LABELS = {
    "data_classification": "restricted",
    "policy_version": "p-3",
    "retention_profile": "compliance-7y",
    "uc_template_version": "2026.11",
}


def event(number: int, **changes: object) -> str:
    return message(file_event(event_id=f"{number:032x}", file_path="/vol1/a", **changes))


def decisions(world: WorkloadWorld) -> list[tuple[str, str | None]]:
    return [(record.status, record.reason) for record in world.ledger.records]


def test_an_event_that_starts_nothing_is_recorded_with_its_reason() -> None:
    """A directory, a file that is gone, a first event, its own repetition, another event of that version."""
    world = WorkloadWorld(records_decisions=True)
    world.starter.take(event(1, event_type=EventType.DIR_CREATE), LATER)
    world.starter.take(event(2), LATER)
    world.write("a")
    for number in (3, 3, 4):
        world.starter.take(event(number), LATER)
    assert decisions(world) == [
        ("filtered", "directory"),
        ("superseded", "vanished"),
        ("duplicate", "repeated"),
        ("duplicate", "in_progress"),
    ]
    filtered, *_, duplicate = world.ledger.records
    assert (filtered.work_key, filtered.action) == (f"{1:032x}", "DIR_CREATE")
    assert (duplicate.event_id, duplicate.action) == (f"{4:032x}", "process")
    assert duplicate.step_functions_execution_arn is None


@given(st.lists(st.sampled_from(["write", "event", "directory", "repeat", "delete"]), max_size=12))
def test_every_event_is_a_start_or_a_record(steps: list[str]) -> None:
    """And each record is one that the table takes."""
    world, results, bodies = WorkloadWorld(records_decisions=True), [], [event(0)]
    for number, step in enumerate(steps, 1):
        if step == "write":
            world.write("a", etag=f"e{number}")
            continue
        kinds = {"directory": EventType.DIR_RENAME, "delete": EventType.FILE_DELETE}
        body = (
            bodies[-1]
            if step == "repeat"
            else event(number, event_type=kinds.get(step, EventType.FILE_WRITE))
        )
        bodies.append(body)
        results.append(world.starter.take(body, LATER)[0])
    counted = Counter(results)
    assert len(world.ledger.records) == len(results) - counted[Result.STARTED]
    for record in world.ledger.records:
        to_item(record, T0, 365)


def test_without_the_ledger_only_outcomes_are_recorded() -> None:
    world = WorkloadWorld()
    world.starter.take(event(1, event_type=EventType.DIR_CREATE), LATER)
    assert world.ledger.records == []


def test_labels_go_with_the_work_into_every_record_of_it() -> None:
    world = WorkloadWorld(records_decisions=True, labels=LABELS)
    world.write("a")
    for number in (1, 2):
        world.starter.take(event(number), LATER)
    (item,) = world.store.items.values()
    job = Job.from_input(json.loads(item.execution_input))
    done = lineage_record(job, LineageStatus.SUCCESS, duration_ms=1)
    for record in (done, *world.ledger.records):
        assert labels_of(record) == ("restricted", "p-3", RetentionProfile.COMPLIANCE, "2026.11")


def labels_of(record: LineageRecord) -> tuple[object, ...]:
    classification = record.metadata["data_classification"]
    return classification, record.policy_version, record.retention_profile, record.uc_template_version


def test_without_labels_the_input_has_none() -> None:
    world = WorkloadWorld()
    world.write("a")
    world.starter.take(event(1), LATER)
    (item,) = world.store.items.values()
    assert "labels" not in json.loads(item.execution_input)
    record = lineage_record(
        Job.from_input(json.loads(item.execution_input)), LineageStatus.SUCCESS, duration_ms=1
    )
    assert (record.metadata, record.retention_profile) == ({}, None)


ENVIRONMENT = {
    "UC_ID": "inventory",
    "STATE_TABLE": "state",
    "STATE_MACHINE_ARN": MACHINE,
    "WORKLOAD_QUEUE_URL": "https://queue",
    "WORKLOAD_DLQ_URL": "https://dlq",
    "ACCESS_POINT": "alias",
    "JUNCTION_PATH": "/vol1",
}


def test_only_labels_that_are_set_are_read() -> None:
    settings = StartSettings.from_env(ENVIRONMENT)
    assert (settings.labels, settings.records_decisions) == ({}, False)
    given_labels = {name.upper(): value for name, value in LABELS.items()}
    settings = StartSettings.from_env(ENVIRONMENT | given_labels | {"RECORD_DECISIONS": "all"})
    assert (settings.labels, settings.records_decisions) == (LABELS, True)
