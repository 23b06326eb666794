"""File events for tests: one ordinary event, and a strategy for any event the schema allows."""

from __future__ import annotations

from typing import Any

from fsxn_runtime.events import (
    EVENT_TYPE_BY_OPERATION,
    SCHEMA_VERSION,
    EventType,
    FileEvent,
    format_timestamp,
)
from hypothesis import strategies as st

_LAST_TIME_US = 253_402_300_799_999_999


def file_event(**changes: Any) -> FileEvent:
    """An NFS create of /vol1/legal/a.pdf at a fixed time, with the given fields changed."""
    event = FileEvent(
        event_id="0123456789abcdef0123456789abcdef",
        event_type=EventType.FILE_CREATE,
        svm_name="svm1",
        volume_name="vol1",
        file_path="/vol1/legal/a.pdf",
        client_ip="192.0.2.10",
        timestamp="2026-01-31T12:00:00.000001Z",
        session_id="4f0c9d0a-0000-4000-8000-000000000001",
        sequence_number=101,
        operation="NFS_CREAT",
        protocol="NFS",
        protocol_version="3.0",
        svm_uuid="0d3b8d6e-1111-4222-8333-444455556666",
        volume_msid=2147484674,
        policy_name="fsxn_policy",
        user={"unix_uid": 1001},
        file_size=0,
        received_at="2026-01-31T12:00:00.250000Z",
        timestamp_source="ontap",
        replayed=False,
    )
    return event._replace(**changes)


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_names = _texts.filter(bool)
_numbers = st.integers(0, 2**64 - 1)
times = st.integers(0, _LAST_TIME_US).map(format_timestamp)


def file_events() -> st.SearchStrategy[FileEvent]:
    """Any event that the schema allows, whether ONTAP would send it or not."""
    return st.builds(
        FileEvent,
        event_id=st.binary(min_size=16, max_size=16).map(bytes.hex),
        event_type=st.sampled_from(EventType),
        svm_name=_texts,
        volume_name=_texts,
        file_path=_names,
        client_ip=_texts,
        timestamp=times,
        session_id=_texts,
        sequence_number=_numbers,
        operation=st.sampled_from(sorted(EVENT_TYPE_BY_OPERATION)) | _names,
        protocol=st.sampled_from(["NFS", "SMB"]),
        protocol_version=_texts,
        svm_uuid=_texts,
        volume_msid=_numbers,
        policy_name=_texts,
        user=st.dictionaries(_texts, _texts | _numbers, max_size=3),
        file_size=st.none() | _numbers,
        received_at=times,
        timestamp_source=st.sampled_from(["ontap", "server"]),
        replayed=st.booleans(),
        target_path=st.none() | _texts,
        offset=st.none() | _numbers,
        length=st.none() | _numbers,
        path_bytes=st.none() | _texts,
        target_path_bytes=st.none() | _texts,
        file_type=st.none() | _texts,
        attribute_mask=st.none() | _numbers,
        schema_version=st.just(SCHEMA_VERSION),
    )
