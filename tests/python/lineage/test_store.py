"""The lineage table on the local AWS, and the tracker over it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import MisconfiguredError, RejectedError
from fsxn_runtime.lineage import LineageRecord, LineageSettings, LineageStatus, LineageStore, LineageTracker
from fsxn_runtime.lineage.items import to_item
from fsxn_runtime.lineage.model import RecordResult

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.lineage_table import create_lineage_table

TABLE = "lineage"


def record(number: int = 0, **changes: object) -> LineageRecord:
    """A record of minute `number`."""
    made = LineageRecord(
        source_file_key="/vol1/a",
        processing_timestamp=f"2026-01-31T12:{number:02d}:00.000000Z",
        uc_id="inventory",
        status=LineageStatus.SUCCESS,
        step_functions_execution_arn=f"arn:{number}",
        work_key=f"k{number}",
        event_id="e",
        action="process",
        output_keys=("inventory/a.json",),
        fpolicy_sequence_number=7,
    )
    return replace(made, **changes)


@pytest.fixture(scope="module")
def dynamodb(emulator):  # noqa: F811
    client = emulator.client("dynamodb")
    create_lineage_table(client, TABLE)
    return client


@pytest.fixture
def store(dynamodb):
    for found in dynamodb.get_paginator("scan").paginate(TableName=TABLE).search("Items"):
        key = {name: found[name] for name in ("source_file_key", "processing_timestamp")}
        dynamodb.delete_item(TableName=TABLE, Key=key)
    return LineageStore(dynamodb, TABLE)


def tracker(store, lines=None):
    settings = LineageSettings(TABLE, 365, "Test")
    emf = Emf("Test", write=lambda line: (lines if lines is not None else []).append(json.loads(line)))
    return LineageTracker(settings, store=store, emf=emf)


def test_a_file_has_its_history_newest_first(store):
    for number in (1, 0, 2):
        tracker(store).record(record(number))
    tracker(store).record(record(3, source_file_key="/vol1/b"))
    assert list(store.by_file("/vol1/a")) == [record(2), record(1), record(0)]


def test_a_workload_has_its_history_between_two_times_both_included(store):
    for number in range(5):
        tracker(store).record(record(number, source_file_key=f"/vol1/{number}"))
    tracker(store).record(record(2, uc_id="other"))

    def minutes(since="", until=""):
        return [int(found.work_key[1:]) for found in store.by_workload("inventory", since, until)]

    assert minutes() == [0, 1, 2, 3, 4]
    assert minutes("2026-01-31T12:01:00.000000Z", "2026-01-31T12:03:00.000000Z") == [1, 2, 3]
    assert minutes(since="2026-01-31T12:03:00.000001Z") == [4]
    assert minutes(until="2026-01-31T12:00:59.000000Z") == [0]


def test_an_execution_has_its_records(store):
    tracker(store).record(record(1))
    tracker(store).record(record(2))
    assert list(store.by_execution("arn:2")) == [record(2)]
    assert list(store.by_execution("arn:9")) == []


def test_a_query_goes_over_pages(store):
    """100 KB each: DynamoDB gives 1 MB a page."""
    keys = tuple(f"{number:03d}{'x' * 1000}" for number in range(100))
    for number in range(12):
        tracker(store).record(record(number, output_keys=keys))
    found = [found.work_key for found in store.by_workload("inventory")]
    assert found == [f"k{number}" for number in range(12)]


def test_an_output_leads_back_to_its_inputs(store):
    """Several outputs of one record, one output of several records, and one key that is part of another."""
    tracker(store).record(record(0, output_keys=("out/a", "out/a.index", "out/a")))
    tracker(store).record(record(1, source_file_key="/vol1/b", output_keys=("out/a",)))
    tracker(store).record(record(2, source_file_key="/vol1/c", output_keys=("out/c",)))

    def inputs(key):
        return [found.source_file_key for found in store.by_output(key)]

    assert inputs("out/a") == ["/vol1/b", "/vol1/a"]
    assert inputs("out/a.index") == ["/vol1/a"]
    assert inputs("out") == []
    assert next(iter(store.by_output("out/c"))) == record(
        2, source_file_key="/vol1/c", output_keys=("out/c",)
    )


def test_a_record_that_is_stored_is_found_by_each_of_its_outputs_whenever_its_writer_dies(store, dynamodb):
    """Die before each call in turn: what is there is whole, and the next try completes it."""
    made = record(0, output_keys=("out/1", "out/2"))
    for dying_at in range(4):

        class Dying:
            calls = 0

            def put_item(self, **request):
                if Dying.calls == dying_at:  # noqa: B023 - used within its round
                    raise SystemExit("died")
                Dying.calls += 1
                return dynamodb.put_item(**request)

        try:
            LineageStore(Dying(), TABLE).put(to_item(made, 0, 0))
        except SystemExit:
            found = [list(store.by_output(key)) for key in made.output_keys]
            assert found == ([[], []] if not list(store.by_file("/vol1/a")) else [[made], [made]])
    assert [list(store.by_output(key)) for key in made.output_keys] == [[made], [made]]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_give_every_record_once_in_order(store, limit):
    for number in range(6):
        tracker(store).record(record(number, step_functions_execution_arn="arn:x", output_keys=("out/all",)))
    answers = {
        "file": store.by_file("/vol1/a"),
        "workload": store.by_workload("inventory", "2026-01-31T12:00:00.000000Z"),
        "execution": store.by_execution("arn:x"),
        "output": store.by_output("out/all"),
    }
    for name, answer in answers.items():
        pages, token = [], None
        while not pages or token:
            page = answer.page(limit, token)
            pages.append(page.records)
            token = page.token
        assert all(len(page) <= limit for page in pages), name
        assert [found for page in pages for found in page] == list(answer), name
        assert len(list(answer)) == 6, name


def test_a_token_of_another_query_or_of_no_query_is_refused_with_one_sentence(store):
    for number in range(3):
        tracker(store).record(record(number))
    good = store.by_file("/vol1/a").page(1).token
    assert good is not None
    own = json.loads(base64.urlsafe_b64decode(good))
    forged = [
        base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
        for value in (None, 1, [], {}, [own[0]], [own[0], {}], [own[0], {"x": 1}], ["0" * 16, own[1]])
    ]
    for token in ["", "x", "é", "=", good[:-4], good + "AAAA", "W1tb" * 50_000, *forged]:
        with pytest.raises(RejectedError, match="the page token is none of this query; use the token"):
            store.by_file("/vol1/a").page(1, token)
    with pytest.raises(RejectedError, match="none of this query"):
        store.by_file("/vol1/b").page(1, good)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_of_no_size_is_refused(store, limit):
    with pytest.raises(RejectedError, match=f"limit is {limit}; it must be 1 to 1000"):
        store.by_file("/vol1/a").page(limit)


def test_a_store_that_does_not_answer_is_an_error_and_not_an_empty_answer(dynamodb):
    absent = LineageStore(dynamodb, "absent")
    for answer in (
        absent.by_file("/vol1/a"),
        absent.by_workload("inventory"),
        absent.by_execution("arn:1"),
        absent.by_output("out/a"),
    ):
        with pytest.raises(MisconfiguredError, match="ResourceNotFoundException"):
            list(answer)
        with pytest.raises(MisconfiguredError, match="ResourceNotFoundException"):
            answer.page()


def test_what_was_written_first_stays(store):
    """A repetition differs in what it measured, and falls into an hour that an export may not know of."""
    store.put(to_item(record(duration_ms=1), 0, 0))
    store.put(to_item(record(duration_ms=2), 10**10, 0))
    assert [found.duration_ms for found in store.by_file("/vol1/a")] == [1]


def test_writing_a_record_twice_is_writing_it_once(store):
    lines = []
    for _ in range(2):
        assert tracker(store, lines).record(record()) == RecordResult(True)
    assert list(store.by_file("/vol1/a")) == [record()]
    assert [line["LineageRecords_count"] for line in lines] == [1, 1]
    assert [line["LineageFailures_count"] for line in lines] == [0, 0]  # an alarm needs to see the zeros


def test_a_record_that_cannot_be_stored_is_told_and_counted_and_raises_nothing(store, dynamodb, capsys):
    lines = []
    result = tracker(LineageStore(dynamodb, "absent"), lines).record(record())
    assert (result.stored, result.reason) == (False, "aws_refused")
    assert "ResourceNotFoundException" in result.message
    assert [line["LineageFailures_count"] for line in lines] == [1]
    logged = json.loads(capsys.readouterr().out)
    assert (logged["event"], logged["work_key"], logged["execution_arn"]) == ("record.lost", "k0", "arn:0")
    assert logged["reason"] == "aws_refused"


@pytest.mark.parametrize("broken", [record(uc_id=""), record(fpolicy_sequence_number=1.5)])
def test_a_record_of_ours_that_is_wrong_raises_nothing_either(store, broken):
    assert not tracker(store).record(broken).stored


def test_wrong_settings_are_refused_before_any_work(monkeypatch):
    monkeypatch.delenv("LINEAGE_TABLE", raising=False)
    with pytest.raises(MisconfiguredError, match="LINEAGE_TABLE"):
        LineageTracker()
