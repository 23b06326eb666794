from __future__ import annotations

import itertools
import sqlite3
import tempfile
from pathlib import Path

import pytest
from fpolicy_server.delivery.spool.errors import SpoolDamagedError, SpoolUnavailableError
from fpolicy_server.delivery.spool.file import Record, SpoolFile
from hypothesis import given, settings
from hypothesis import strategies as st

MIB = 1024 * 1024
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
records = st.builds(Record, texts, texts, st.binary(max_size=50), st.binary(max_size=50), texts, texts)


def opened(path: Path, *, max_bytes: int = 64 * MIB) -> SpoolFile:
    return SpoolFile(path, max_bytes=max_bytes, is_synced=False)


def many(count: int, size: int = 100) -> list[Record]:
    return [Record(str(number), "FILE_CREATE", b"b" * size, b"p" * size) for number in range(count)]


@given(st.lists(st.lists(records, max_size=4), max_size=4), st.integers(1, 5))
@settings(max_examples=30)
def test_events_come_back_as_they_went_in_order_of_arrival(batches: list[list[Record]], page: int) -> None:
    """Append batch by batch, close and open in between, read page by page."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "spool.sqlite")
        for batch in batches:
            file = opened(path)
            file.append(batch)
            file.close()
        file = opened(path)
        found: list[Record] = []
        cursor = 0
        while rows := file.load(cursor, page):
            cursor = rows[-1][0]
            found += [record for _, record in rows]
        file.close()
        assert found == list(itertools.chain.from_iterable(batches))


def test_a_number_is_never_used_twice(tmp_path: Path) -> None:
    """Whoever reads on from a number must see everything that is appended later."""
    file = opened(tmp_path / "spool")
    file.append(many(3))
    numbers = [number for number, _ in file.load(0, 10)]
    file.delete(numbers)
    file.append(many(1))
    assert [number for number, _ in file.load(numbers[-1], 10)] == [4]
    file.close()


def test_an_open_file_has_no_second_owner(tmp_path: Path) -> None:
    file = opened(tmp_path / "spool")
    with pytest.raises(SpoolUnavailableError) as raised:
        opened(tmp_path / "spool")
    assert raised.value.code == "owned_elsewhere"
    file.close()
    opened(tmp_path / "spool").close()


def test_nothing_passes_the_bound_and_deleting_makes_room(tmp_path: Path) -> None:
    file = opened(tmp_path / "spool", max_bytes=MIB)
    with pytest.raises(SpoolUnavailableError) as raised:
        while True:
            file.append(many(10, size=4000))
    assert raised.value.code == "full"
    used = file.used_bytes()
    assert 0.9 * MIB < used <= 1.02 * MIB  # events and the pages around them
    assert len(file.ids(0, 1000)) % 10 == 0  # a batch is there as a whole or not at all
    file.delete([number for number, _ in file.load(0, 1000)])
    assert file.used_bytes() < 32 * 1024
    file.append(many(10, size=4000))
    file.close()


def test_a_full_disk_takes_nothing_and_harms_nothing(tmp_path: Path) -> None:
    """SQLite's own page bound stands for the disk's end: the same code, at the same places."""
    file = opened(tmp_path / "spool")
    file.append(many(5))
    file._database.execute("PRAGMA max_page_count = 10")
    with pytest.raises(SpoolUnavailableError) as raised:
        file.append(many(100, size=1000))
    assert raised.value.code == "disk_full"
    assert len(file.load(0, 1000)) == 5
    file._database.execute("PRAGMA max_page_count = 100000")
    file.append(many(100, size=1000))
    assert len(file.load(0, 1000)) == 105
    file.close()


def test_what_is_no_spool_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "spool").write_bytes(b"no database" * 1000)
    with pytest.raises(SpoolDamagedError) as raised:
        opened(tmp_path / "spool")
    assert raised.value.code == "damaged"


def test_damage_in_the_middle_shows_when_it_is_read(tmp_path: Path) -> None:
    file = opened(tmp_path / "spool")
    file.append(many(100, size=1000))
    file.close()
    data = bytearray((tmp_path / "spool").read_bytes())
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    (tmp_path / "spool").write_bytes(data)
    file = opened(tmp_path / "spool")
    with pytest.raises(SpoolDamagedError) as raised:
        file.load(0, 1000)
    assert raised.value.code == "damaged"
    file.close()


def test_a_file_of_another_version_is_not_touched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "spool") as database:
        database.execute("CREATE TABLE other (x)")
        database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(SpoolDamagedError) as raised:
        opened(tmp_path / "spool")
    assert raised.value.code == "unknown_format"


def test_only_a_lasting_spool_pays_for_each_commit_with_a_sync(tmp_path: Path) -> None:
    """PRAGMA synchronous: 2 is FULL, 1 is NORMAL (sqlite.org/pragma.html)."""
    for is_synced, level in ((True, 2), (False, 1)):
        file = SpoolFile(tmp_path / str(level), max_bytes=MIB, is_synced=is_synced)
        assert file._database.execute("PRAGMA synchronous").fetchone() == (level,)
        assert file._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        file.append(many(1))
        assert not Path(f"{tmp_path / str(level)}-shm").exists()  # nothing a network file system cannot do
        file.close()
