"""Hours, lines, manifests: pure decisions of the export and the verification."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage_export.model import Kind, Manifest, ObjectInfo, Pending, State

RECORDS_PREFIX: Final = "records/"
MANIFESTS_PREFIX: Final = "manifests/"
_HOUR_FORMAT: Final = "%Y-%m-%dT%H"
_HOUR: Final = timedelta(hours=1)
# Hours before the one that is sealed in which late records are looked for. Each hour is sealed once and in
# order, so each is looked at once in every one of these distances, whatever runs were missed.
LATE_LOOKS: Final = (1, 2, 3, 6, 12, 24, 72)
_MODULUS: Final = 1 << 256


def hour_of(moment: datetime) -> str:
    """Give the hour of a time."""
    return moment.astimezone(UTC).strftime(_HOUR_FORMAT)


def begin_of(hour: str) -> datetime:
    """Give the begin of an hour. Raises RejectedError for what is none."""
    try:
        begin = datetime.strptime(hour, _HOUR_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        begin = None
    if begin is None or begin.strftime(_HOUR_FORMAT) != hour:
        raise RejectedError(f"{hour!r} is no hour; give one such as 2026-01-31T12 (UTC)", code="wrong_hour")
    return begin


def end_of(hour: str) -> datetime:
    """Give the first moment after an hour."""
    return begin_of(hour) + _HOUR


def shifted(hour: str, hours: int) -> str:
    """Give the hour so many hours later."""
    return hour_of(begin_of(hour) + hours * _HOUR)


def hours_between(since: str, until: str) -> Iterator[str]:
    """Give the hours from `since` up to, not including, `until`."""
    begin, end = begin_of(since), begin_of(until)
    while begin < end:
        yield hour_of(begin)
        begin += _HOUR


def is_due(hour: str, now: datetime, grace: timedelta) -> bool:
    """Say whether an hour can be sealed: it and the grace for late writers are over."""
    return end_of(hour) + grace <= now


def next_hour(state: State) -> str:
    """Give the hour that is sealed next."""
    return shifted(state.sealed_through, 1) if state.sealed_through else state.start_hour


def due_hours(state: State, now: datetime, grace: timedelta, most: int) -> list[str]:
    """Give the hours that a run seals, in order: at most `most`, the following runs take the rest."""
    hours: list[str] = []
    hour = next_hour(state)
    while len(hours) < most and is_due(hour, now, grace):
        hours.append(hour)
        hour = shifted(hour, 1)
    return hours


def late_looks(hour: str, start_hour: str) -> list[str]:
    """Give the sealed hours that are looked at again when this hour is sealed."""
    begin = begin_of(start_hour)
    return [past for back in LATE_LOOKS if begin_of(past := shifted(hour, -back)) >= begin]


def lag_seconds(state: State, now: datetime) -> int:
    """Give the seconds since the end of the last sealed hour."""
    return int((now - begin_of(next_hour(state))).total_seconds())


def line_of(row: Mapping[str, Any]) -> bytes:
    """Write one row as a JSON line; the same row always gives the same bytes."""
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _plain(value: object) -> object:
    """Write what JSON does not know: DynamoDB's numbers as they are, sets in order, anything else as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    if isinstance(value, set | frozenset):
        return sorted(str(each) for each in value)
    return str(value)


def key_of(row: Mapping[str, Any]) -> bytes:
    """Give what identifies a row: 16 bytes, so that an hour of millions fits into memory."""
    key = f"{row['source_file_key']}\0{row['processing_timestamp']}"
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:16]


def added(digest: int, line: bytes) -> int:
    """Add a line to a sum that does not depend on order: equal sums mean equal sets of lines."""
    return (digest + int.from_bytes(hashlib.sha256(line).digest())) % _MODULUS


def object_key(hour: str, sequence: int, sha256: str) -> str:
    """Give an object's name: Athena's partitions, its manifest's number, the begin of its hash."""
    date, _, of_day = hour.partition("T")
    return f"{RECORDS_PREFIX}dt={date}/hour={of_day}/part-{sequence:010d}-{sha256[:8]}.jsonl.gz"


def manifest_key(sequence: int) -> str:
    """Give a manifest's name; names sort as the chain goes."""
    return f"{MANIFESTS_PREFIX}{sequence:010d}.json"


def sequence_of(key: str) -> int | None:
    """Give the number in a manifest's name; None for another name."""
    number = key.removeprefix(MANIFESTS_PREFIX).removesuffix(".json")
    return int(number) if number.isdecimal() and manifest_key(int(number)) == key else None


def body(manifest: Manifest) -> bytes:
    """Give the bytes that are hashed and signed: JSON with sorted names, no spaces, ASCII."""
    return json.dumps(asdict(manifest), sort_keys=True, separators=(",", ":")).encode()


def sha256_of(data: bytes) -> str:
    """Give the SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def manifest_of(pending: Pending, state: State, version_id: str, table: str) -> Manifest:
    """Make the manifest of a part; the same for each try."""
    return Manifest(
        sequence=state.sequence + 1,
        hour=pending.hour,
        kind=pending.kind,
        part=pending.part,
        is_last=pending.is_last,
        in_turn=next_hour(state),
        count=pending.count,
        object=ObjectInfo(pending.key, version_id, pending.sha256, pending.size_bytes)
        if pending.key
        else None,
        exported_at=pending.exported_at,
        table=table,
        previous_sha256=state.head_sha256,
    )


def parse_manifest(found: Mapping[str, Any]) -> Manifest:
    """Read a manifest's JSON. Raises RejectedError for what is none."""
    try:
        values = dict(found)
        begin_of(values["hour"])
        inner = values["object"]
        values["object"] = None if inner is None else ObjectInfo(**inner)
        values["kind"] = Kind(values["kind"])
        return Manifest(**values)
    except (KeyError, TypeError, ValueError, RejectedError) as exc:
        raise RejectedError(f"it is no manifest: {type(exc).__name__} {exc}", code="no_manifest") from exc


def gaps(hours: Iterable[str], manifests: Iterable[Manifest]) -> dict[str, str]:
    """Say for each hour that is not whole what it lacks of the parts from the first to the last."""
    parts: dict[str, dict[int, bool]] = {}
    for manifest in manifests:
        if manifest.kind is Kind.HOUR:
            parts.setdefault(manifest.hour, {})[manifest.part] = manifest.is_last
    found: dict[str, str] = {}
    for hour in hours:
        seen = parts.get(hour, {})
        missing = sorted(set(range(1, max(seen, default=0) + 1)) - seen.keys())
        if not seen:
            found[hour] = "no manifest says that this hour was exported"
        elif missing:
            found[hour] = f"part {missing[0]} of this hour has no manifest"
        elif not seen[max(seen)]:
            found[hour] = f"no manifest says that part {max(seen)} was the last of this hour"
    return found
