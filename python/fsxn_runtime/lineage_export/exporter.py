"""The export: hours become objects, objects get manifests, manifests a chain.

Order of writes for each part: what it will be is written into the state first (`announce`), then the object,
then its signed manifest, then the state moves on. Whatever dies in between is repaired by the next run: an
announced part whose object is there is finished as announced, one whose object is not there is made anew,
from the rows as they are then. So no object is without a manifest for longer than that, and none has two.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fsxn_runtime.edge.clock import TimeBudget
from fsxn_runtime.edge.log import logger
from fsxn_runtime.errors import ConflictError, RejectedError
from fsxn_runtime.lineage_export import core
from fsxn_runtime.lineage_export.model import (
    ALGORITHM,
    NO_PREVIOUS,
    HourState,
    Kind,
    Manifest,
    Part,
    Pending,
    Run,
    State,
)
from fsxn_runtime.lineage_export.parts import PartBuilder, lines_of, row_of
from fsxn_runtime.lineage_export.settings import ExportSettings
from fsxn_runtime.lineage_export.store import Archive, ExportTable, Rows, Signer

_log = logger("lineage-export")
# Reading and packing 50,000 rows, one upload, one signature: some ten seconds on a third of a core.
_PART_MS: Final = 60_000
# A function ends within 15 minutes; a lease that outlives it cannot be held by two.
_LEASE: Final = timedelta(minutes=16)


class Exporter:
    """Exports what is due. `rows` to `signer` are the outside; `owner` names this run in the lease."""

    def __init__(
        self,
        settings: ExportSettings,
        rows: Rows,
        table: ExportTable,
        archive: Archive,
        signer: Signer,
        new_part: Callable[[], PartBuilder] = PartBuilder,
    ) -> None:
        self._settings = settings
        self._rows = rows
        self._table = table
        self._archive = archive
        self._signer = signer
        self._new_part = new_part

    def run(self, now: datetime, budget: TimeBudget, owner: str) -> Run:
        """Seal the hours that are due, oldest first, and look for late records of sealed ones.

        Stops when the time or the number of hours for one run is used up; the next run goes on there.
        Raises ConflictError while another run holds the lease.
        """
        with _Work(self, now, budget, owner) as work:
            for hour in core.due_hours(work.state, now, self._settings.grace, self._settings.max_hours):
                past = core.late_looks(hour, work.state.start_hour)
                if not all(work.look(each) for each in past) or not work.seal(hour):
                    return work.result(is_complete=False)
            is_complete = not core.is_due(core.next_hour(work.state), now, self._settings.grace)
            return work.result(is_complete=is_complete)

    def run_hour(self, hour: str, now: datetime, budget: TimeBudget, owner: str) -> Run:
        """Export what is not exported of one hour: late records, or an hour from before the first run.

        Raises RejectedError for an hour whose turn in order has not come.
        """
        if not core.is_due(hour, now, self._settings.grace):
            raise RejectedError(
                f"{hour} is not over, or not for {self._settings.grace.seconds // 60} minutes",
                code="open_hour",
            )
        with _Work(self, now, budget, owner) as work:
            if self._table.hour(hour).is_sealed:
                done = work.look(hour)
            elif core.begin_of(hour) < core.begin_of(work.state.start_hour):
                done = work.seal(hour)
            else:
                raise RejectedError(
                    f"the hours from {core.next_hour(work.state)} on come first; export without an hour",
                    code="not_in_turn",
                )
            return work.result(is_complete=done)


@dataclass(slots=True)
class _Counts:
    records: int = 0
    late_records: int = 0


class _Work:
    """One run, while it holds the lease."""

    def __init__(self, exporter: Exporter, now: datetime, budget: TimeBudget, owner: str) -> None:
        self._settings = exporter._settings
        self._rows = exporter._rows
        self._table = exporter._table
        self._archive = exporter._archive
        self._signer = exporter._signer
        self._new_part = exporter._new_part
        self._now = now
        self._budget = budget
        self._owner = owner
        self._sealed: list[str] = []
        self._counts = _Counts()
        self.state = State(0, "", "", 0, NO_PREVIOUS, None)

    def __enter__(self) -> _Work:
        if self._table.state() is None:
            start = self._settings.since or core.hour_of(self._now)
            self._table.begin(State(0, start, "", 0, NO_PREVIOUS, None))
        self._table.lease(self._owner, _us(self._now), _us(self._now + _LEASE))
        try:
            state = self._table.state()
            if state is None:
                raise ConflictError("the export's state was deleted during its run", code="state_gone")
            self.state = state
            self._finish_pending()
        except BaseException:
            self._table.release(self._owner)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._table.release(self._owner)

    def result(self, *, is_complete: bool) -> Run:
        return Run(
            sealed=tuple(self._sealed),
            records=self._counts.records,
            late_records=self._counts.late_records,
            lag_seconds=core.lag_seconds(self.state, self._now),
            is_complete=is_complete,
        )

    def seal(self, hour: str) -> bool:
        """Export an hour from where it was left, and close it; False when the time is used up."""
        known = self._table.hour(hour)
        rows = self._rows.of_hour(hour, known.resume)
        if not self._export(hour, Kind.HOUR, rows):
            return False
        self._sealed.append(hour)
        _log.info("hour.sealed", hour=hour, sequence=self.state.sequence)
        return True

    def look(self, hour: str) -> bool:
        """Export the rows of a sealed hour that are not exported; False when the time is used up.

        Two sums say whether there can be any. Only then the exported keys are read back, 16 bytes each.
        """
        known = self._table.hour(hour)
        if not known.is_sealed:
            return True
        if not self._budget.has(_PART_MS):
            return False
        count = digest = 0
        for row in self._rows.of_hour(hour):
            count += 1
            digest = core.added(digest, core.line_of(row))
        if (count, digest) == (known.count, known.digest):
            return True
        exported = self._exported_keys(known)
        late = (row for row in self._rows.of_hour(hour) if core.key_of(row) not in exported)
        return self._export(hour, Kind.LATE, late)

    def _exported_keys(self, known: HourState) -> set[bytes]:
        keys: set[bytes] = set()
        for name in known.keys:
            found = self._archive.open(name)
            if found is None:
                # The rows are in no object any more, so they are exported again, as late ones; verification
                # says that the object is missing.
                _log.error("object.missing", key=name, hour=known.hour)
                continue
            try:
                keys.update(core.key_of(row_of(line)) for line in lines_of(found[0]))
            except RejectedError as exc:
                _log.error("object.unreadable", error=exc, key=name, hour=known.hour)
        return keys

    def _export(self, hour: str, kind: Kind, rows: Iterable[dict[str, Any]]) -> bool:
        """Write rows as parts; an hour without rows gets a manifest all the same."""
        builder = self._new_part()
        for row in rows:
            if builder.is_full:
                self._commit(hour, kind, builder.build(), is_last=kind is Kind.LATE)
                if not self._budget.has(_PART_MS):
                    return False
                builder = self._new_part()
            builder.add(row)
        if kind is Kind.HOUR or builder.count:
            self._commit(hour, kind, builder.build(), is_last=True)
        return True

    def _commit(self, hour: str, kind: Kind, part: Part, *, is_last: bool) -> None:
        known = self._table.hour(hour)
        number = (known.parts if kind is Kind.HOUR else known.late_parts) + 1
        pending = Pending(
            hour=hour,
            kind=kind,
            part=number,
            is_last=is_last,
            count=part.count,
            digest=part.digest,
            resume=part.resume,
            key=core.object_key(hour, self.state.sequence + 1, part.sha256) if part.count else "",
            sha256=part.sha256,
            size_bytes=len(part.body),
            exported_at=self._now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        self.state = self._table.announce(self.state, pending)
        version_id = ""
        if pending.key:
            written = self._archive.put_once(pending.key, part.body, part.sha256, "application/gzip")
            version_id = self._version_of(pending) if written is None else written
        self._publish(pending, version_id)

    def _version_of(self, pending: Pending) -> str:
        """Give the version of an announced object that is there already."""
        found = self._archive.read(pending.key)
        if found is None or core.sha256_of(found[0]) != pending.sha256:
            raise ConflictError(f"{pending.key} is there, with another content", code="foreign_object")
        return found[1]

    def _finish_pending(self) -> None:
        """Finish the part that a former run announced, if its object is there; else it is made anew."""
        pending = self.state.pending
        if pending is None:
            return
        found = self._archive.read(pending.key) if pending.key else (b"", "")
        if found is None:
            return
        if pending.key and core.sha256_of(found[0]) != pending.sha256:
            raise ConflictError(f"{pending.key} is there, with another content", code="foreign_object")
        _log.warning("part.finished", key=pending.key, hour=pending.hour)
        self._publish(pending, found[1])

    def _publish(self, pending: Pending, version_id: str) -> None:
        """Write the manifest, then move on."""
        manifest = core.manifest_of(pending, self.state, version_id, self._rows.table)
        digest = core.sha256_of(core.body(manifest))
        data = sealed(manifest, self._signer.key, self._signer.sign(digest))
        key = core.manifest_key(manifest.sequence)
        if self._archive.put_once(key, data, core.sha256_of(data), "application/json") is None:
            self._take_over(key, manifest)
        known = self._table.hour(pending.hour)
        self._table.advance(self.state, following := self._moved(pending, digest), _grown(known, pending))
        self.state = following
        self._counts.records += pending.count
        if pending.kind is Kind.LATE:
            self._counts.late_records += pending.count
            _log.warning("records.late", hour=pending.hour, count=pending.count)

    def _take_over(self, key: str, manifest: Manifest) -> None:
        """Accept a manifest that is there already only when it is this one."""
        found = self._archive.read(key)
        try:
            if found is not None and core.parse_manifest(json.loads(found[0])["manifest"]) == manifest:
                return
        except (ValueError, KeyError, TypeError, RejectedError):
            pass  # whatever it is, it is not this manifest
        raise ConflictError(f"{key} is there, and is not what this export writes", code="foreign_object")

    def _moved(self, pending: Pending, head_sha256: str) -> State:
        through = self.state.sealed_through
        is_in_turn = pending.hour == core.next_hour(self.state)
        if pending.kind is Kind.HOUR and pending.is_last and is_in_turn:
            through = pending.hour
        return replace(
            self.state,
            version=self.state.version + 1,
            sealed_through=through,
            sequence=self.state.sequence + 1,
            head_sha256=head_sha256,
            pending=None,
        )


def sealed(manifest: Manifest, key: str, signature: bytes) -> bytes:
    """Give a manifest's file: the manifest, and the signature of its body (`core.body`)."""
    value = base64.b64encode(signature).decode()
    file = {
        "manifest": asdict(manifest),
        "signature": {"algorithm": ALGORITHM, "key": key, "value": value},
    }
    return json.dumps(file, sort_keys=True, indent=1).encode() + b"\n"


def _grown(known: HourState, pending: Pending) -> HourState:
    """Give what is exported of the hour after this part."""
    is_hour = pending.kind is Kind.HOUR
    return replace(
        known,
        is_sealed=known.is_sealed or (is_hour and pending.is_last),
        parts=known.parts + is_hour,
        late_parts=known.late_parts + (not is_hour),
        count=known.count + pending.count,
        digest=(known.digest + pending.digest) % (1 << 256),
        resume=None if not is_hour or pending.is_last else pending.resume,
        keys=known.keys + ((pending.key,) if pending.key else ()),
    )


def _us(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
