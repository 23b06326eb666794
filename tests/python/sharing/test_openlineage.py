"""Records as OpenLineage events, checked against what the project publishes."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import asdict
from uuid import UUID

import pytest
from fsxn_runtime.events import LAST_TIME_US, format_timestamp, parse_timestamp
from fsxn_runtime.lineage import LineageStatus
from fsxn_runtime.sharing import LINEAGE_RECORD, FieldClass, Names, for_outside, run_events
from hypothesis import given
from hypothesis import strategies as st

from tests.support.lineage_records import lineage_record, lineage_records
from tests.support.openlineage_schema import validator

KEY = bytes(range(32))
NAMES = Names("prod", "file://svm1.example.com", "s3://results", "urn:fsxn:lineage")
VALID = validator()


@given(lineage_records(), st.booleans())
def test_every_event_keeps_the_published_form(record, hashed):
    values = for_outside(asdict(record), LINEAGE_RECORD, KEY) if hashed else asdict(record)
    for event in run_events(values, NAMES):
        VALID.validate(json.loads(json.dumps(event)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("eventType",), "DONE"),
        (("eventTime",), "yesterday"),
        (("eventTime",), "2026-01-31T12:00:00"),
        (("run", "runId"), "arn:1"),
        (("producer",), "no uri"),
        (("schemaURL",), "https://openlineage.io/spec/1-0-0/OpenLineage.json"),
        (("job", "name"), 7),
        (("job", "facets", "jobType", "integration"), None),
        (("inputs", 0, "namespace"), None),
        (("run", "facets", "tags", "tags", 0, "value"), 1),
        (("run", "facets", "errorMessage", "_schemaURL"), "https://example.com"),
        (("workload",), "unknown field"),
    ],
)
def test_the_check_refuses_what_the_specification_refuses(path, value):
    _, event = run_events(asdict(lineage_record(status=LineageStatus.FAILED, reason="timed_out")), NAMES)
    VALID.validate(event)
    broken = deepcopy(event)
    place = broken
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not VALID.is_valid(broken)


@pytest.mark.parametrize(("part", "field"), [("run", "runId"), ("job", "namespace")])
def test_the_check_refuses_what_lacks_a_required_field(part, field):
    start, _ = run_events(asdict(lineage_record()), NAMES)
    broken = deepcopy(start)
    del broken[part][field]
    assert not VALID.is_valid(broken)


@given(lineage_records())
def test_nothing_hashed_or_withheld_is_anywhere_in_an_event(record):
    values = asdict(record)
    told = json.dumps(run_events(for_outside(values, LINEAGE_RECORD, KEY), NAMES))
    public = json.dumps([str(values[name]) for name, kind in LINEAGE_RECORD.items() if kind == "as_is"])
    for name, kind in LINEAGE_RECORD.items():
        if kind is FieldClass.AS_IS or not values[name] or name == "metadata":
            continue
        for secret in values[name] if isinstance(values[name], tuple) else [str(values[name])]:
            shown = json.dumps(secret)[1:-1]
            # Short ones occur by chance; a name may also be the workload's.
            assert len(shown) < 12 or shown not in told or shown in public


@given(lineage_records())
def test_a_run_loses_no_field_of_its_record(record):
    values = asdict(record)
    events = run_events(values, NAMES)
    told = json.dumps(events[1:], ensure_ascii=False)
    for name, value in values.items():
        if not events or value is None or name in ("processing_timestamp", "metadata", "output_keys"):
            continue
        assert json.dumps(str(value), ensure_ascii=False)[1:-1] in told, name
    if events:
        assert [each["name"] for each in events[1]["outputs"]] == list(record.output_keys)


@given(lineage_records())
def test_a_run_starts_and_ends_once_and_not_before_it_starts(record):
    events = run_events(asdict(record), NAMES)
    if not events:
        assert record.step_functions_execution_arn is None or record.status in ("duplicate", "filtered")
        return
    start, end = events
    assert start["eventType"] == "START"
    assert start["eventTime"] == record.processing_timestamp
    began, ended = (parse_timestamp(event["eventTime"]) for event in events)
    assert ended - began == record.duration_ms * 1_000 or ended == LAST_TIME_US - 1
    wanted = {"success": "COMPLETE", "failed": "FAIL", "superseded": "ABORT"}[record.status]
    assert end["eventType"] == wanted
    assert start["run"]["runId"] == end["run"]["runId"]


def test_the_same_execution_is_the_same_run_and_another_another():
    def run_id(**changes):
        return run_events(asdict(lineage_record(**changes)), NAMES)[0]["run"]["runId"]

    # Fixed for ever: a consumer that has the run already must know it again.
    assert run_id(step_functions_execution_arn="arn:1") == "636e4945-337c-5074-82a0-44bf0042dc0f"
    assert UUID(run_id()).version == 5
    assert run_id(work_key="other", uc_id="other") == run_id()
    assert run_id(step_functions_execution_arn="arn:2") != run_id(step_functions_execution_arn="arn:1")


def test_datasets_are_named_as_the_specification_says():
    _, end = run_events(asdict(lineage_record(output_keys=("out/a.json", "out/b.json"))), NAMES)
    [source] = end["inputs"]
    assert (source["namespace"], source["name"]) == ("file://svm1.example.com", "/vol1/legal/a.pdf")
    assert end["outputs"] == [
        {"namespace": "s3://results", "name": "out/a.json"},
        {"namespace": "s3://results", "name": "out/b.json"},
    ]


def test_a_failure_says_why_unless_that_is_withheld():
    failed = lineage_record(status=LineageStatus.FAILED, reason="timed_out")
    _, clear = run_events(asdict(failed), NAMES)
    _, closed = run_events(for_outside(asdict(failed), LINEAGE_RECORD, KEY), NAMES)
    assert clear["run"]["facets"]["errorMessage"]["message"] == "timed_out"
    assert closed["run"]["facets"]["errorMessage"]["message"] == "(withheld)"


def test_a_run_that_would_end_after_the_last_year_ends_with_it():
    late = lineage_record(processing_timestamp=format_timestamp(LAST_TIME_US - 1), duration_ms=2**64)
    assert run_events(asdict(late), NAMES)[1]["eventTime"] == "9999-12-31T23:59:59.999999Z"
