"""Hours, lines and names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from fsxn_runtime.errors import MisconfiguredError, RejectedError
from fsxn_runtime.lineage_export import core
from fsxn_runtime.lineage_export.parts import PartBuilder, lines_of, row_of
from fsxn_runtime.lineage_export.settings import ExportSettings
from hypothesis import given
from hypothesis import strategies as st

ENV = {
    "LINEAGE_TABLE": "t",
    "LINEAGE_EXPORT_TABLE": "e",
    "LINEAGE_EXPORT_BUCKET": "b",
    "LINEAGE_SIGNING_KEY": "k",
}
values = st.text() | st.integers() | st.booleans() | st.none() | st.lists(st.text(), max_size=3)
rows = st.fixed_dictionaries(
    {"source_file_key": st.text(), "processing_timestamp": st.text(), "write_hour": st.just("2026-01-31T10")},
    optional={"status": values, "metadata": values, "ttl": st.integers(0, 2**40)},
)


@given(moment=st.integers(0, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_a_time_lies_in_its_hour(moment):
    hour = core.hour_of(moment)
    assert core.begin_of(hour) <= moment < core.end_of(hour)


@pytest.mark.parametrize("hour", ["", "2026-01-31", "2026-01-31T24", "2026-1-31T01", "2026-01-31T01:00", "x"])
def test_another_form_of_hour_is_rejected(hour):
    with pytest.raises(RejectedError, match="is no hour; give one such as 2026-01-31T12"):
        core.begin_of(hour)


def test_hours_go_over_days_and_the_end_is_not_included():
    assert list(core.hours_between("2026-02-28T22", "2026-03-01T01")) == [
        "2026-02-28T22",
        "2026-02-28T23",
        "2026-03-01T00",
    ]


@given(found=st.lists(rows, max_size=8))
def test_rows_packed_and_read_are_the_same_rows_and_the_same_bytes_each_time(found):
    def pack():
        builder = PartBuilder()
        for row in found:
            builder.add(row)
        return builder.build()

    part = pack()
    assert (part.body, part.digest, part.count) == (pack().body, pack().digest, len(found))
    chunks = [part.body[at : at + 5] for at in range(0, len(part.body), 5)]
    assert [row_of(line) for line in lines_of(chunks)] == found


@given(found=st.lists(rows, max_size=6), data=st.data())
def test_the_sum_of_lines_does_not_depend_on_their_order_and_tells_sets_apart(found, data):
    lines = [core.line_of(row) for row in found]
    other = data.draw(st.permutations(lines))

    def total(given_lines):
        digest = 0
        for line in given_lines:
            digest = core.added(digest, line)
        return digest

    assert total(lines) == total(other)
    assert not lines or total(lines) != total(lines[1:])


def test_numbers_of_dynamodb_are_numbers_of_json():
    line = core.line_of({"a": Decimal(12), "b": Decimal("1.5"), "c": {"y", "x"}})
    assert json.loads(line) == {"a": 12, "b": "1.5", "c": ["x", "y"]}


@given(sequence=st.integers(1, 10**10 - 1))
def test_a_manifests_name_gives_its_number(sequence):
    assert core.sequence_of(core.manifest_key(sequence)) == sequence


@pytest.mark.parametrize(
    "key", ["manifests/1.json", "manifests/x.json", "manifests/", "manifests/0000000001"]
)
def test_other_names_have_no_number(key):
    assert core.sequence_of(key) is None


def test_settings_have_the_documented_defaults():
    settings = ExportSettings.from_env(ENV)
    assert (settings.since, settings.grace.seconds, settings.max_hours) == ("", 900, 48)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"LINEAGE_EXPORT_BUCKET": ""}, "LINEAGE_EXPORT_BUCKET is not set"),
        ({"LINEAGE_EXPORT_GRACE_MINUTES": "60"}, "must be a whole number from 1 to 59"),
        ({"LINEAGE_EXPORT_MAX_HOURS": "0"}, "must be a whole number from 1 to 1000"),
        ({"LINEAGE_EXPORT_SINCE": "yesterday"}, "'yesterday' is no hour"),
    ],
)
def test_a_wrong_setting_is_named(changes, said):
    with pytest.raises((MisconfiguredError, RejectedError), match=said):
        ExportSettings.from_env({**ENV, **changes})
