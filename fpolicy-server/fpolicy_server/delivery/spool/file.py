"""One spool file: events in order of arrival in an SQLite database. Blocking; one thread uses it at a time.

How long a commit lasts is chosen by what is promised. On a lasting directory the promise is that an event
survives the host, so each commit is synced to the disk (synchronous FULL). Otherwise the disk dies with the
host, and only a killed process must lose nothing: the kernel has what was written (synchronous NORMAL).

The write-ahead log normally needs memory shared between processes, which a network file system cannot give;
with an exclusive lock, taken before the log is first used, SQLite keeps that index to itself ("Use of WAL
Without Shared-Memory", sqlite.org/wal.html). The same lock refuses a second owner.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fpolicy_server.delivery.spool.errors import SpoolDamagedError, SpoolUnavailableError

FORMAT: Final = 1  # kept in the file; a file of another format is not touched
BUSY_SECONDS: Final = 1.0  # a lock that is held is held for an owner's whole life
LOG_BYTES_KEPT: Final = 8 * 1024 * 1024  # of the write-ahead log after a checkpoint

_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REASONS: Final = {sqlite3.SQLITE_FULL: "disk_full", sqlite3.SQLITE_BUSY: "owned_elsewhere"}


@dataclass(frozen=True, slots=True)
class Record:
    """One event as it is kept: what is sent, and the wire bytes and reason in case it goes to quarantine."""

    id: str
    event_type: str
    body: bytes
    payload: bytes
    reason: str = ""
    detail: str = ""


class SpoolFile:
    """An open spool. `max_bytes` bounds what events fill; the write-ahead log takes some megabytes beyond it.

    Every method raises SpoolUnavailableError or SpoolDamagedError, and then has changed nothing.
    """

    def __init__(self, path: Path, *, max_bytes: int, is_synced: bool) -> None:
        self._path = path
        self._max_bytes = max_bytes
        with self._translated():
            # Transactions are ours, and the thread is another one when the process ends.
            self._database = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            with self._translated():
                self._open(is_synced)
        except BaseException:
            self._database.close()
            raise

    def append(self, records: Sequence[Record]) -> None:
        """Keep events behind all others: all of them, or none."""
        rows = [(r.id, r.event_type, r.body, r.payload, r.reason, r.detail) for r in records]
        used, added = self.used_bytes(), sum(len(r.body) + len(r.payload) for r in records)
        if used + added > self._max_bytes:
            raise SpoolUnavailableError(
                f"{self._path} holds {used} bytes; with {added} more it would pass its bound of "
                f"{self._max_bytes}",
                code="full",
            )
        with self._transaction():
            self._database.executemany(
                "INSERT INTO event (id, event_type, body, payload, reason, detail) VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )

    def load(self, after: int, limit: int) -> list[tuple[int, Record]]:
        """Give the next events in order of arrival, each with its number, from the first above `after`."""
        with self._translated():
            found = self._database.execute(
                "SELECT seq, id, event_type, body, payload, reason, detail FROM event"
                " WHERE seq > ? ORDER BY seq LIMIT ?",
                (after, limit),
            ).fetchall()
        return [(row[0], Record(*row[1:])) for row in found]

    def ids(self, after: int, limit: int) -> list[str]:
        """Give the ids of the next events in order of arrival."""
        with self._translated():
            found = self._database.execute(
                "SELECT id FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
            ).fetchall()
        return [row[0] for row in found]

    def delete(self, numbers: Sequence[int]) -> None:
        """Forget events by number; one that is not there changes nothing."""
        with self._transaction():
            self._database.executemany("DELETE FROM event WHERE seq = ?", [(number,) for number in numbers])

    def used_bytes(self) -> int:
        """Give how much of the file events fill, in whole pages."""
        with self._translated():
            pages, free, size = (
                self._database.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def close(self) -> None:
        """Close the file; what was kept stays."""
        try:
            self._database.close()
        except sqlite3.Error:
            pass  # closing may move the log into the database; the next owner does that otherwise

    def _open(self, is_synced: bool) -> None:
        execute = self._database.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute(f"PRAGMA synchronous = {'FULL' if is_synced else 'NORMAL'}")
        execute(f"PRAGMA journal_size_limit = {LOG_BYTES_KEPT}")
        known = execute("PRAGMA user_version").fetchone()[0]
        is_new = known == 0 and execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not is_new and known != FORMAT:
            raise SpoolDamagedError(
                f"{self._path} has format {known}; this server knows {FORMAT}", code="unknown_format"
            )
        if is_new:
            with self._transaction():
                # A number is never used twice, so that whoever reads on from a number misses nothing.
                execute(
                    "CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL,"
                    " event_type TEXT NOT NULL, body BLOB NOT NULL, payload BLOB NOT NULL,"
                    " reason TEXT NOT NULL, detail TEXT NOT NULL)"
                )
                execute(f"PRAGMA user_version = {FORMAT}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._translated():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            code = getattr(exc, "sqlite_errorcode", None)
            if code is None:
                raise  # a defect of ours: wrong use of the module
            message = f"{self._path}: {exc} ({exc.sqlite_errorname})"
            primary = code & 0xFF  # the upper bits tell variants apart (sqlite.org/rescode.html)
            if primary in _DAMAGED:
                raise SpoolDamagedError(message, code="damaged") from exc
            raise SpoolUnavailableError(message, code=_REASONS.get(primary, "io_failed")) from exc
