"""Every field of a lineage record and of a file event says whether it may leave the account."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import fields

from fsxn_runtime.lineage import LineageRecord
from fsxn_runtime.sharing import FILE_EVENT, LINEAGE_RECORD


def test_every_field_of_a_lineage_record_has_a_class() -> None:
    assert set(LINEAGE_RECORD) == {field.name for field in fields(LineageRecord)}


def test_every_field_of_a_file_event_has_a_class() -> None:
    schema = json.loads(pkgutil.get_data("fsxn_runtime", "file_event.schema.json") or b"")
    assert set(FILE_EVENT) == set(schema["properties"])
