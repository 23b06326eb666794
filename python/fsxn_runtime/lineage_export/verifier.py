"""Verification of a period: walks the chain, reads the objects, compares with the table if there is one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage_export import core, verification
from fsxn_runtime.lineage_export.model import Finding, Manifest, ObjectInfo, Verification
from fsxn_runtime.lineage_export.parts import lines_of
from fsxn_runtime.lineage_export.signatures import PublicKey
from fsxn_runtime.lineage_export.store import Archive, ExportTable, Rows
from fsxn_runtime.lineage_export.verification import Found, Lines, Link

_READERS: Final = 8  # reading one small object is waiting
_AT_ONCE: Final = 256  # manifests in memory while they are read


class Verifier:
    """Checks against keys that the caller trusts, never against what the archive says of itself.

    `rows` and `table` may be None: then the archive is checked alone, by an auditor who has nothing else.
    """

    def __init__(
        self,
        archive: Archive,
        trusted: Sequence[PublicKey],
        rows: Rows | None = None,
        table: ExportTable | None = None,
    ) -> None:
        self._archive = archive
        self._trusted = trusted
        self._rows = rows
        self._table = table

    def verify(self, since: str, until: str, now: datetime) -> Verification:
        """Check the hours from `since` up to, not including, `until`. An hour is in memory at a time."""
        hours = list(core.hours_between(since, until))
        if not hours:
            raise RejectedError(f"{since} to {until} is no period; the end must lie behind", code="no_period")
        found = Found()
        links = list(self._links(since, found))
        # What is not signed says nothing; that it is not is a finding already.
        manifests = [link.manifest for link in links if link.manifest and not link.findings]
        of_hour: defaultdict[str, list[Manifest]] = defaultdict(list)
        for manifest in manifests:
            of_hour[manifest.hour].append(manifest)
        lacking = core.gaps(hours, manifests)
        found.take(Finding("hour.gap", hour, hour, f"{hour}: {text}") for hour, text in lacking.items())
        found.take(self._unlisted(hours, manifests))
        records = objects = 0
        for hour in hours:
            exported, is_whole = self._exported(of_hour[hour], found)
            objects += sum(1 for manifest in of_hour[hour] if manifest.object)
            records += len(exported)
            if self._rows is not None and is_whole and hour not in lacking:
                rows = verification.rows_by_key(self._rows.of_hour(hour))
                found.take(verification.compare_table(hour, exported, rows, int(now.timestamp())))
        is_compared = self._rows is not None
        return Verification(
            since,
            until,
            len(hours),
            len(links),
            objects,
            records,
            is_compared,
            found.count,
            tuple(found.first),
        )

    def _exported(self, manifests: Iterable[Manifest], found: Found) -> tuple[Lines, bool]:
        """Give an hour's records as they were signed, and whether these are all."""
        exported: Lines = {}
        is_whole = True
        for manifest in manifests:
            if manifest.object is not None:
                lines = self._object(manifest, manifest.object, found)
                is_whole = is_whole and lines is not None
                exported |= lines or {}
        return exported, is_whole

    def _links(self, since: str, found: Found) -> Iterator[Link]:
        """Walk the chain from the first manifest that can concern the period to its end, with findings."""
        numbers = (core.sequence_of(key) for key in self._archive.keys(core.MANIFESTS_PREFIX))
        sequences = [number for number in numbers if number is not None]
        start = self._first_of(sequences, since)
        before: Link | None = None
        for link in self._read(sequences[max(start - 1, 0) :]):
            if before is None and start > 0:
                before = link  # only its hash is needed: it ends before the period
                continue
            found.take(link.findings)
            found.take(verification.check_chain(before, link))
            before = link
            yield link
        found.take(self._end(before))

    def _first_of(self, sequences: Sequence[int], since: str) -> int:
        """Give the place of the first manifest that concerns `since` or later; hours are sealed in order.

        Late records and hours that were filled in later stand behind it in any case. What cannot be read on
        the way is taken to be of the period: then more is read than needed.
        """
        low, high = 0, len(sequences)
        while low < high:
            middle = (low + high) // 2
            if self._is_before(sequences[middle], since):
                low = middle + 1
            else:
                high = middle
        return low

    def _is_before(self, sequence: int, since: str) -> bool:
        """Say whether the hour that was next in order at this manifest lies before the period."""
        link = self._read_one(sequence)
        return link.manifest is not None and not link.findings and link.manifest.in_turn < since

    def _read(self, sequences: Sequence[int]) -> Iterator[Link]:
        with ThreadPoolExecutor(_READERS) as pool:
            for first in range(0, len(sequences), _AT_ONCE):
                yield from pool.map(self._read_one, sequences[first : first + _AT_ONCE])

    def _read_one(self, sequence: int) -> Link:
        key = core.manifest_key(sequence)
        found = self._archive.read(key)
        if found is None:  # deleted since it was listed
            gone = Finding("manifest.missing", "", key, f"{key} is not there")
            return Link(key, sequence, None, "", (gone,))
        return verification.read_link(key, found[0], self._trusted)

    def _end(self, last: Link | None) -> Iterator[Finding]:
        """Say what the export's own state knows and the chain does not have: its end may be cut off."""
        state = None if self._table is None else self._table.state()
        if state is None:
            return
        reached = 0 if last is None else last.sequence
        for sequence in range(reached + 1, state.sequence + 1):
            key = core.manifest_key(sequence)
            yield Finding("manifest.missing", "", key, f"{key} is not there")
        is_end = last is not None and last.sequence == state.sequence
        if last is not None and is_end and last.sha256 not in ("", state.head_sha256):
            text = f"{last.key} is not the end of the chain that the export's state knows"
            yield Finding("chain.broken", "", last.key, text)

    def _unlisted(self, hours: Iterable[str], manifests: Iterable[Manifest]) -> Iterator[Finding]:
        """Find objects of the period that no manifest names; Athena would read their records."""
        listed = {manifest.object.key for manifest in manifests if manifest.object}
        state = None if self._table is None else self._table.state()
        if state is not None and state.pending is not None:
            listed.add(state.pending.key)  # its manifest follows
        for hour in hours:
            prefix = core.object_key(hour, 0, "").rpartition("/")[0] + "/"
            for key in self._archive.keys(prefix):
                if key not in listed:
                    yield Finding(
                        "object.unlisted", hour, key, f"{key} is named by no manifest that is signed"
                    )

    def _object(self, manifest: Manifest, info: ObjectInfo, found: Found) -> Lines | None:
        """Check one object; give its records as they were signed, None when they cannot be had any more."""
        current = self._archive.read(info.key)
        if current is not None and core.sha256_of(current[0]) == info.sha256:
            return self._lines(manifest, info.key, current[0], found)
        original = self._archive.read(info.key, info.version_id) if info.version_id else None
        if original is not None and core.sha256_of(original[0]) != info.sha256:
            original = None
        kept = "its signed version is still there" if original else "its signed version is gone"
        if current is None:
            text = f"{info.key} with {manifest.count} records is not there; {kept}"
            found.take([Finding("object.missing", manifest.hour, info.key, text)])
        else:
            text = f"{info.key} is not what was signed; {kept}"
            found.take([Finding("object.changed", manifest.hour, info.key, text)])
        if original is None:
            return None
        signed = self._lines(manifest, info.key, original[0], found)
        if current is not None and signed is not None:
            try:
                altered = verification.lines_by_key(lines_of([current[0]]))
            except RejectedError:
                return signed  # the whole object is something else, as the finding says
            found.take(verification.compare_object(manifest.hour, info.key, signed, altered))
        return signed

    def _lines(self, manifest: Manifest, key: str, data: bytes, found: Found) -> Lines | None:
        """Read the records of an object whose hash is right; they must be as many as the manifest says."""
        try:
            lines = verification.lines_by_key(lines_of([data]))
        except RejectedError as exc:
            found.take([Finding("object.changed", manifest.hour, key, f"{key} cannot be read: {exc}")])
            return None
        if len(lines) != manifest.count:
            text = f"{key} has {len(lines)} records; its manifest says {manifest.count}"
            found.take([Finding("object.changed", manifest.hour, key, text)])
        return lines
