"""What a listing asks for: scope, the event that stands for a version, the way of a pass."""

from __future__ import annotations

import json

import fastjsonschema
import pytest
from fsxn_runtime.events import EventType
from fsxn_runtime.routing import parse_pattern
from fsxn_runtime.workloads import listing
from fsxn_runtime.workloads.listing import Scope
from fsxn_runtime.workloads.model import ObjectVersion, Page, SkipReason, Watermark
from fsxn_runtime.workloads.start import parse as parse_message
from hypothesis import given
from hypothesis import strategies as st

from tests.support.patterns import patterns
from tests.support.workload_world import T0

SECOND = 1_000_000


def scope(detail=None, **changes):
    wanted = {"source": ["fsxn.fpolicy"], "detail": {"event_type": ["FILE_CREATE"], **(detail or {})}}
    place = {"svm_name": "svm1", "volume_name": "vol1", "junction_path": "/vol1"} | changes
    return Scope(parse_pattern(wanted), **place)


def version(key="legal/a.pdf", *, etag="e", at=T0, size=3):
    return ObjectVersion(key, size, etag, at)


def test_a_listed_version_becomes_an_event_that_the_schema_and_the_starter_take(repository):
    event = scope().event(version(), 0, T0 + SECOND)
    schema = json.loads((repository / "python/fsxn_runtime/file_event.schema.json").read_text())
    fastjsonschema.validate(schema, event.to_dict())
    assert parse_message(listing.message(event)) == (event, None)
    assert (event.file_path, event.timestamp) == ("/vol1/legal/a.pdf", "2026-01-31T12:00:00.000000Z")
    assert (event.event_type, event.operation, event.session_id) == (EventType.FILE_CREATE, "LISTING", "")


def test_the_same_version_listed_again_is_the_same_event_and_another_version_is_not():
    def event_id(found):
        return scope().event(found, 0, T0).event_id

    ids = [event_id(version()), event_id(version(etag="f")), event_id(version(at=T0 + SECOND))]
    assert len({*ids, event_id(version())}) == 3


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("legal/", SkipReason.DIRECTORY),
        ("legal//a.pdf", SkipReason.PATH_NOT_ADDRESSABLE),
        ("./a.pdf", SkipReason.PATH_NOT_ADDRESSABLE),
        ("legal/../a.pdf", SkipReason.PATH_NOT_ADDRESSABLE),
        ("other/a.pdf", SkipReason.OUT_OF_SCOPE),
    ],
)
def test_what_is_not_asked_for_has_a_reason(key, reason):
    assert scope({"file_path": [{"prefix": "/vol1/legal"}]}).event(version(key), 0, T0) is reason


def test_an_object_from_before_the_pass_is_unchanged_and_one_of_its_first_moment_is_not():
    assert scope().event(version(at=T0 - 1), T0, T0) is SkipReason.UNCHANGED
    assert not isinstance(scope().event(version(at=T0), T0, T0), SkipReason)


def test_a_time_before_1970_which_a_client_may_set_is_listed_when_all_are():
    event = scope().event(version(at=-5 * SECOND), 0, T0)
    assert event.timestamp == "1970-01-01T00:00:00.000000Z"


def test_the_scope_speaks_of_svm_and_volume_too():
    assert scope({"svm_name": ["svm1"]}).event(version(), 0, T0).svm_name == "svm1"
    assert scope({"svm_name": ["svm2"]}).event(version(), 0, T0) is SkipReason.OUT_OF_SCOPE
    assert scope({"volume_name": ["vol2"]}).event(version(), 0, T0) is SkipReason.OUT_OF_SCOPE


def test_a_workload_of_deletions_alone_takes_nothing_that_is_listed():
    wanted = scope({"event_type": ["FILE_DELETE"]})
    assert wanted.event(version(), 0, T0) is SkipReason.OUT_OF_SCOPE
    assert wanted.prefixes() == []


@pytest.mark.parametrize(
    ("detail", "prefixes"),
    [
        ({}, [""]),
        ({"file_path": [{"prefix": "/vol1/b/"}, {"prefix": "/vol1/a/"}]}, ["a/", "b/"]),
        ({"file_path": [{"prefix": "/vol1/a/"}, {"prefix": "/vol1/a/b/"}]}, ["a/"]),
        ({"file_path": [{"wildcard": "/vol1/a/*.pdf"}]}, ["a/"]),
        ({"file_path": [{"suffix": ".pdf"}]}, [""]),
        ({"file_path": [{"prefix": "/vol1"}]}, [""]),
        ({"file_path": [{"prefix": "/vol2/"}]}, []),
        # What modules/workload writes: a rename counts by its new name too, but a listed file has no other.
        ({"$or": [{k: [{"prefix": "/vol1/a/"}]} for k in ("file_path", "target_path")]}, ["a/"]),
    ],
)
def test_only_the_folders_of_the_scope_are_listed(detail, prefixes):
    assert scope(detail).prefixes() == prefixes


@given(patterns(), st.text("ab/", min_size=1, max_size=4))
def test_everything_in_scope_lies_below_the_listed_prefixes(pattern, key):
    wanted = Scope(parse_pattern(pattern), "svm1", "vol1", "/a")
    if not isinstance(wanted.event(version(key), 0, T0), SkipReason):
        assert sum(key.startswith(prefix) for prefix in wanted.prefixes()) == 1


def test_a_pass_that_begins_anew_still_looks_for_what_changed_since_the_same_time():
    known = listing.under_way(Watermark(T0, T0), T0 + 500 * SECOND, 120, ["a/", "b/"])
    known = listing.after_page(known, Page((), ""), ["a/", "b/"])
    again = listing.restarted(known, T0 + 900 * SECOND, ["a/", "b/"])
    assert again.under_way.since_us == known.under_way.since_us == T0 - 120 * SECOND
    assert (again.under_way.prefix, again.under_way.started_us) == ("a/", T0 + 900 * SECOND)


def test_a_pass_through_a_folder_that_left_the_scope_begins_anew():
    known = listing.under_way(Watermark(T0, T0), T0, 120, ["a/", "b/"])
    assert listing.under_way(known, T0 + SECOND, 120, ["b/"]).under_way.prefix == "b/"
    assert listing.under_way(known, T0 + SECOND, 120, ["a/", "b/"]) == known


def test_the_mark_moves_at_the_end_of_a_pass_to_its_begin_and_never_back():
    known = listing.under_way(Watermark(T0, T0), T0 - SECOND, 120, ["a/", "b/"])
    known = listing.after_page(known, Page((), "more"), ["a/", "b/"])
    known = listing.after_page(known, Page((), ""), ["a/", "b/"])
    assert (known.mark_us, known.under_way.prefix) == (T0, "b/")
    assert listing.after_page(known, Page((), ""), ["a/", "b/"]).mark_us == T0


def test_behind_counts_from_the_begin_of_polling_until_the_first_pass_is_through():
    known = listing.first_watermark(T0, process_existing=True)
    assert known.mark_us == 0
    assert listing.behind_us(known, T0 + SECOND) == SECOND
