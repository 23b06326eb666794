"""Records and items."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from fsxn_runtime.errors import MisconfiguredError, RejectedError
from fsxn_runtime.lineage import LineageRecord, LineageSettings, LineageStatus, RetentionProfile
from fsxn_runtime.lineage.items import MAX_OUTPUT_KEYS, expiry_days, from_item, sort_key, to_item
from fsxn_runtime.lineage.metadata import MAX_BYTES, MAX_DEPTH, from_text, to_text
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.file_events import times
from tests.support.lineage_records import lineage_records, metadata

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


def stored_and_read(item):
    """The item as DynamoDB gives it back."""
    serialize, deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize
    return {name: deserialize(serialize(value)) for name, value in item.items()}


@given(record=lineage_records(), now=st.integers(0, 2 * NOW), days=st.integers(0, 36_500))
def test_what_is_written_is_what_is_read(record, now, days):
    item = to_item(record, now, days)
    assert from_item(stored_and_read(item) | {"from_a_later_version": "x"}) == record


def kinds(value):
    """Value and kind of each part: 1 == 1.0 == True in Python."""
    if isinstance(value, list):
        return [kinds(each) for each in value]
    if isinstance(value, dict):
        return {name: kinds(each) for name, each in value.items()}
    return type(value), value, str(value)


@given(given=metadata)
@example(given={"int": 2**200, "float": 0.1, "decimal": Decimal("1.10"), "tiny": 5e-324, "minus": -0.0})
@example(given={"nested": [{"true": True, "one": 1, "one_float": 1.0, "exponent": Decimal("1E+999999")}]})
@example(given={"lone surrogate": "\ud800"})
def test_metadata_come_back_equal_and_of_their_kind(given):
    try:
        text = to_text(given)
    except RejectedError as error:
        assert error.code == "metadata_size"
    else:
        assert kinds(from_text(text)) == kinds(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (math.nan, "metadata.x is nan; it must be a finite number"),
        (-math.inf, "metadata.x is -inf; it must be a finite number"),
        (Decimal("sNaN"), "metadata.x is sNaN; it must be a finite number"),
        (Decimal("Infinity"), "metadata.x is Infinity; it must be a finite number"),
        ([{"y": math.nan}], r"metadata.x\[0\].y is nan"),
        (b"bytes", "metadata.x is a bytes; it must be text, a number"),
        ((1, 2), "metadata.x is a tuple"),
        ({"$decimal": "1"}, "metadata.x has the name '\\$decimal'"),
        ({1: "x"}, "metadata.x has the name 1"),
        (10**1000, "metadata.x is too long a number; it must be of at most 1000 digits"),
        ("x" * MAX_BYTES, f"metadata takes 16392 bytes as JSON; at most {MAX_BYTES} are kept"),
    ],
)
def test_metadata_that_cannot_be_kept_are_rejected_with_words(given, said):
    with pytest.raises(RejectedError, match=said):
        to_item(replace(RECORD, metadata={"x": given}), NOW, 0)


def test_metadata_without_end_are_rejected():
    endless = {}
    endless["again"] = endless
    with pytest.raises(RejectedError, match=f"nested too deeply; it must be at most {MAX_DEPTH} levels deep"):
        to_item(replace(RECORD, metadata=endless), NOW, 0)


def test_an_item_of_the_first_version_is_read():
    """As records were written before they had a version."""
    item = {
        "source_file_key": "/vol1/legal/a.pdf",
        "processing_timestamp": "2026-01-31T11:59:58.000001Z#0a1b2c3d",
        "uc_id": "inventory",
        "status": "success",
        "step_functions_execution_arn": "arn:1",
        "work_key": "k",
        "event_id": "e",
        "action": "process",
        "output_keys": ["out/a.json"],
        "duration_ms": Decimal(12),
        "fpolicy_sequence_number": Decimal(7),
        "write_hour": "2026-01-31T12",
        "ttl": Decimal(1_800_000_000),
    }
    assert from_item(item) == replace(
        RECORD,
        schema_version="1.0",
        output_keys=("out/a.json",),
        duration_ms=12,
        fpolicy_sequence_number=7,
    )


def test_a_record_of_the_first_version_can_still_be_written_but_not_with_later_fields():
    first = replace(RECORD, schema_version="1.0")
    assert from_item(stored_and_read(to_item(first, NOW, 0))) == first
    with pytest.raises(RejectedError, match=r"policy_version: new in version 2; schema_version is 1\.0"):
        to_item(replace(first, policy_version="3"), NOW, 0)


@given(record=lineage_records(), first=st.integers(0, NOW), second=st.integers(0, NOW))
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


@pytest.mark.parametrize("status", LineageStatus)
def test_decisions_about_events_have_an_item_for_each_event_and_work_has_one_for_all(status):
    first, second = (sort_key(replace(RECORD, status=status, event_id=event)) for event in ("e1", "e2"))
    assert (first != second) == (status in ("duplicate", "filtered"))


def test_the_key_of_a_record_stays_what_it_was():
    """Or a repetition after an upgrade would be a second record."""
    assert sort_key(RECORD) == "2026-01-31T11:59:58.000001Z#45034dba"


@given(first=times, second=times)
def test_items_of_one_file_sort_by_time(first, second):
    keys = [sort_key(replace(RECORD, processing_timestamp=time)) for time in (first, second)]
    assert first == second or (keys[0] < keys[1]) == (first < second)


def test_the_hour_is_that_of_writing():
    assert to_item(RECORD, NOW + 1_000_000, 0)["write_hour"] == "2026-01-31T12"


def test_the_time_to_live_counts_from_writing_and_0_keeps_for_ever():
    assert to_item(RECORD, NOW, 1)["ttl"] == NOW // 1_000_000 + 86_400
    assert "ttl" not in to_item(RECORD, NOW, 0)


@pytest.mark.parametrize(
    ("profile", "ttl_days", "days"),
    [
        (None, 90, 90),
        (RetentionProfile.CUSTOM, 90, 90),
        (RetentionProfile.STANDARD, 90, 365),
        (RetentionProfile.COMPLIANCE, 90, 2557),
        (None, 0, 0),
        (RetentionProfile.STANDARD, 0, 0),
        (RetentionProfile.COMPLIANCE, 0, 0),
    ],
)
def test_the_profile_decides_how_long_a_record_is_kept_and_0_days_keep_every_one(profile, ttl_days, days):
    assert expiry_days(profile, ttl_days) == days
    item = to_item(replace(RECORD, retention_profile=profile), NOW, ttl_days)
    assert item.get("ttl", 0) == (NOW // 1_000_000 + days * 86_400 if days else 0)


@pytest.mark.parametrize(
    "name",
    [
        "source_file_key",
        "uc_id",
        "work_key",
        "event_id",
        "action",
        "step_functions_execution_arn",
        "target_path",
        "reason",
        "policy_version",
        "uc_template_version",
    ],
)
def test_an_empty_value_is_rejected_with_words(name):
    with pytest.raises(RejectedError, match=f"{name} is empty; it must have a value"):
        to_item(replace(RECORD, **{name: ""}), NOW, 0)


@pytest.mark.parametrize("status", [status for status in LineageStatus if status != "success"])
def test_what_was_not_done_must_say_why(status):
    with pytest.raises(RejectedError, match=f"a record that says {status} must say why"):
        to_item(replace(RECORD, status=status), NOW, 0)
    to_item(replace(RECORD, status=status, reason="replaced"), NOW, 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input_checksum": "A" * 64}, "input_checksum is '.*; it must be a SHA-256 as 64 lower-case hex"),
        ({"output_checksum": "d41d8cd98f00b204e9800998ecf8427e"}, "output_checksum is 'd41d8"),
        ({"input_checksum": ""}, "input_checksum is ''"),
        ({"status": "success"}, "status is 'success'; it must be success or superseded or failed or dup"),
        ({"duration_ms": -1}, "duration_ms is -1; it must be a whole number"),
        ({"duration_ms": 1.5}, "duration_ms is 1.5"),
        ({"fpolicy_sequence_number": True}, "fpolicy_sequence_number is True"),
        ({"guardrail_mode": "enforce"}, "guardrail_mode is 'enforce'; it must be DRY_RUN or ENFORCE or"),
        ({"retention_profile": "forever"}, "retention_profile is 'forever'; it must be standard-365d or"),
        ({"schema_version": "3.0"}, "schema_version is '3.0'; it must be 1.x or 2.x"),
        ({"metadata": [1]}, "metadata is .*; it must be a mapping"),
        ({"output_keys": ["a"]}, "output_keys is 'list'; it must be a tuple of at most 100 keys"),
        ({"output_keys": ("a",) * (MAX_OUTPUT_KEYS + 1)}, "output_keys is '101 keys'"),
        ({"output_keys": ("",)}, "an output key is empty"),
        ({"output_keys": ("x" * 1025,)}, "an output key is '1025 bytes long'; it must be at most 1024 bytes"),
        ({"source_file_key": "/" + "é" * 1024}, "source_file_key is '2049 bytes long'"),
        ({"uc_id": 7}, "uc_id is 7; it must be a text"),
        ({"target_path": "/vol1/\udcff"}, "target_path is '.*; it must be valid Unicode"),
    ],
)
def test_a_value_that_cannot_be_kept_is_rejected_with_words(changes, said):
    with pytest.raises(RejectedError, match=said):
        to_item(replace(RECORD, **changes), NOW, 0)


def test_a_long_reason_is_cut_and_loses_no_record():
    assert len(to_item(replace(RECORD, reason="x" * 10_000), NOW, 0)["reason"]) == 500


def test_a_decision_without_an_execution_is_in_no_index_of_executions():
    filtered = replace(
        RECORD, step_functions_execution_arn=None, status=LineageStatus.FILTERED, reason="directory"
    )
    assert "step_functions_execution_arn" not in to_item(filtered, NOW, 0)


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
