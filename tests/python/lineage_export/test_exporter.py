"""The export over memory: every row once, whatever dies, comes late or is missed."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pytest
from fsxn_runtime.errors import ConflictError, RejectedError
from fsxn_runtime.lineage_export import core
from fsxn_runtime.lineage_export.model import NO_PREVIOUS, Kind
from hypothesis import given
from hypothesis import strategies as st

from tests.support.export_world import HOUR, START, DiedError, ExportWorld

H10, H11, H12, H13 = (f"2026-01-31T{hour}" for hour in (10, 11, 12, 13))


@pytest.fixture
def world():
    made = ExportWorld()
    made.run()  # sets the start; nothing is due
    return made


def manifests(world):
    return [
        core.parse_manifest(json.loads(world.archive.read(key)[0])["manifest"])
        for key in world.archive.keys("manifests/")
    ]


def exported(world):
    """(hour of the object's partition, file) of every record in an object that a manifest names."""
    found = []
    for manifest in manifests(world):
        if manifest.object:
            assert f"dt={manifest.hour[:10]}/hour={manifest.hour[11:]}/" in manifest.object.key
            lines = gzip.decompress(world.archive.read(manifest.object.key)[0]).splitlines()
            assert len(lines) == manifest.count
            found += [(manifest.hour, json.loads(line)["source_file_key"]) for line in lines]
    return sorted(found)


def written(world):
    return sorted((hour, file) for hour, _, file in world.rows.rows)


def test_an_hour_is_sealed_when_it_and_the_grace_are_over(world):
    world.rows.write(H10, 1)
    world.now = START + HOUR + timedelta(minutes=14, seconds=59)
    assert world.run().sealed == ()
    world.now = START + HOUR + timedelta(minutes=15)
    assert world.run().sealed == (H10,)
    assert world.run().sealed == ()
    assert exported(world) == [(H10, "/vol1/1")]


def test_an_hour_without_records_has_a_manifest_that_says_so(world):
    world.now = START + 2 * HOUR
    world.run()
    (manifest,) = manifests(world)
    assert (manifest.hour, manifest.count, manifest.object, manifest.is_last) == (H10, 0, None, True)
    assert manifest.previous_sha256 == NO_PREVIOUS


def test_an_hour_of_many_records_is_written_in_parts_of_bounded_size(world):
    for number in range(7):
        world.rows.write(H10, number)
    world.now = START + 2 * HOUR
    world.run()
    assert [(m.part, m.count, m.is_last) for m in manifests(world)] == [
        (1, 3, False),
        (2, 3, False),
        (3, 1, True),
    ]
    assert exported(world) == written(world)


def test_a_run_without_time_for_the_next_part_goes_on_there_later(world):
    for number in range(7):
        world.rows.write(H10, number)
    world.now = START + 2 * HOUR
    runs = [world.run(remaining_ms=1_000) for _ in range(3)]
    assert [run.is_complete for run in runs] == [False, False, True]
    assert [manifest.part for manifest in manifests(world)] == [1, 2, 3]
    assert exported(world) == written(world)


def test_missed_runs_are_made_up_in_order_and_in_bounded_steps(world):
    for number in range(12):
        world.rows.write(core.shifted(H10, number), number)
    world.now = START + 13 * HOUR
    runs = [world.run(), world.run(), world.run()]
    assert [len(run.sealed) for run in runs] == [5, 5, 2]
    assert [run.is_complete for run in runs] == [False, False, True]
    assert [run.lag_seconds for run in runs] == [8 * 3600, 3 * 3600, 3600]
    assert exported(world) == written(world)


def test_late_records_become_another_object_that_names_their_hour(world):
    world.rows.write(H10, 1)
    world.now = START + 2 * HOUR
    world.run()
    before = dict(world.archive.objects)
    world.rows.write(H10, 2)
    world.now += HOUR
    run = world.run()
    assert (run.sealed, run.records, run.late_records) == ((H11,), 1, 1)
    late = [manifest for manifest in manifests(world) if manifest.kind is Kind.LATE]
    assert [(m.hour, m.count) for m in late] == [(H10, 1)]
    assert before.items() <= world.archive.objects.items()
    assert exported(world) == [(H10, "/vol1/1"), (H10, "/vol1/2")]


def test_rows_that_expired_meanwhile_are_not_taken_for_late_ones(world):
    world.rows.write(H10, 1)
    world.now = START + 2 * HOUR
    world.run()
    world.rows.rows.clear()
    world.now += 80 * HOUR
    world.catch_up()
    assert exported(world) == [(H10, "/vol1/1")]


def test_one_hour_can_be_exported_by_hand_also_from_before_the_first_run(world):
    early = core.shifted(H10, -5)
    world.rows.write(early, 1)
    world.rows.write(H10, 2)
    world.now = START + 2 * HOUR
    world.run()
    assert world.run_hour(early).records == 1
    world.rows.write(early, 3)
    assert world.run_hour(early).late_records == 1
    assert world.run_hour(early).records == 0
    assert world.run().lag_seconds == 3600  # the order of hours is not moved by it
    assert exported(world) == written(world)
    assert world.verify(early, core.shifted(early, 1)).ok


@pytest.mark.parametrize("hour", [H12, H13])
def test_an_hour_that_is_not_over_is_not_exported(world, hour):
    world.now = START + 2 * HOUR
    with pytest.raises(RejectedError, match=f"{hour} is not over, or not for 15 minutes"):
        world.run_hour(hour)


def test_an_hour_out_of_turn_is_refused_with_what_to_do(world):
    world.now = START + 4 * HOUR
    with pytest.raises(RejectedError, match="the hours from 2026-01-31T10 on come first; export without"):
        world.run_hour(H11)
    assert world.run().is_complete  # and the lease was given back


def test_two_runs_at_once_are_one(world):
    world.table.holder = ("other", int((START + 3 * HOUR).timestamp() * 1e6))
    world.now = START + 2 * HOUR
    with pytest.raises(ConflictError, match="another export runs"):
        world.run()
    world.now = START + 4 * HOUR
    assert len(world.run().sealed) == 3


def test_a_run_that_lost_its_lease_writes_nothing_over_another(world):
    """The slow one announced its part; the fast one has sealed the hour in the meantime."""
    world.rows.write(H10, 1)
    world.now = START + 2 * HOUR
    slow = world.exporter()
    put_once = world.archive.put_once

    def overtaken(*given):
        world.archive.put_once = put_once
        world.table.holder = None
        world.catch_up()
        return put_once(*given)

    world.archive.put_once = overtaken
    with pytest.raises(ConflictError):
        slow.run(world.now, _Plenty(), "slow")
    assert exported(world) == written(world)
    assert world.verify(H10, H11).ok


class _Plenty:
    def has(self, cost_ms):
        return True


def test_a_foreign_object_under_an_announced_name_stops_the_export_with_words(world):
    world.rows.write(H10, 1)
    world.now = START + 2 * HOUR
    world.archive.put("manifests/0000000001.json", b"{}")
    with pytest.raises(ConflictError, match=r"manifests/0000000001.json is there, and is not what"):
        world.run()


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_dies_at_any_step_leaves_what_the_next_one_finishes(after):
    """Two hours in three parts and a late record, dying before or after each effect in turn."""
    die_at = 0
    while True:
        world = ExportWorld(rows_per_part=2)
        for number in range(5):
            world.rows.write(H10, number)
        world.now = START
        world.run()
        world.now = START + 2 * HOUR
        world.run()
        world.rows.write(H10, 90)
        world.rows.write(H11, 91)
        world.now = START + 3 * HOUR
        world.steps.arm(die_at, after=after)
        try:
            world.run()
        except DiedError:
            world.steps.arm(None)
            world.rows.write(H11, 92)  # what is made anew is made of the rows as they are then
            world.now += HOUR
            world.catch_up()
            world.now += 80 * HOUR
            world.catch_up()
            assert exported(world) == written(world)
            result = world.verify(H10, H13)
            assert result.findings == ()
            die_at += 1
        else:
            assert die_at > 8
            return


actions = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 8), st.booleans()),  # so many hours late; hidden at first
    st.tuples(st.just("show")),
    st.tuples(st.just("hours"), st.integers(1, 7)),
    st.tuples(st.just("run"), st.none() | st.integers(0, 12), st.booleans()),
)


@given(todo=st.lists(actions, max_size=25), rows_per_part=st.integers(1, 3), max_hours=st.integers(1, 4))
def test_every_row_is_exported_once_and_the_chain_holds_whatever_happens(todo, rows_per_part, max_hours):
    """Rows late by up to eight hours, an index that lags, runs missed and runs that die at any step."""
    world = ExportWorld(rows_per_part=rows_per_part, max_hours=max_hours)
    world.run()
    number = 0
    for what, *how in todo:
        match what, how:
            case "write", [late, hidden]:
                hour = core.shifted(world.hour, -late)
                if core.begin_of(hour) >= START:
                    number += 1
                    world.rows.write(hour, number, hidden=hidden)
            case "show", _:
                world.rows.hidden.clear()
            case "hours", [hours]:
                world.now += hours * HOUR
            case "run", [die_at, after]:
                world.steps.arm(die_at, after=after)
                try:
                    world.run()
                except (DiedError, ConflictError):
                    pass  # the next run is a later one: the lease has ended by then
                world.steps.arm(None)
                world.now += HOUR
    world.rows.hidden.clear()
    end = world.hour
    world.now += 80 * HOUR
    world.catch_up()
    assert exported(world) == written(world)
    result = world.verify(H10, core.shifted(end, 1))
    assert result.findings == ()
    assert result.records == len(written(world))
    assert world.verify(H10, core.shifted(end, 1), alone=True).ok
