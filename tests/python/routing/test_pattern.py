"""Event patterns: read as the user guide says, matched as the bus matches, wherever this file's forms go."""

from __future__ import annotations

import json
import re

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.routing import parse_pattern as parse
from fsxn_runtime.routing.pattern import Glob
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.patterns import events, patterns

FILE = ("detail", "file_path")


def match(pattern, **detail):
    return parse({"detail": pattern}).matches({"detail": detail})


@pytest.mark.parametrize(
    ("wanted", "takes", "leaves"),
    [
        ("ab", ["ab"], ["a", "abb", "AB", 1, None]),
        ({"prefix": "ab"}, ["ab", "abc"], ["a", "xab", 1]),
        ({"suffix": "ab"}, ["ab", "cab"], ["b", "abx"]),
        ({"wildcard": "a*b*"}, ["ab", "axb", "axbx"], ["ba", "a"]),
        ({"wildcard": "ab*bc"}, ["abbc", "abxbc"], ["abc"]),  # one b cannot serve both ends
        ({"equals-ignore-case": "aB"}, ["AB", "ab"], ["abc"]),
        ({"prefix": {"equals-ignore-case": "A"}}, ["ab", "Ab"], ["b"]),
        ({"suffix": {"equals-ignore-case": ".PDF"}}, ["x.pdf"], ["pdf"]),
        ({"anything-but": "a"}, ["b", 1, None], ["a"]),
        ({"anything-but": ["a", "b"]}, ["c"], ["a", "b"]),
        ({"anything-but": {"prefix": "a"}}, ["ba"], ["ab"]),
        ({"anything-but": {"suffix": [".a", ".b"]}}, ["x.c"], ["x.a", "x.b"]),
        ({"exists": True}, ["a", 0], []),
        (True, [True], [1, "true", False]),
        (3, [3], [True, "3"]),
        (None, [None], ["", 0]),
    ],
)
def test_a_field_is_matched_as_the_guide_says(wanted, takes, leaves):
    assert [value for value in [*takes, *leaves] if match({"x": [wanted]}, x=value)] == takes
    assert not match({"x": [wanted]})


def test_a_field_that_is_missing_meets_only_what_asks_for_that():
    assert match({"x": [{"exists": False}]}, y="a")
    assert not match({"x": [{"exists": False}]}, x="a")
    assert match({"x": [{"exists": False}, "a"]}, x="a")


def test_fields_are_joined_by_and_entries_by_or_and_dollar_or_by_or():
    pattern = {"type": ["w"], "$or": [{"old": [{"prefix": "a"}]}, {"new": [{"prefix": "a"}]}]}
    assert match(pattern, type="w", old="ab", new="x")
    assert match(pattern, type="w", old="x", new="ab")
    assert not match(pattern, type="w", old="x", new="x")
    assert not match(pattern, type="c", old="ab")


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        "{}",
        '{"a": "b"}',
        '{"a": []}',
        '{"a": [{"numeric": ["=", 1]}]}',
        '{"a": [{"cidr": "10.0.0.0/8"}]}',
        '{"a": [{"wildcard": "a\\\\*"}]}',
        '{"a": [{"prefix": "a", "suffix": "b"}]}',
        '{"a": [{"anything-but": []}]}',
        '{"$or": {"a": ["b"]}}',
    ],
)
def test_what_is_wrong_or_unknown_is_refused_and_never_guessed(document):
    with pytest.raises(RejectedError, match="event pattern"):
        parse(document)


@given(patterns(), events())
def test_heads_bound_every_match(pattern, event):
    """Whatever a pattern takes begins with one of its heads, and no head lies within another."""
    known = parse(pattern)
    heads = known.heads(FILE, event)
    if known.matches(event) and "file_path" in event["detail"]:
        assert any(event["detail"]["file_path"].startswith(head) for head in heads)
    assert not any(one != two and one.startswith(two) for one in heads for two in heads)


@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=4), st.text("ab", max_size=8))
def test_a_glob_takes_what_a_regular_expression_takes(pieces, text):
    expression = ".*".join(re.escape(piece) for piece in pieces)
    assert Glob(tuple(pieces)).matches(text) == (re.fullmatch(expression, text, re.DOTALL) is not None)


def test_the_local_bus_decides_the_same(emulator):  # noqa: F811
    """Every generated pair of pattern and event, decided here and by TestEventPattern of the local AWS."""
    client = emulator.client("events")
    told = {True: 0, False: 0}

    @settings(max_examples=300)
    @given(patterns(), events())
    def decide(pattern, event):
        envelope = {"id": "1", "account": "0", "time": "2026-01-31T12:00:00Z", "region": "r", "resources": []}
        answer = client.test_event_pattern(
            EventPattern=json.dumps(pattern), Event=json.dumps(envelope | event)
        )
        assert parse(pattern).matches(event) == answer["Result"]
        told[answer["Result"]] += 1

    decide()
    assert min(told.values()) > 20
