"""Lineage records for tests: one ordinary record, and a strategy for any that the table keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fsxn_runtime.lineage import LineageRecord, LineageStatus, RetentionProfile
from fsxn_runtime.lineage.metadata import MAX_BYTES, to_text
from hypothesis import strategies as st

from tests.support.file_events import times

_texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
_checksums = st.text("0123456789abcdef", min_size=64, max_size=64)
_numbers = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
)
_names = st.text(min_size=1, max_size=9).filter(lambda name: not name.startswith("$"))
_values = st.recursive(
    st.none() | st.booleans() | _numbers | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=12,
)
metadata = st.dictionaries(_names, _values, max_size=4)


def lineage_record(**changes: Any) -> LineageRecord:
    """The work on /vol1/legal/a.pdf that made out/a.json, with the given fields changed."""
    record = LineageRecord(
        source_file_key="/vol1/legal/a.pdf",
        processing_timestamp="2026-01-31T12:00:00.000001Z",
        uc_id="inventory",
        status=LineageStatus.SUCCESS,
        step_functions_execution_arn="arn:1",
        work_key="k",
        event_id="e",
        action="process",
        output_keys=("out/a.json",),
        duration_ms=1_500,
    )
    return replace(record, **changes)


def lineage_records() -> st.SearchStrategy[LineageRecord]:
    """Any record that can be kept, whether a workload would write it or not."""
    return st.builds(
        LineageRecord,
        source_file_key=_texts,
        processing_timestamp=times,
        uc_id=_texts,
        status=st.sampled_from(LineageStatus),
        step_functions_execution_arn=st.none() | _texts,
        work_key=_texts,
        event_id=_texts,
        action=_texts,
        output_keys=st.lists(_texts, max_size=5).map(tuple),
        duration_ms=st.integers(0, 10**9),
        target_path=st.none() | _texts,
        input_checksum=st.none() | _checksums,
        output_checksum=st.none() | _checksums,
        fpolicy_sequence_number=st.none() | st.integers(0, 2**64),
        guardrail_mode=st.none() | st.sampled_from(["DRY_RUN", "ENFORCE", "BREAK_GLASS"]),
        reason=_texts,
        policy_version=st.none() | _texts,
        uc_template_version=st.none() | _texts,
        retention_profile=st.none() | st.sampled_from(RetentionProfile),
        metadata=metadata.filter(lambda given: len(to_text(given)) < MAX_BYTES / 2),
    )
