"""The list of properties is made from the suite, and the page has it as it is now."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.property_catalogue import PAGE, properties, written


def test_every_test_that_draws_its_input_is_in_the_list_as_it_is_now() -> None:
    page = PAGE.read_text()
    is_current = page == written(page, properties())
    assert is_current, "docs/reference/properties.md is old: python tools/property_catalogue.py"


def test_a_property_is_found_in_each_of_its_shapes(tmp_path: Path) -> None:
    """And examples, helpers and classes of another kind are not taken for one."""
    (tmp_path / "area").mkdir()
    (tmp_path / "area" / "test_shapes.py").write_text(
        "@given(st.integers())\ndef test_a_plain_one(n):\n    '''It holds. |'''\n\n"
        "@example(1)\n@hypothesis.given(n=x)\nasync def test_another_one(n): ...\n\n"
        "def test_one_with_its_property_within():\n    @given(x)\n    def holds(n): ...\n    holds()\n\n"
        "class TwoWords(RuleBasedStateMachine): ...\n\n"
        "class Other: ...\n\ndef test_an_example(): ...\n\ngiven = 1\n"
    )
    found = properties(tmp_path)
    assert [each.sentence for each in found] == [
        "a plain one",
        "another one",
        "one with its property within",
        "Two Words (a state machine)",
    ]
    assert {each.area for each in found} == {"area"}
    assert found[0].more == "It holds. |"


def test_a_page_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        written("nothing", [])
