"""The file event under any input."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import FileEvent, derive_event_id, format_timestamp, parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from tests.support.file_events import file_event, file_events

SCHEMA = Path(__file__).parents[3] / "python/fsxn_runtime/file_event.schema.json"
NAMES = sorted(file_event().to_dict().keys() | {"target_path", "offset", "length", "path_bytes"})

texts = st.text(max_size=4)
operations = st.fixed_dictionaries(
    {
        "svm_uuid": texts,
        "volume_msid": st.integers(0, 20),
        "operation": texts,
        "path": st.binary(max_size=4),
        "target_path": st.none() | st.binary(max_size=4),
        "offset": st.none() | st.integers(0, 20),
        "length": st.none() | st.integers(0, 20),
        "time_us": st.none() | st.integers(0, 20),
        "client_ip": texts,
        "session_id": texts,
        "request_id": st.integers(0, 20),
    }
)
json_values = st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.just([]) | st.just({})


@cache
def validator() -> Any:
    return fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))


def schema_accepts(data: dict[str, Any]) -> bool:
    try:
        validator()(data)
    except fastjsonschema.JsonSchemaException:
        return False
    return True


def dataclass_accepts(data: dict[str, Any]) -> bool:
    try:
        FileEvent.from_dict(data)
    except RejectedError:
        return False
    return True


@given(event=file_events())
def test_writing_and_reading_an_event_gives_the_same_event(event: FileEvent) -> None:
    assert FileEvent.from_dict(json.loads(json.dumps(event.to_dict()))) == event


@given(event=file_events())
def test_the_schema_accepts_every_event(event: FileEvent) -> None:
    assert schema_accepts(event.to_dict())


@given(event=file_events(), name=st.sampled_from(NAMES), value=json_values)
def test_schema_and_dataclass_refuse_the_same_objects(event: FileEvent, name: str, value: object) -> None:
    data = {**event.to_dict(), name: value}
    assert schema_accepts(data) == dataclass_accepts(data)


@given(time_us=st.integers(0, 253_402_300_799_999_999))
def test_writing_and_reading_a_time_gives_the_same_time(time_us: int) -> None:
    assert parse_timestamp(format_timestamp(time_us)) == time_us


@given(text=st.text())
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        assert format_timestamp(parse_timestamp(text)) == text
    except RejectedError:
        pass


@given(first=operations, second=operations)
def test_different_operations_have_different_ids(first: dict[str, Any], second: dict[str, Any]) -> None:
    def identity(operation: dict[str, Any]) -> dict[str, Any]:
        timed = operation["time_us"] is not None
        return {k: v for k, v in operation.items() if not (timed and k in ("session_id", "request_id"))}

    same = identity(first) == identity(second)
    assert (derive_event_id(**first) == derive_event_id(**second)) == same


@given(operation=operations, split=st.integers(0, 4))
def test_moving_bytes_between_path_and_target_changes_the_id(operation: dict[str, Any], split: int) -> None:
    both = operation["path"] + (operation["target_path"] or b"")
    moved = {**operation, "path": both[:split], "target_path": both[split:]}
    same = moved["path"] == operation["path"] and moved["target_path"] == operation["target_path"]
    assert (derive_event_id(**moved) == derive_event_id(**operation)) == same
