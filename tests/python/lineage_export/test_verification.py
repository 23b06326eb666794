"""What an auditor is told: each way of tampering is found, named, and nothing else is said to be wrong."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage_export import core
from fsxn_runtime.lineage_export.exporter import sealed
from fsxn_runtime.lineage_export.verification import MAX_FINDINGS
from hypothesis import given
from hypothesis import strategies as st

from tests.support.export_world import HOUR, START, ExportWorld, MemorySigner

HOURS = [core.shifted("2026-01-31T10", number) for number in range(7)]
H10, H11, H12, H13, H14 = HOURS[:5]


@pytest.fixture
def world():
    """Five hours: three records in two parts, none, two, none, one; and a late record in the first."""
    made = ExportWorld(rows_per_part=2)
    made.run()
    for number in range(3):
        made.rows.write(H10, number)
    made.rows.write(H12, 10)
    made.rows.write(H12, 11)
    made.now = START + 2 * HOUR
    made.catch_up()
    made.rows.write(H10, 5)
    made.rows.write(H14, 20)
    made.now = START + 6 * HOUR
    made.catch_up()
    return made


def codes(result):
    return sorted((finding.code, finding.hour) for finding in result.findings)


def objects_of(world, hour):
    return list(world.archive.keys(core.object_key(hour, 0, "").rpartition("/")[0]))


def manifest_of(world, sequence):
    return json.loads(world.archive.read(core.manifest_key(sequence))[0])


def rewrite(world, key, change):
    """Put a new version of an object whose lines went through `change`."""
    lines = gzip.decompress(world.archive.read(key)[0]).splitlines(keepends=True)
    world.archive.put(key, gzip.compress(b"".join(change(lines))))


def forget_versions(world, key):
    """What somebody does who may bypass the lock: only the newest version is left."""
    version, data = world.archive.objects[key][-1]
    world.archive.objects[key] = [(f"{version}-new", data)]


def test_an_untouched_period_is_whole(world):
    result = world.verify(H10, HOURS[5])
    assert (result.ok, result.hours, result.records, result.objects) == (True, 5, 7, 5)
    assert result.table_compared
    assert not world.verify(H10, HOURS[5], alone=True).table_compared


@pytest.mark.parametrize("since", range(5))
@pytest.mark.parametrize("length", [1, 2, 5])
def test_every_part_of_it_is_whole_too(world, since, length):
    until = min(since + length, 5)
    result = world.verify(HOURS[since], HOURS[until])
    assert result.findings == ()
    assert result.hours == until - since


def test_an_hour_that_is_not_sealed_is_a_gap(world):
    assert codes(world.verify(H14, HOURS[6])) == [("hour.gap", HOURS[5])]
    assert codes(world.verify("2026-01-31T08", H11)) == [
        ("hour.gap", "2026-01-31T08"),
        ("hour.gap", "2026-01-31T09"),
    ]


def test_a_removed_object_is_named_with_its_records(world):
    key = objects_of(world, H12)[0]
    world.archive.put(key, None)
    result = world.verify(H10, HOURS[5])
    assert codes(result) == [("object.missing", H12)]
    assert key in result.findings[0].text
    assert "with 2 records is not there; its signed version is still there" in result.findings[0].text
    del world.archive.objects[key]
    assert "its signed version is gone" in world.verify(H12, H13, alone=True).findings[0].text


@pytest.mark.parametrize(
    ("change", "code", "file"),
    [
        (lambda lines: lines[:1], "record.removed", "/vol1/11"),
        (lambda lines: [lines[0].replace(b"success", b"failed"), lines[1]], "record.changed", "/vol1/10"),
        (lambda lines: [*lines, lines[1].replace(b"/vol1/11", b"/vol1/99")], "record.inserted", "/vol1/99"),
    ],
)
def test_an_object_with_an_altered_record_says_which(world, change, code, file):
    key = objects_of(world, H12)[0]
    rewrite(world, key, change)
    result = world.verify(H10, HOURS[5], alone=True)
    assert codes(result) == sorted([("object.changed", H12), (code, H12)])
    (record,) = [finding for finding in result.findings if finding.code == code]
    assert record.subject.startswith(f"{file} at 2026-01-31T10:00:00.")
    assert key in record.text


def test_an_altered_object_whose_signed_version_is_gone_is_still_found(world):
    key = objects_of(world, H12)[0]
    rewrite(world, key, lambda lines: lines[:1])
    forget_versions(world, key)
    result = world.verify(H10, HOURS[5])
    assert codes(result) == [("object.changed", H12)]
    assert "its signed version is gone" in result.findings[0].text


@pytest.mark.parametrize(
    "data",
    [b"", b"no gzip", gzip.compress(b"no json\n"), gzip.compress(b"[]\n")[:-5]],
    ids=["empty", "no gzip", "no json", "cut"],  # gzip's bytes have the time in them
)
def test_an_object_that_became_something_else_is_a_changed_one(world, data):
    world.archive.put(objects_of(world, H12)[0], data)
    assert ("object.changed", H12) in codes(world.verify(H10, HOURS[5]))


def test_an_object_that_no_manifest_names_is_found(world):
    world.archive.put(core.object_key(H11, 999, "0" * 64), gzip.compress(b"{}\n"))
    assert codes(world.verify(H10, HOURS[5])) == [("object.unlisted", H11)]


def test_a_removed_manifest_breaks_the_chain_and_leaves_a_gap(world):
    """Number 4 is that of the hour without records."""
    sequence = next(n for n in range(1, 9) if manifest_of(world, n)["manifest"]["hour"] == H11)
    world.archive.put(core.manifest_key(sequence), None)
    result = world.verify(H10, HOURS[5])
    assert codes(result) == [("hour.gap", H11), ("manifest.missing", "")]
    assert core.manifest_key(sequence) in {finding.subject for finding in result.findings}


def test_manifests_cut_off_at_the_end_are_missed(world):
    """The archive alone shows only the gap; the export's own state knows how long the chain is."""
    last = world.table.stored.sequence
    world.archive.put(core.manifest_key(last), None)
    assert codes(world.verify(H10, HOURS[5], alone=True)) == [("hour.gap", H14), ("object.unlisted", H14)]
    assert ("manifest.missing", "") in codes(world.verify(H10, H14))


def test_an_altered_manifest_has_a_wrong_signature_and_breaks_the_chain(world):
    file = manifest_of(world, 1)
    file["manifest"]["count"] = 1
    world.archive.put(core.manifest_key(1), json.dumps(file).encode())
    found = codes(world.verify(H10, HOURS[5]))
    assert {("signature.wrong", H10), ("chain.broken", H10), ("hour.gap", H10)} <= set(found)
    assert {hour for _, hour in found} == {H10}


def test_a_manifest_signed_with_another_key_is_not_trusted(world):
    manifest = core.parse_manifest(manifest_of(world, 1)["manifest"])
    signature = MemorySigner(1).sign(core.sha256_of(core.body(manifest)))
    world.archive.put(core.manifest_key(1), sealed(manifest, "arn:key", signature))
    assert ("signature.wrong", H10) in codes(world.verify(H10, HOURS[5]))


def test_against_another_key_nothing_is_trusted(world):
    result = world.verify(H10, H12, key=1)
    assert {"signature.wrong", "hour.gap"} <= {finding.code for finding in result.findings}


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"manifest": {}, "signature": {}}', b"\xff", b'{"manifest": null}', b"1"]
)
def test_what_is_no_manifest_is_a_finding_and_no_crash(world, data):
    world.archive.put(core.manifest_key(2), data)
    assert ("manifest.unreadable", "") in codes(world.verify(H10, HOURS[5]))


def test_two_manifests_in_each_others_place_are_found(world):
    first, second = (world.archive.read(core.manifest_key(number))[0] for number in (1, 2))
    world.archive.put(core.manifest_key(1), second)
    world.archive.put(core.manifest_key(2), first)
    assert ("chain.broken", H10) in codes(world.verify(H10, HOURS[5]))


def test_a_whole_forged_chain_is_not_trusted_even_if_it_is_consistent(world):
    """Everything was written anew with another key, as somebody may who owns the bucket."""
    forged = ExportWorld()
    forged.run()
    forged.now = world.now
    forged.catch_up()
    world.archive.objects = forged.archive.objects
    for key in list(world.archive.keys("manifests/")):
        manifest = core.parse_manifest(json.loads(world.archive.read(key)[0])["manifest"])
        signature = MemorySigner(1).sign(core.sha256_of(core.body(manifest)))
        world.archive.put(key, sealed(manifest, "arn:key", signature))
    assert {"signature.wrong"} <= {code for code, _ in codes(world.verify(H10, HOURS[5], alone=True))}


def test_a_record_removed_from_the_table_is_named(world):
    world.rows.rows.pop(next(key for key in world.rows.rows if key[2] == "/vol1/10"))
    result = world.verify(H10, HOURS[5])
    assert codes(result) == [("record.removed", H12)]
    assert "from the table: it was exported, and has not expired" in result.findings[0].text


def test_a_record_that_expired_may_be_gone_from_the_table(world):
    row = world.rows.write(H14, 30, ttl=int(world.now.timestamp()) - 1)
    world.run_hour(H14)
    world.rows.rows.pop((H14, row["processing_timestamp"], row["source_file_key"]))
    assert world.verify(H10, HOURS[5]).ok


def test_a_record_changed_in_the_table_is_named(world):
    key = next(key for key in world.rows.rows if key[2] == "/vol1/10")
    world.rows.rows[key] = {**world.rows.rows[key], "status": "failed"}
    result = world.verify(H10, HOURS[5])
    assert [(finding.code, finding.subject[:8]) for finding in result.findings] == [
        ("record.changed", "/vol1/10")
    ]


def test_a_record_inserted_into_a_sealed_hour_is_named(world):
    world.rows.write(H11, 77)
    assert codes(world.verify(H10, HOURS[5])) == [("record.inserted", H11)]


def test_findings_are_counted_beyond_those_that_are_told(world):
    for number in range(MAX_FINDINGS + 5):
        world.rows.write(H11, 100 + number)
    result = world.verify(H11, H12)
    assert (result.finding_count, len(result.findings)) == (MAX_FINDINGS + 5, MAX_FINDINGS)


def test_a_part_that_is_announced_and_not_finished_is_no_finding(world):
    """A run may be at work while somebody verifies."""
    state = world.table.stored
    world.rows.write(HOURS[5], 40)
    world.now += HOUR
    put_once = world.archive.put_once
    seen = []

    def spy(key, *rest):
        done = put_once(key, *rest)
        if key.startswith("records/"):
            seen.append(codes(world.verify(HOURS[5], HOURS[6])))
        return done

    world.archive.put_once = spy
    world.run()
    assert world.table.stored.sequence > state.sequence
    assert seen == [[("hour.gap", HOURS[5])]]


def test_a_period_that_is_none_is_refused(world):
    with pytest.raises(RejectedError, match="is no period"):
        world.verify(H11, H11)


@given(data=st.data())
def test_any_changed_byte_of_the_archive_is_found(data):
    """One byte of one current object, whichever, is another: the verification is not ok."""
    world = ExportWorld(rows_per_part=2)
    world.run()
    for number in range(3):
        world.rows.write(H10, number)
    world.now = START + 3 * HOUR
    world.catch_up()
    key = data.draw(st.sampled_from(sorted(world.archive.objects)))
    body = bytearray(world.archive.read(key)[0])
    manifest = json.loads(bytes(body)) if key.startswith("manifests/") else None
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    world.archive.put(key, bytes(body))
    if manifest is not None and _same(manifest, bytes(body)):
        return  # spaces and names that say nothing: what is signed is the manifest, not its file
    assert not world.verify(H10, H12, alone=True).ok


def _same(manifest, data):
    try:
        found = json.loads(data)
        return (
            asdict(core.parse_manifest(found["manifest"])) == manifest["manifest"]
            and found["signature"]["value"] == manifest["signature"]["value"]
            and found["signature"]["algorithm"] == manifest["signature"]["algorithm"]
        )
    except (ValueError, KeyError, TypeError, RejectedError):
        return False
