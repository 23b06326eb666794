"""The scan finds a secret in every form in which a program writes it, and nothing else."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.secret_scan import SHORTEST, scan

values = st.text(st.characters(exclude_categories=["Cs"]), min_size=SHORTEST, max_size=40)


@given(values, st.text(max_size=5), st.text(max_size=5))
def test_a_secret_is_found_in_every_form_wherever_it_stands(value: str, before: str, after: str):
    before, after = (text.encode(errors="replace").decode() for text in (before, after))
    for form in (
        f"{before}{value}{after}",
        json.dumps({"message": f"{before}{value}{after}"}),
        f"https://host/?p={quote(before + value, safe='')}&x={after}",
        f"Basic {base64.b64encode(f'{before}:{value}'.encode()).decode()}",
        base64.b64encode(f"{before}{value}{after}".encode()).decode(),
    ):
        assert scan({"it": value}, [("log", form.encode())]) == ["it is in log"]


def test_other_text_is_no_secret_and_each_place_is_named_once():
    found = scan(
        {"one": "first-secret", "two": "other-secret"},
        [("a", b"nothing"), ("b", b"first-secret first-secret"), ("c", b"first-secre other-secret")],
    )
    assert found == ["one is in b", "two is in c"]


def test_what_is_too_short_to_be_looked_for_is_refused():
    with pytest.raises(ValueError, match="pin: shorter than 8"):
        scan({"pin": "1234567"}, [])
