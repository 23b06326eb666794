"""What may leave the account, and what must not."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.sharing import FILE_EVENT, LINEAGE_RECORD, FieldClass, for_outside
from hypothesis import given
from hypothesis import strategies as st

from tests.support.file_events import file_event, file_events
from tests.support.lineage_records import lineage_records

KEY = bytes(range(32))


def secrets_of(values, classes):
    """Every text and number inside the fields that must not leave."""
    hidden = [value for name, value in values.items() if classes[name] is not FieldClass.AS_IS]
    while hidden:
        value = hidden.pop()
        if isinstance(value, dict):
            hidden += [*value, *value.values()]
        elif isinstance(value, list | tuple):
            hidden += value
        elif value is not None:
            yield str(value)


def assert_hides(values, classes):
    outcome = for_outside(values, classes, KEY)
    open_names = {name for name, class_ in classes.items() if class_ is FieldClass.AS_IS}
    assert {name: outcome[name] for name in open_names & set(values)} == {
        name: values[name] for name in open_names & set(values)
    }
    closed = json.dumps([value for name, value in outcome.items() if name not in open_names])
    for secret in secrets_of(values, classes):
        # A shorter one may occur in hexadecimal by chance.
        assert len(secret) < 12 or json.dumps(secret)[1:-1] not in closed


@given(lineage_records())
def test_nothing_of_a_hashed_or_withheld_field_is_in_what_leaves_of_a_record(record):
    assert_hides(asdict(record), LINEAGE_RECORD)


@given(file_events())
def test_nothing_of_a_hashed_or_withheld_field_is_in_what_leaves_of_an_event(event):
    assert_hides(event.to_dict(), FILE_EVENT)


def test_withheld_fields_are_not_even_named():
    assert "user" not in for_outside(file_event().to_dict(), FILE_EVENT, KEY)


def test_a_field_that_has_no_class_stays_in_the_account():
    assert for_outside({"uc_id": "a", "new_field": "b"}, LINEAGE_RECORD, KEY) == {"uc_id": "a"}


@given(st.text(min_size=1), st.binary(min_size=32, max_size=80))
def test_a_hash_is_hmac_sha_256_and_the_same_in_every_field(value, key):
    wanted = "hmac-sha256-" + hmac.digest(key, value.encode(), hashlib.sha256).hex()
    outcome = for_outside({"source_file_key": value, "output_keys": (value, value)}, LINEAGE_RECORD, key)
    assert outcome == {"source_file_key": wanted, "output_keys": [wanted, wanted]}


def test_another_key_gives_another_hash():
    one, two = (for_outside({"work_key": "k"}, LINEAGE_RECORD, bytes([n]) * 32) for n in (1, 2))
    assert one != two


def test_that_there_is_no_value_is_not_hidden():
    outcome = for_outside({"target_path": None, "source_file_key": ""}, LINEAGE_RECORD, KEY)
    assert outcome == {"target_path": None, "source_file_key": ""}


def test_a_short_key_is_refused():
    with pytest.raises(RejectedError, match="31 bytes; it must have at least 32"):
        for_outside({}, LINEAGE_RECORD, b"k" * 31)
