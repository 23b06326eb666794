from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fsxn_runtime.report import lines, verify
from fsxn_runtime.report.model import (
    Evidence,
    LineageRow,
    Mark,
    Operation,
    StoreUse,
    SystemEvent,
    SystemMessages,
    Verification,
)

from tests.python.report.runs import Run, event, faithful_run, operation


def codes(verification: Verification) -> dict[str, int]:
    return {finding.code: finding.count for finding in verification.findings}


def test_a_faithful_run_has_no_findings_and_every_figure_adds_up():
    result = faithful_run().verify()
    assert codes(result) == {}
    assert (result.delivery.monitored, result.delivery.delivered, result.delivery.lost) == (8, 8, 0)
    accounting = result.accounting
    assert (accounting.processed, accounting.collapsed, accounting.unaccounted) == (5, 3, 0)
    assert (result.outputs.files, result.outputs.files_matched, result.outputs.actions) == (2, 2, 2)
    assert result.latency_ms["live_to_bus"] is not None
    assert result.latency_ms["live_to_bus"].maximum == 5.0
    assert result.replay is None


@pytest.mark.parametrize("gone", range(8))
def test_one_operation_without_its_event_is_one_lost(gone: int):
    run = faithful_run()
    arrivals = list(run.evidence.arrivals)
    del arrivals[gone]
    assert codes(run.with_evidence(arrivals=arrivals).verify())["event.lost"] == 1


def test_an_allowed_loss_is_no_finding_and_names_the_file_that_it_explains():
    """The create and write of f2 never arrive, so f2 has no output; two losses are allowed."""
    run = faithful_run()
    kept = [arrival for arrival in run.evidence.arrivals if arrival.path != "/vol1/f2"]
    items = [item for item in run.work.items if item.path != "/vol1/f2"]
    outputs = [output for output in run.work.outputs if output.path != "/vol1/f2"]
    run = run.with_evidence(arrivals=kept, items=items, outputs=outputs)
    allowed = run.verify(lost_allowed=2)
    assert codes(allowed) == {}
    assert (allowed.delivery.lost, allowed.outputs.files_lost) == (2, 1)
    assert codes(run.verify(lost_allowed=1)) == {"event.lost": 2}


@pytest.mark.parametrize(
    "change",
    [
        {"operation": "NFS_LOOKUP"},
        {"path": "/vol1/other"},
        {"target_path": "/vol1/other"},
        {"time_us": 1},
    ],
)
def test_an_event_that_differs_in_any_field_is_not_the_operation(change: dict[str, object]):
    run = faithful_run()
    first, *rest = run.evidence.arrivals
    wrong = replace(first, **change)  # type: ignore[arg-type]
    found = codes(run.with_evidence(arrivals=[wrong, *rest]).verify())
    assert (found["event.lost"], found["event.unexpected"]) == (1, 1)


def test_an_operation_that_the_policy_does_not_want_must_not_arrive():
    run = faithful_run()
    first, *rest = run.ledger.operations
    result = run.with_ledger(operations=[replace(first, monitored=False), *rest]).verify()
    assert codes(result) == {"event.unexpected": 1}
    assert result.delivery.unreported == 1


def test_a_transport_duplicate_is_counted_once_and_must_be_collapsed():
    run = faithful_run()
    arrivals = [*run.evidence.arrivals, run.evidence.arrivals[0]]
    result = run.with_evidence(arrivals=arrivals).verify()
    assert result.delivery.duplicates == 1
    assert codes(result) == {"event.unaccounted": 1}
    first, *rest = run.work.items
    items = [replace(first, duplicates=2), *rest]
    assert codes(run.with_evidence(arrivals=arrivals, items=items).verify()) == {}


def test_an_event_type_that_the_workload_does_not_want_is_filtered():
    run = faithful_run()
    operation = Operation("NFS_CREAT", "NFS 3.0", "/vol1/folder", None, 99_000_000, True)
    folder = replace(event(operation), event_type="DIR_CREATE")
    run = run.with_ledger(operations=[*run.ledger.operations, operation])
    result = run.with_evidence(arrivals=[*run.evidence.arrivals, folder]).verify()
    assert codes(result) == {}
    assert result.accounting.filtered == 1


@pytest.mark.parametrize("status", ["FAILED", "IN_PROGRESS"])
def test_work_that_is_not_done_is_a_finding(status: str):
    run = faithful_run()
    first, *rest = run.work.items
    items = [replace(first, status=status), *rest]
    assert codes(run.with_evidence(items=items).verify()) == {f"work.{status.lower()}": 1}


def test_superseded_work_is_accounted_for_and_no_finding():
    run = faithful_run()
    first, *rest = run.work.items
    items = [replace(first, status="SUPERSEDED"), *rest]
    result = run.with_evidence(items=items).verify()
    assert codes(result) == {}
    assert result.accounting.superseded == 1


@pytest.mark.parametrize("wrong", [{"sha256": "other"}, {"size": 11}])
def test_a_final_file_with_another_content_than_its_output_is_unmatched(wrong: dict[str, object]):
    run = faithful_run()
    files = [replace(file, **wrong) for file in run.ledger.files[:1]]  # type: ignore[arg-type]
    result = run.with_ledger(files=[*files, *run.ledger.files[1:]]).verify()
    assert codes(result) == {"file.unmatched": 1}


@pytest.mark.parametrize("action", ["delete", "rename"])
def test_a_delete_or_rename_without_its_output_is_missing(action: str):
    run = faithful_run()
    outputs = [output for output in run.work.outputs if output.action != action]
    found = codes(run.with_evidence(outputs=outputs).verify())
    assert found["action.missing"] == 1


def test_two_outputs_of_one_version_are_doubled():
    run = faithful_run()
    copy = replace(run.work.outputs[2], work_key="v9")
    found = codes(run.with_evidence(outputs=[*run.work.outputs, copy]).verify())
    assert found == {"output.doubled": 1}


def test_the_same_content_at_another_time_is_another_version():
    run = faithful_run()
    later = replace(run.work.outputs[2], last_modified="2026-01-01T00:00:09.000000Z")
    assert codes(run.with_evidence(outputs=[*run.work.outputs, later]).verify()) == {}


def test_two_executions_that_finished_one_work_key_are_doubled():
    run = faithful_run()
    row = run.work.lineage[0]
    rows = [*run.work.lineage, LineageRow(row.work_key, "arn-2", "success")]
    assert codes(run.with_evidence(lineage=rows).verify()) == {"output.doubled": 1}


def test_finished_work_without_lineage_is_missing():
    run = faithful_run()
    assert codes(run.with_evidence(lineage=run.work.lineage[1:]).verify()) == {"lineage.missing": 1}


def test_a_recorded_duplicate_does_not_stand_for_the_work():
    run = faithful_run()
    rows = [replace(run.work.lineage[0], status="duplicate"), *run.work.lineage[1:]]
    assert codes(run.with_evidence(lineage=rows).verify()) == {"lineage.missing": 1}


def test_a_queue_that_is_not_empty_is_a_finding_with_its_name():
    result = faithful_run().with_evidence(queues={"ingestion": 0, "quarantine": 2}).verify()
    assert [(f.code, f.count, f.examples) for f in result.findings] == [
        ("queue.not_empty", 2, ["quarantine"])
    ]


def test_the_replay_says_how_far_out_of_order_it_came():
    """Eight events come in reverse, one second apart: the first and last stand 7 places wrong."""
    run = faithful_run()
    arrivals = [
        replace(arrival, replayed=True, arrived_us=10_000_000 - position * 1_000_000)
        for position, arrival in enumerate(run.evidence.arrivals)
    ]
    replay = run.with_evidence(arrivals=arrivals).verify().replay
    assert replay is not None
    assert (replay.events, replay.displacement_max, replay.inversions_pct) == (8, 7, 100.0)
    assert replay.seconds == 7.0
    assert replay.catch_up_seconds == 9.0


def test_a_result_is_plain_json_values_with_its_verdict():
    data = faithful_run().verify().to_dict()
    assert data["ok"] is True
    assert data["delivery"]["lost"] == 0  # type: ignore[index]


def by_client(run: Run) -> Run:
    """The same run with a ledger kept by a client: other times, and writes are not demanded."""
    operations = [
        replace(each, time_us=each.time_us - 777, is_client_time=True, monitored=each.operation != "NFS_WR")
        for each in run.ledger.operations
    ]
    return run.with_ledger(operations=operations)


def test_a_clients_ledger_is_matched_by_operation_and_path():
    result = by_client(faithful_run()).verify()
    assert codes(result) == {}
    assert (result.delivery.monitored, result.delivery.lost, result.delivery.unexpected) == (5, 0, 0)


def test_a_clients_ledger_finds_what_is_lost_and_what_it_never_did():
    run = by_client(faithful_run())
    first, *rest = run.evidence.arrivals
    assert codes(run.with_evidence(arrivals=rest).verify())["event.lost"] == 1
    foreign = replace(first, event_id="f" * 32, path="/vol1/never")
    assert codes(run.with_evidence(arrivals=[first, *rest, foreign]).verify())["event.unexpected"] == 1


def test_events_outside_the_ledgers_scope_are_somebody_elses():
    run = faithful_run().with_ledger(scope="/vol1")
    first = run.evidence.arrivals[0]
    elsewhere = replace(first, event_id="e" * 32, path="/vol10/x")
    assert codes(run.with_evidence(arrivals=[*run.evidence.arrivals, elsewhere]).verify()) == {}


def test_operations_outside_the_ledgers_scope_are_not_asked_for():
    """Of three files two were renamed or deleted; below the third's path there are its two operations."""
    run = faithful_run().with_ledger(scope="/vol1/f2")
    result = verify(run.ledger, Evidence(run.evidence.arrivals[4:5], {}))
    assert (result.delivery.monitored, result.delivery.arrivals, codes(result)) == (2, 1, {"event.lost": 1})


def test_without_a_workload_only_delivery_is_compared():
    run = faithful_run()
    evidence = Evidence(run.evidence.arrivals[1:], {"ingestion": 2})
    result = verify(run.ledger, evidence)
    assert codes(result) == {"event.lost": 1, "queue.not_empty": 2}
    assert (result.accounting, result.outputs) == (None, None)
    assert Verification.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    assert list(lines(result))[-1] == "ledger and events DIFFER"


def test_flow_says_how_much_was_stored_how_fast_events_came_and_how_full_the_store_was():
    """Eight events, one each millisecond: 7 ms from first to last on the bus, 12 ms since the start."""
    uses = [StoreUse(1, 0, 1000), StoreUse(2, 900, 1000), StoreUse(3, 100, 1000)]
    run = faithful_run().with_ledger(notifications={"sent": 8, "stored": 5, "dropped": 1}, store_uses=uses)
    flow = run.verify().flow
    assert (flow.stored, flow.dropped) == (5, 1)
    assert flow.seconds == pytest.approx(0.012)
    assert flow.events_per_second == pytest.approx(8 / 0.007, rel=0.01)
    assert (flow.store_used_before, flow.store_used_most, flow.store_used_after) == (0, 900, 100)


def test_ontaps_messages_are_counted_around_the_nearest_mark():
    """Down at 10 s, up at 30 s: two disconnects at 9.5 and 11 s, connections at 29 and 31 s."""
    happened = [
        SystemEvent(round(seconds * 1e6), name, "")
        for name, seconds in [("connect", 31), ("disconnect", 9.5), ("disconnect", 11), ("connect", 29)]
    ]
    marks = [Mark("server_down", 10_000_000), Mark("storm", 29_000_000), Mark("server_up", 30_000_000)]
    run = faithful_run().with_ledger(marks=marks, system_events=happened)
    result = run.verify()
    assert result.flow.system_events == [
        SystemMessages("disconnect", 2, "server_down", -0.5, 1.0),
        SystemMessages("connect", 2, "server_up", -1.0, 1.0),
    ]
    assert [line.split(maxsplit=2)[2] for line in lines(result) if line.startswith("EMS")] == [
        "2, -0.5 s to +1.0 s from server_down",
        "2, -1.0 s to +1.0 s from server_up",
    ]
    assert Verification.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_without_marks_ontaps_messages_are_told_from_the_first_operation():
    run = faithful_run().with_ledger(marks=[], system_events=[SystemEvent(2_000_000, "connect", "")])
    assert run.verify().flow.system_events == [SystemMessages("connect", 1, "", 1.0, 1.0)]


def test_an_operation_made_while_the_policy_was_disabled_is_lost():
    """One more creation that only a disabled policy wants: lost, and counted apart."""
    run = faithful_run()
    unseen = replace(operation(99, "NFS_CREAT", "/vol1/unseen"), monitored=False, missed=True)
    result = run.with_ledger(operations=[*run.ledger.operations, unseen]).verify()
    assert codes(result) == {"event.lost": 1}
    assert (result.delivery.monitored, result.delivery.lost, result.delivery.missed) == (9, 1, 1)


def restamped(run: Run) -> Run:
    """The first event comes with a time of its own, then again with another: two ids."""
    first, *rest = run.evidence.arrivals
    stamped = [replace(first, event_id=f"{n}" * 32, time_us=first.time_us + n) for n in (1, 2)]
    return run.with_evidence(arrivals=[*stamped, *rest])


def test_with_times_of_their_own_events_are_matched_by_path():
    run = restamped(faithful_run())
    assert codes(run.verify())["event.unexpected"] == 2
    result = verify(run.ledger, replace(run.evidence, work=None), by_time=False)
    assert codes(result) == {}
    assert (result.delivery.lost, result.delivery.delivered) == (0, 8)


def test_matched_by_path_what_is_lost_and_what_never_happened_is_found():
    run = restamped(faithful_run())
    *rest, last = run.evidence.arrivals
    without = replace(run.evidence, work=None, arrivals=rest)
    assert codes(verify(run.ledger, without, by_time=False)) == {"event.lost": 1}
    foreign = replace(last, event_id="f" * 32, path="/vol1/never")
    more = replace(run.evidence, work=None, arrivals=[*rest, last, foreign])
    assert codes(verify(run.ledger, more, by_time=False)) == {"event.unexpected": 1}
