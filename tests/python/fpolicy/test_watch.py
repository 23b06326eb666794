"""What is measured beside the steps: lost connections, the store, ONTAP's messages, the volume map."""

from __future__ import annotations

import pytest
from fsxn_runtime.fpolicy.model import Link
from fsxn_runtime.fpolicy.watch import (
    VOLUME_FULL,
    Ems,
    EmsPosition,
    VolumeUse,
    lost_at,
    new_messages,
    reconnect_seconds,
    store_is_full,
    store_used_pct,
    volume_map,
)
from hypothesis import given
from hypothesis import strategies as st

STORE = "fsxn_store"


def volume(name: str = "vol1", **changes: object) -> VolumeUse:
    members: dict[str, object] = {"svm_uuid": "u1", "svm_name": "svm1", "name": name, "msid": 7}
    members |= {"junction_path": f"/{name}", "used_pct": 5, **changes}
    return VolumeUse(**members)  # type: ignore[arg-type]


def message(number: int, at: int, name: str = "fpolicy.server.connect", text: str = "") -> Ems:
    return Ems(f"node-{number % 2}/{number}", name, f"2026-11-26T01:00:{at:02}+00:00", text)


# messages --------------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 2), max_size=30),
    st.lists(st.integers(0, 8), max_size=10),
)
def test_every_message_is_told_once_however_the_log_is_cut_into_reads(
    pauses: list[int], counts: list[int]
) -> None:
    """The log grows; a read gives what is there since the position's second, that second again included."""
    at, log = 0, []
    for number, pause in enumerate(pauses):
        at += pause
        log.append(message(number, at))
    position, told, there = EmsPosition("2026-11-26T00:59:59+00:00"), [], 0
    for count in [*counts, len(log)]:
        there = min(len(log), there + count)
        read = [each for each in log[:there] if each.time >= position.time]
        fresh, position = new_messages(read, position)
        told += [each.key for each in fresh]
    assert told == [each.key for each in log]


def test_a_read_without_messages_keeps_the_time_to_go_on_from() -> None:
    fresh, position = new_messages([], EmsPosition("2026-11-26T01:00:05+00:00", frozenset({"n/1"})))
    assert (fresh, position.time) == ([], "2026-11-26T01:00:05+00:00")


def test_only_the_last_second_is_remembered_however_much_came_before() -> None:
    read = [*(message(number, 1) for number in range(300)), message(300, 2)]
    assert new_messages(read, EmsPosition())[1] == EmsPosition(read[-1].time, frozenset({read[-1].key}))


def test_what_is_remembered_of_a_second_is_bounded() -> None:
    _, position = new_messages([message(number, 1) for number in range(1000)], EmsPosition())
    assert len(position.keys) == 200


# the map ---------------------------------------------------------------------------------------------


def test_the_map_has_names_and_paths_by_svm_and_msid() -> None:
    found = volume_map([volume(), volume("vol2", msid=8), volume("vol1", svm_uuid="u2", svm_name="svm2")])
    assert found == {
        "schema_version": "1.0",
        "svms": {
            "u1": {
                "name": "svm1",
                "volumes": {
                    "7": {"name": "vol1", "junction_path": "/vol1"},
                    "8": {"name": "vol2", "junction_path": "/vol2"},
                },
            },
            "u2": {"name": "svm2", "volumes": {"7": {"name": "vol1", "junction_path": "/vol1"}}},
        },
    }


def test_a_volume_that_no_notification_can_name_is_left_out() -> None:
    found = volume_map([volume(msid=None), volume("vol2", junction_path="")])
    assert found["svms"] == {"u1": {"name": "svm1", "volumes": {}}}


# the store -------------------------------------------------------------------------------------------


def test_the_stores_own_volume_is_measured() -> None:
    volumes = [volume(used_pct=99), volume(STORE, used_pct=12)]
    assert store_used_pct(volumes, STORE) == 12
    assert store_used_pct(volumes, "another") is None


@pytest.mark.parametrize(
    ("used_pct", "full"), [(None, False), (0, False), (98, False), (99, True), (100, True)]
)
def test_a_store_is_full_from_99_percent(used_pct: int | None, full: bool) -> None:
    assert store_is_full(used_pct, [], STORE) is full


def test_a_store_is_full_when_ontap_says_so_of_its_volume() -> None:
    told = message(1, 1, VOLUME_FULL, f"Volume {STORE}@vserver is full")
    assert store_is_full(12, [told], STORE)
    assert not store_is_full(12, [told], "another")
    assert not store_is_full(12, [message(1, 1, "fpolicy.server.connect", STORE)], STORE)


# lost connections ------------------------------------------------------------------------------------

_times = st.integers(0, 10**6)
_links = st.lists(
    st.builds(Link, st.just("n"), st.just("p"), st.just("s"), st.booleans(), st.just(""), st.none() | _times),
    max_size=4,
)


@given(st.none() | _times, _times, _links, _times)
def test_nothing_missing_is_nothing_lost(
    known_us: int | None, good_us: int, links: list[Link], now_us: int
) -> None:
    assert lost_at(False, known_us, good_us, links, now_us) is None
    assert reconnect_seconds(None, now_us) == 0


@given(_times, _times, _links, _times)
def test_what_is_known_to_be_lost_stays_lost_since_then(
    known_us: int, good_us: int, links: list[Link], now_us: int
) -> None:
    assert lost_at(True, known_us, good_us, links, now_us) == known_us


@given(_times, _links, _times)
def test_a_loss_is_never_in_the_future_nor_before_everything_was_seen(
    good_us: int, links: list[Link], now_us: int
) -> None:
    """ONTAP's clock is not ours: what it says is believed within what we saw ourselves."""
    lost_us = lost_at(True, None, good_us, links, now_us)
    assert lost_us is not None
    assert min(good_us, now_us) <= lost_us <= now_us
    assert reconnect_seconds(lost_us, now_us) >= 0
    broken = [link.changed_us for link in links if not link.is_connected and link.changed_us is not None]
    if broken and good_us <= min(broken) <= now_us:
        assert lost_us == min(broken)
    if not broken:
        assert lost_us == now_us


def test_what_a_connected_link_says_is_no_loss() -> None:
    links = [Link("n", "p", "a", True, "", 5), Link("n", "p", "b", False, "", 8)]
    assert lost_at(True, None, 0, links, 10) == 8


def test_seconds_are_counted_from_the_loss() -> None:
    assert reconnect_seconds(1_000_000, 8_500_000) == 7.5
    assert reconnect_seconds(9_000_000, 8_500_000) == 0
