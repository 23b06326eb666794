"""The file event: schema, dataclass and contract agree; times and ids have known values."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import fastjsonschema
import jsonschema
import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import (
    EVENT_TYPE_BY_OPERATION,
    SCHEMA_VERSION,
    EventType,
    FileEvent,
    derive_event_id,
    format_timestamp,
    parse_timestamp,
)

from tests.support.file_events import file_event

# The contract, written down a second time: (name, required).
CONTRACT = {
    "schema_version": True,
    "event_id": True,
    "event_type": True,
    "svm_name": True,
    "volume_name": True,
    "file_path": True,
    "client_ip": True,
    "timestamp": True,
    "session_id": True,
    "sequence_number": True,
    "target_path": False,
    "operation": True,
    "protocol": True,
    "protocol_version": True,
    "svm_uuid": True,
    "volume_msid": True,
    "policy_name": True,
    "user": True,
    "file_size": True,
    "offset": False,
    "length": False,
    "received_at": True,
    "timestamp_source": True,
    "replayed": True,
    "path_bytes": False,
    "target_path_bytes": False,
    "file_type": False,
    "attribute_mask": False,
}

OPERATION: dict[str, Any] = {
    "svm_uuid": "0d3b8d6e-1111-4222-8333-444455556666",
    "volume_msid": 2147484674,
    "operation": "NFS_WR",
    "path": b"/legal/a.pdf",
    "target_path": None,
    "offset": 0,
    "length": 4096,
    "time_us": 1763900000124356,
    "client_ip": "192.0.2.10",
    "session_id": "5",
    "request_id": 7,
}


@pytest.fixture(scope="module")
def schema(repository: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(
        (repository / "python/fsxn_runtime/file_event.schema.json").read_text(encoding="utf-8")
    )
    return loaded


def test_the_schema_is_a_valid_draft_7_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)


def test_class_schema_and_contract_have_the_same_fields(schema: dict[str, Any]) -> None:
    assert set(FileEvent._fields) == CONTRACT.keys()
    assert schema["properties"].keys() == CONTRACT.keys()


def test_schema_and_contract_require_the_same_fields(schema: dict[str, Any]) -> None:
    assert set(schema["required"]) == {name for name, required in CONTRACT.items() if required}


@pytest.mark.parametrize("name", CONTRACT)
def test_from_dict_and_schema_agree_on_a_missing_field(name: str, schema: dict[str, Any]) -> None:
    data = file_event(
        target_path="/x",
        offset=1,
        length=1,
        path_bytes="AA==",
        target_path_bytes="AA==",
        file_type="FILE",
        attribute_mask=1,
    ).to_dict()
    del data[name]
    if CONTRACT[name]:
        with pytest.raises(RejectedError, match=name):
            FileEvent.from_dict(data)
        with pytest.raises(fastjsonschema.JsonSchemaException):
            fastjsonschema.compile(schema)(data)
    else:
        FileEvent.from_dict(data)
        fastjsonschema.compile(schema)(data)


def test_the_schema_lists_every_event_type(schema: dict[str, Any]) -> None:
    assert schema["properties"]["event_type"]["enum"] == [str(kind) for kind in EventType]


def test_optional_fields_default_to_absent_and_file_size_is_always_there() -> None:
    data = file_event(file_size=None).to_dict()
    assert data["file_size"] is None
    assert not {"target_path", "offset", "length", "path_bytes"} & data.keys()
    assert FileEvent._field_defaults.keys() >= {"target_path", "offset"}


def test_the_event_type_in_the_object_is_a_plain_string() -> None:
    assert type(file_event().to_dict()["event_type"]) is str


def test_unknown_fields_are_ignored() -> None:
    assert FileEvent.from_dict({**file_event().to_dict(), "added_later": [1]}) == file_event()


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        file_event().file_path = "/other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("schema_version", "2.0"),
        ("schema_version", "1"),
        ("event_id", "0123456789ABCDEF0123456789ABCDEF"),
        ("event_id", "0123456789abcdef0123456789abcde\n"),
        ("event_type", "FILE_EXPLODE"),
        ("file_path", ""),
        ("file_path", 7),
        ("operation", ""),
        ("timestamp", "2026-01-31T12:00:00Z"),
        ("timestamp", "2026-01-31T12:00:00.000001Z\n"),
        ("received_at", "2026-01-31T12:00:00.000001+00:00"),
        ("sequence_number", -1),
        ("sequence_number", True),
        ("volume_msid", "7"),
        ("file_size", -1),
        ("offset", None),
        ("length", "many"),
        ("target_path", None),
        ("timestamp_source", "guess"),
        ("replayed", 1),
        ("user", "root"),
    ],
)
def test_a_wrong_field_is_named_and_the_schema_refuses_it_too(
    name: str, value: object, schema: dict[str, Any]
) -> None:
    data = {**file_event().to_dict(), name: value}
    with pytest.raises(RejectedError, match=name):
        FileEvent.from_dict(data)
    with pytest.raises(fastjsonschema.JsonSchemaException):
        fastjsonschema.compile(schema)(data)


def test_a_refusal_shows_a_long_value_cut() -> None:
    with pytest.raises(RejectedError) as caught:
        FileEvent.from_dict({**file_event().to_dict(), "event_id": "x" * 10_000})
    assert len(str(caught.value)) < 200


def test_every_request_type_of_the_protocol_has_an_event_type() -> None:
    assert len(EVENT_TYPE_BY_OPERATION) == 27
    assert EVENT_TYPE_BY_OPERATION["NFS_CREAT"] is EventType.FILE_CREATE
    assert EVENT_TYPE_BY_OPERATION["SMB_REN_DIR"] is EventType.DIR_RENAME
    assert EVENT_TYPE_BY_OPERATION["SMB_WR"] is EventType.FILE_WRITE
    assert EventType.UNKNOWN not in EVENT_TYPE_BY_OPERATION.values()
    for operation, kind in EVENT_TYPE_BY_OPERATION.items():
        assert operation.endswith("_DIR") == kind.startswith("DIR_"), operation


def test_an_event_id_never_changes_between_releases() -> None:
    """Ids stored by consumers and in lineage must stay comparable: a change here is a new major version."""
    encoded = (
        b"1|36:0d3b8d6e-1111-4222-8333-444455556666|2147484674|6:NFS_WR|0|4096|t1763900000124356"
        b"|10:192.0.2.10|12|None|/legal/a.pdf"
    )
    assert derive_event_id(**OPERATION) == hashlib.sha256(encoded).hexdigest()[:32]
    assert derive_event_id(**OPERATION) == "5fed171b2010c6c598c6b50797a388f7"


def test_session_and_request_do_not_enter_an_id_that_has_a_time() -> None:
    changed = {**OPERATION, "session_id": "6", "request_id": 8}
    assert derive_event_id(**changed) == derive_event_id(**OPERATION)


def test_without_a_time_session_and_request_take_its_place() -> None:
    timeless = {**OPERATION, "time_us": None}
    again = {**timeless, "request_id": 8}
    assert derive_event_id(**timeless) != derive_event_id(**again)


def test_a_time_is_written_with_all_digits() -> None:
    assert format_timestamp(1) == "1970-01-01T00:00:00.000001Z"
    assert format_timestamp(1763900000124356) == "2025-11-23T12:13:20.124356Z"


@pytest.mark.parametrize("time_us", [-1, 253_402_300_800_000_000])
def test_a_time_outside_the_calendar_is_refused(time_us: int) -> None:
    with pytest.raises(RejectedError, match=str(time_us)):
        format_timestamp(time_us)


@pytest.mark.parametrize(
    "text", ["2026-02-30T00:00:00.000000Z", "2026-01-01T00:00:60.000000Z", "1969-12-31T23:59:59.999999Z", ""]
)
def test_a_time_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(RejectedError, match="received_at"):
        parse_timestamp(text, "received_at")


def test_the_version_written_is_the_version_accepted() -> None:
    assert file_event().schema_version == SCHEMA_VERSION
    assert FileEvent.from_dict(file_event().to_dict()).schema_version == SCHEMA_VERSION
