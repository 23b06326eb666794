"""Which renames are suspicious."""

from __future__ import annotations

import pytest
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.events import EventType, FileEvent
from fsxn_runtime.workloads.rename_watcher.core import alert, new_extension
from fsxn_runtime.workloads.rename_watcher.settings import WatcherSettings
from hypothesis import given
from hypothesis import strategies as st

from tests.support.file_events import file_event

LISTED = frozenset({"locked", "enc", "id-7.locked"})
names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12)


def renamed(old: str, new: str) -> FileEvent:
    return file_event(event_type=EventType.FILE_RENAME, file_path=f"/vol1/{old}", target_path=f"/vol1/{new}")


@pytest.mark.parametrize(
    ("old", "new", "extension"),
    [
        ("a.pdf", "a.pdf.locked", "locked"),
        ("a.pdf", "A.PDF.LOCKED", "locked"),
        ("a.pdf", "a.id-7.locked", "id-7.locked"),
        ("a.pdf", "b.pdf", None),
        ("a.pdf", "locked", None),
        ("a.pdf", "a.unlocked", None),
        ("a.locked", "b.locked", None),
        ("a.locked", "a.pdf", None),
        ("a.pdf", "x.locked/a.pdf", None),
    ],
)
def test_a_rename_is_suspicious_when_it_gives_a_listed_extension(
    old: str, new: str, extension: str | None
) -> None:
    assert new_extension(renamed(old, new), LISTED) == extension


@given(old=names, new=names, extension=st.sampled_from(sorted(LISTED)))
def test_a_listed_extension_that_a_name_newly_has_is_never_missed(old: str, new: str, extension: str) -> None:
    found = new_extension(renamed(old, f"{new}.{extension}"), LISTED)
    had = {each for each in LISTED if old.lower().endswith(f".{each}")}
    assert found is not None or had


def test_an_event_without_a_target_is_harmless() -> None:
    assert new_extension(file_event(), LISTED) is None


def test_people_are_told_who_renamed_what_from_where() -> None:
    told = alert(renamed("a.pdf", "ü.locked"), "locked", "rename-watcher", 900)
    assert (told["file_path"], told["target_path"]) == ("/vol1/a.pdf", "/vol1/ü.locked")
    assert (told["client_ip"], told["user"]) == ("192.0.2.10", {"unix_uid": 1001})
    assert len(told["subject"]) <= 100  # SNS takes no more, and only ASCII
    assert told["subject"].isascii()


ENVIRONMENT = {
    "UC_ID": "rename-watcher",
    "EXTENSIONS": " .Locked,enc,",
    "ALERT_TOPIC_ARN": "arn:aws:sns:us-east-1:111122223333:topic",
    "WINDOW_TABLE": "window",
}


def test_extensions_are_read_without_dots_and_in_small_letters() -> None:
    settings = WatcherSettings.from_env(ENVIRONMENT)
    assert (settings.extensions, settings.window_seconds) == (frozenset({"locked", "enc"}), 900)


@pytest.mark.parametrize(("name", "value"), [*((name, "") for name in ENVIRONMENT), ("WINDOW_SECONDS", "59")])
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(MisconfiguredError, match=name):
        WatcherSettings.from_env(ENVIRONMENT | {name: value})
