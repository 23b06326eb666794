"""The export over memory: rows, state, archive and key, with a fault at any step of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.errors import ConflictError
from fsxn_runtime.lineage_export import PublicKey, Verification, Verifier, public_key
from fsxn_runtime.lineage_export.exporter import Exporter
from fsxn_runtime.lineage_export.model import HourState, Pending, Run, State
from fsxn_runtime.lineage_export.parts import PartBuilder
from fsxn_runtime.lineage_export.settings import ExportSettings

START = datetime(2026, 1, 31, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


class DiedError(BaseException):
    """The process is gone: nothing catches this."""


class Steps:
    """Counts effects; dies before or after the one that is named."""

    def __init__(self) -> None:
        self.die_at: int | None = None
        self.dies_after = False
        self.count = 0

    def arm(self, die_at: int | None, *, after: bool = False) -> None:
        self.die_at, self.dies_after, self.count = die_at, after, 0

    def take(self, effect: Callable[[], Any]) -> Any:
        is_last = self.die_at is not None and self.count == self.die_at
        self.count += 1
        if is_last and not self.dies_after:
            raise DiedError
        result = effect()
        if is_last:
            raise DiedError
        return result


@cache
def private_key(number: int = 0) -> rsa.RSAPrivateKey:
    """A key; the number makes another one."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_half(number: int = 0) -> PublicKey:
    """Its public half, as KMS gives it, read by the product."""
    public = private_key(number).public_key()
    der = serialization.Encoding.DER
    return public_key(public.public_bytes(der, serialization.PublicFormat.SubjectPublicKeyInfo))


class MemorySigner:
    """KMS with one key."""

    key = "arn:key"

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def sign(self, sha256: str) -> bytes:
        digest = utils.Prehashed(hashes.SHA256())
        return private_key(self.number).sign(bytes.fromhex(sha256), padding.PKCS1v15(), digest)


class MemoryRows:
    """The index of write hours. A row may be written and not be in the index yet."""

    table = "lineage"

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.hidden: set[tuple[str, str, str]] = set()

    def write(self, hour: str, number: int, *, hidden: bool = False, **more: Any) -> dict[str, Any]:
        row = {
            "source_file_key": f"/vol1/{number}",
            "processing_timestamp": f"2026-01-31T10:00:00.{number:06d}Z#00000000",
            "write_hour": hour,
            "status": "success",
            **more,
        }
        key = (hour, row["processing_timestamp"], row["source_file_key"])
        self.rows[key] = row
        if hidden:
            self.hidden.add(key)
        return row

    def of_hour(self, hour: str, resume: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        names = ("write_hour", "processing_timestamp", "source_file_key")
        after = tuple(resume[name] for name in names) if resume else ("",)
        for key in sorted(key for key in self.rows if key[0] == hour and key not in self.hidden):
            if key > after:
                yield self.rows[key]


class MemoryTable:
    """The export's state, with the conditions of the real one."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: State | None = None
        self.hours: dict[str, HourState] = {}
        self.holder: tuple[str, int] | None = None

    def state(self) -> State | None:
        return self.stored

    def hour(self, hour: str) -> HourState:
        return self.hours.get(hour, HourState(hour))

    def begin(self, state: State) -> None:
        if self.stored is None:
            self.steps.take(lambda: self._set(state))

    def lease(self, owner: str, now_us: int, until_us: int) -> None:
        if self.holder is not None and self.holder[0] != owner and self.holder[1] >= now_us:
            raise ConflictError("another export runs", code="export_runs")
        self.steps.take(lambda: setattr(self, "holder", (owner, until_us)))

    def release(self, owner: str) -> None:
        if self.holder is not None and self.holder[0] == owner:
            self.holder = None

    def announce(self, state: State, pending: Pending) -> State:
        following = replace(state, version=state.version + 1, pending=pending)
        self._check(state)
        self.steps.take(lambda: self._set(following))
        return following

    def advance(self, state: State, following: State, hour: HourState) -> None:
        self._check(state)

        def effect() -> None:
            self._set(following)
            self.hours[hour.hour] = hour

        self.steps.take(effect)

    def _check(self, seen: State) -> None:
        if self.stored is None or self.stored.version != seen.version:
            raise ConflictError("another was first", code="aws_condition")

    def _set(self, state: State) -> None:
        self.stored = state


class MemoryArchive:
    """A versioned bucket: name to versions, the last is the current one; b"" stands for a delete marker."""

    bucket = "archive"

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.objects: dict[str, list[tuple[str, bytes | None]]] = {}

    def put_once(self, key: str, data: bytes, sha256: str, content_type: str) -> str | None:
        assert hashlib.sha256(data).hexdigest() == sha256
        if self.current(key) is not None:
            return None
        return self.steps.take(lambda: self.put(key, data))

    def put(self, key: str, data: bytes | None) -> str:
        versions = self.objects.setdefault(key, [])
        versions.append((f"v{len(versions)}", data))
        return versions[-1][0]

    def current(self, key: str) -> tuple[str, bytes] | None:
        versions = self.objects.get(key)
        if not versions or versions[-1][1] is None:
            return None
        return versions[-1]

    def read(self, key: str, version_id: str = "") -> tuple[bytes, str] | None:
        if version_id:
            found = dict(self.objects.get(key, [])).get(version_id)
            return None if found is None else (found, version_id)
        current = self.current(key)
        return None if current is None else (current[1], current[0])

    def open(self, key: str, version_id: str = "") -> tuple[Iterator[bytes], str] | None:
        found = self.read(key, version_id)
        return None if found is None else (iter([found[0][:7], found[0][7:]]), found[1])

    def keys(self, prefix: str) -> Iterator[str]:
        yield from sorted(key for key in self.objects if key.startswith(prefix) and self.current(key))


class ExportWorld:
    """One export from `START` on; `now` moves as the test says."""

    def __init__(self, *, rows_per_part: int = 3, max_hours: int = 5) -> None:
        self.now = START
        self.steps = Steps()
        self.rows = MemoryRows()
        self.table = MemoryTable(self.steps)
        self.archive = MemoryArchive(self.steps)
        self.settings = ExportSettings(
            "lineage", "export", "archive", "key", "", timedelta(minutes=15), max_hours, "Test", "INFO"
        )
        self.rows_per_part = rows_per_part
        self.runs = 0

    @property
    def hour(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H")

    def exporter(self) -> Exporter:
        return Exporter(
            self.settings,
            self.rows,
            self.table,
            self.archive,
            MemorySigner(),
            lambda: PartBuilder(self.rows_per_part),
        )

    def run(self, remaining_ms: int = 900_000) -> Run:
        """Run once, as a process of its own."""
        self.runs += 1
        return self.exporter().run(self.now, TimeBudget(lambda: remaining_ms, 0), f"run-{self.runs}")

    def run_hour(self, hour: str) -> Run:
        self.runs += 1
        return self.exporter().run_hour(hour, self.now, TimeBudget(lambda: 900_000, 0), f"run-{self.runs}")

    def catch_up(self) -> None:
        """Run until nothing is due."""
        while not self.run().is_complete:
            pass

    def verify(self, since: str, until: str, *, alone: bool = False, key: int = 0) -> Verification:
        rows, table = (None, None) if alone else (self.rows, self.table)
        return Verifier(self.archive, [public_half(key)], rows, table).verify(since, until, self.now)
