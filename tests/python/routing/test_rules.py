"""The check of rules against brute force: every event over a small alphabet, matched one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from fsxn_runtime.events import DETAIL_TYPE, EVENT_SOURCE
from fsxn_runtime.routing import Kind, Rule, check, parse_pattern
from fsxn_runtime.routing.pattern import Exists, Glob, Other, Scalar, meets
from fsxn_runtime.routing.rules import DOMAIN, example, shortest_text
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.file_events import file_events
from tests.support.patterns import path_matchers, patterns

pieces = st.text("aB", max_size=2)
globs = st.builds(
    lambda texts, ignores: Glob(tuple(t.lower() if ignores else t for t in texts), ignores),
    st.lists(pieces, min_size=1, max_size=3),
    st.booleans(),
)
matchers = st.one_of(
    globs,
    globs,
    st.builds(lambda found: Other(tuple(found)), st.lists(globs, min_size=1, max_size=2)),
    st.builds(Exists, st.booleans()),
    st.just(Scalar(1)),
)
tests_of_a_field = st.lists(st.lists(matchers, min_size=1, max_size=2).map(tuple), min_size=1, max_size=3)


def texts(alphabet: str, longest: int) -> Iterator[str]:
    for length in range(longest + 1):
        yield from map("".join, product(alphabet, repeat=length))


SHORT = list(texts("aAbBx", 4))


@given(tests_of_a_field)
def test_a_text_is_found_exactly_when_there_is_one(tests):
    """What is found meets every test and none is shorter; when nothing is found, no short text meets them."""
    found = shortest_text(tests)
    met = [text for text in SHORT if all(meets(test, True, text) for test in tests)]
    if found is None:
        assert met == []
    else:
        assert all(meets(test, True, found) for test in tests)
        assert len(found) <= min(map(len, met), default=len(found))


def test_another_case_is_a_value_of_its_own():
    tests = [(Glob(("a",), ignores_case=True),), (Other((Glob(("a",)),)),)]
    assert shortest_text(tests) == "A"


PATHS = [f"/{rest}" for rest in texts("a/x", 3)]


def every_event() -> Iterator[dict[str, Any]]:
    """All events of the alphabet: two types, two SVMs and another, every path, every target of a rename."""
    for kind, svm, path in product(["FILE_WRITE", "FILE_RENAME"], ["svm1", "svm2"], PATHS):
        detail = {"event_type": kind, "svm_name": svm, "file_path": path}
        targets = PATHS if kind == "FILE_RENAME" else [None]
        for target in targets:
            more = {} if target is None else {"target_path": target}
            yield {"source": EVENT_SOURCE, "detail-type": DETAIL_TYPE, "detail": {**detail, **more}}


EVENTS = list(every_event())
small = patterns(
    types=["FILE_WRITE", "FILE_RENAME"], paths=path_matchers(st.text("a/", min_size=1, max_size=2))
)


@settings(max_examples=settings.default.max_examples * 2)
@given(small, small)
def test_overlap_and_never_are_what_matching_every_event_says(one, two):
    first, second = parse_pattern(one), parse_pattern(two)
    taken = [event for event in EVENTS if first.matches(event)]
    found = {(finding.kind, finding.rules) for finding in check([Rule("one", one), Rule("two", two)])}
    assert ((Kind.NEVER, ("one",)) in found) == (not taken)
    both = any(second.matches(event) for event in taken)
    assert ((Kind.OVERLAP, ("one", "two")) in found) == both


@given(patterns(), patterns())
def test_the_example_is_an_event_that_both_take(one, two):
    first, second = parse_pattern(one), parse_pattern(two)
    found = example(first, second)
    if found is not None:
        assert first.matches(found) and second.matches(found) and DOMAIN.matches(found)


def test_the_local_bus_takes_the_examples_too(emulator):  # noqa: F811
    client = emulator.client("events")
    seen = []

    @given(patterns(), patterns())
    def decide(one, two):
        found = example(parse_pattern(one), parse_pattern(two))
        if found is not None:
            seen.append(found)
            event = {
                "id": "1",
                "account": "0",
                "time": "2026-01-31T12:00:00Z",
                "region": "r",
                "resources": [],
            }
            for pattern in (one, two):
                answer = client.test_event_pattern(
                    EventPattern=json.dumps(pattern), Event=json.dumps(event | found)
                )
                assert answer["Result"]

    decide()
    assert seen


@given(file_events())
def test_events_outside_the_domain_are_not_what_the_platform_makes(event):
    """The domain is no narrower than the schema where paths are absolute and targets go with their types."""
    data = event.to_dict() | {"file_path": "/" + event.file_path}
    has_target = event.event_type in ("FILE_RENAME", "DIR_RENAME", "FILE_LINK")
    if has_target:
        data["target_path"] = "/b"
    elif event.event_type != "UNKNOWN":
        data.pop("target_path", None)
    else:
        data["target_path"] = "/b"
    assert DOMAIN.matches({"source": EVENT_SOURCE, "detail-type": DETAIL_TYPE, "detail": data})


def detail(**fields: Any) -> dict[str, Any]:
    return {"source": [EVENT_SOURCE], "detail": fields}


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (detail(event_type=["FILE_MOVE"]), "nothing fits detail.event_type"),
        (detail(file_path=[{"prefix": "vol1/"}]), "nothing fits detail.file_path"),
        (detail(event_type=["FILE_WRITE"], target_path=[{"prefix": "/a"}]), "its fields exclude each other"),
        (detail(department=["legal"]), "nothing fits detail.department"),
        ({"source": ["aws.s3"]}, "nothing fits source"),
        (detail(svm_name=[{"exists": False}]), "nothing fits detail.svm_name"),
        (detail(sequence_number=["1"]), "nothing fits detail.sequence_number"),
        (detail(replayed=["true"]), "nothing fits detail.replayed"),
    ],
)
def test_a_rule_that_takes_nothing_is_named_with_what_excludes_it(pattern, words):
    (finding,) = check([Rule("r", pattern)])
    assert finding.kind is Kind.NEVER
    assert words in finding.text


@pytest.mark.parametrize(
    "pattern",
    [
        detail(file_size=[None]),
        detail(sequence_number=[7]),
        detail(replayed=[False]),
        detail(user={"unix_uid": [0]}),
        detail(path_bytes=[{"exists": True}]),
        detail(offset=[{"exists": False}]),
        {"region": ["us-east-1"], **detail(svm_name=[{"anything-but": ["svm1"]}])},
    ],
)
def test_fields_of_every_kind_are_known(pattern):
    assert check([Rule("r", pattern)]) == []


def test_a_pattern_that_is_not_understood_is_said_and_not_guessed():
    (finding,) = check([Rule("r", detail(file_size=[{"numeric": [">", 1]}]))])
    assert finding.kind is Kind.UNKNOWN


def test_scopes_of_many_folders_are_decided():
    """As large as a rule can be: forty folders by two suffixes against forty others."""

    def scope(letter: str) -> dict[str, Any]:
        found = [{"wildcard": f"/vol1/{letter}{n}/*.{s}"} for n in range(20) for s in ("pdf", "docx")]
        return {"source": [EVENT_SOURCE], "detail": {"$or": [{"file_path": found}, {"target_path": found}]}}

    findings = check([Rule("a", scope("a")), Rule("b", scope("b")), Rule("a2", scope("a"))])
    assert [f.rules for f in findings] == [("a", "a2"), ("a", "b"), ("a2", "b")]
    # a and b meet in renames alone: the old name in one, the new name in the other.
    assert findings[1].example["detail"]["event_type"] in (
        "FILE_RENAME",
        "DIR_RENAME",
        "FILE_LINK",
        "UNKNOWN",
    )
