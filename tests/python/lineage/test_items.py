"""Records and items."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from fsxn_runtime.errors import MisconfiguredError, RejectedError
from fsxn_runtime.lineage import LineageRecord, LineageSettings, LineageStatus
from fsxn_runtime.lineage.items import from_item, sort_key, to_item
from hypothesis import given
from hypothesis import strategies as st

from tests.support.file_events import times

NOW = 1_769_860_799_000_000  # 2026-01-31T11:59:59Z
RECORD = LineageRecord(
    source_file_key="/vol1/legal/a.pdf",
    processing_timestamp="2026-01-31T11:59:58.000001Z",
    uc_id="inventory",
    status=LineageStatus.SUCCESS,
    step_functions_execution_arn="arn:1",
    work_key="k",
    event_id="e",
    action="process",
)
_texts = st.text(min_size=1)
records = st.builds(
    LineageRecord,
    source_file_key=_texts,
    processing_timestamp=times,
    uc_id=_texts,
    status=st.sampled_from(LineageStatus),
    step_functions_execution_arn=_texts,
    work_key=_texts,
    event_id=_texts,
    action=_texts,
    output_keys=st.lists(_texts).map(tuple),
    duration_ms=st.integers(0, 10**9),
    target_path=st.none() | _texts,
    input_checksum=st.none() | _texts,
    output_checksum=st.none() | _texts,
    fpolicy_sequence_number=st.none() | st.integers(0, 2**64),
    guardrail_mode=st.none() | _texts,
    reason=st.none() | _texts,
)


@given(record=records, now=st.integers(0, 2 * NOW), days=st.integers(0, 36_500))
def test_what_is_written_is_what_is_read(record, now, days):
    item = to_item(record, now, days)
    stored = {name: Decimal(value) if isinstance(value, int) else value for name, value in item.items()}
    assert from_item(stored | {"from_a_later_version": "x"}) == record


@given(record=records, first=st.integers(0, NOW), second=st.integers(0, NOW))
def test_the_same_record_is_the_same_item_whenever_it_is_written(record, first, second):
    keys = ("source_file_key", "processing_timestamp")
    one, two = to_item(record, first, 0), to_item(replace(record, duration_ms=1), second, 0)
    assert [one[key] for key in keys] == [two[key] for key in keys]


@pytest.mark.parametrize(
    "changes",
    [
        {"uc_id": "other"},
        {"work_key": "other"},
        {"step_functions_execution_arn": "other"},
        {"status": LineageStatus.FAILED},
    ],
)
def test_two_records_of_one_microsecond_are_two_items(changes):
    assert sort_key(replace(RECORD, **changes)) != sort_key(RECORD)


@given(first=times, second=times)
def test_items_of_one_file_sort_by_time(first, second):
    keys = [sort_key(replace(RECORD, processing_timestamp=time)) for time in (first, second)]
    assert first == second or (keys[0] < keys[1]) == (first < second)


def test_the_hour_is_that_of_writing():
    assert to_item(RECORD, NOW + 1_000_000, 0)["write_hour"] == "2026-01-31T12"


def test_the_time_to_live_counts_from_writing_and_0_keeps_for_ever():
    assert to_item(RECORD, NOW, 1)["ttl"] == NOW // 1_000_000 + 86_400
    assert "ttl" not in to_item(RECORD, NOW, 0)


@pytest.mark.parametrize("name", ["source_file_key", "uc_id", "step_functions_execution_arn"])
def test_an_empty_key_is_rejected(name):
    with pytest.raises(RejectedError, match=name):
        to_item(replace(RECORD, **{name: ""}), NOW, 0)


def test_a_time_of_another_form_is_rejected():
    with pytest.raises(RejectedError, match="processing_timestamp"):
        to_item(replace(RECORD, processing_timestamp="2026-01-31"), NOW, 0)


def test_settings_have_the_documented_defaults():
    assert LineageSettings.from_env({"LINEAGE_TABLE": "t"}) == LineageSettings("t", 365, "FSxN-S3AP-Patterns")


@pytest.mark.parametrize(
    "env",
    [{}, {"LINEAGE_TABLE": "t", "LINEAGE_TTL_DAYS": "-1"}, {"LINEAGE_TABLE": "t", "LINEAGE_TTL_DAYS": "x"}],
)
def test_a_wrong_setting_is_named(env):
    with pytest.raises(MisconfiguredError, match="LINEAGE_"):
        LineageSettings.from_env(env)
