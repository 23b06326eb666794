from __future__ import annotations

import json

import pytest
from fpolicy_server.verdict import MAX_RULES, DenyRule, rules_from_json, verdict
from fsxn_runtime.errors import MisconfiguredError
from hypothesis import given
from hypothesis import strategies as st

RULES = rules_from_json('[{"prefix": "/vol1/locked/", "answer": 5}, {"suffix": ".mp3", "answer": 6}]')
names = st.text("aB./", max_size=6)


def test_without_rules_everything_is_allowed() -> None:
    assert verdict((), "/vol1/a", None) == 1


@pytest.mark.parametrize(
    ("path", "target", "answer"),
    [
        ("/vol1/a.txt", None, 1),
        ("/vol1/locked/a.txt", None, 5),
        ("/VOL1/Locked/a.txt", None, 5),
        ("/vol1/locked", None, 1),
        ("/vol1/a.MP3", None, 6),
        ("/vol1/locked/a.mp3", None, 5),
        ("/vol1/a.txt", "/vol1/locked/a.txt", 5),
        ("/vol1/a.txt", "/vol1/a.mp3", 6),
    ],
)
def test_the_first_rule_that_fits_a_path_decides(path: str, target: str | None, answer: int) -> None:
    assert verdict(RULES, path, target) == answer


@given(names, names, names)
def test_a_rule_needs_prefix_and_suffix_of_one_path(prefix: str, suffix: str, path: str) -> None:
    rule = DenyRule(prefix.lower(), suffix.lower(), 2)
    fits = path.lower().startswith(prefix.lower()) and path.lower().endswith(suffix.lower())
    assert verdict((rule,), path, None) == (2 if fits else 1)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "no JSON"),
        ("{}", "list"),
        ("[1]", "rule 1"),
        ('[{"suffix": "a"}, {"contains": "b"}]', "rule 2"),
        ("[{}]", "prefix or a suffix"),
        ('[{"prefix": 1}]', "prefix or a suffix"),
        ('[{"prefix": "a", "answer": 1}]', "2 to 7"),
        ('[{"prefix": "a", "answer": 8}]', "2 to 7"),
        ('[{"prefix": "a", "answer": true}]', "2 to 7"),
        (json.dumps([{"prefix": "a"}] * (MAX_RULES + 1)), "at most 100"),
    ],
)
def test_a_wrong_rule_is_named(text: str, named: str) -> None:
    with pytest.raises(MisconfiguredError, match=named):
        rules_from_json(text)
