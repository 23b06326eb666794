"""Read the files of a run: the storage's ledger and the events taken from the bus. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import FileEvent, parse_timestamp
from fsxn_runtime.report.model import (
    Arrival,
    FinalFile,
    Ledger,
    Mark,
    Operation,
    StoreUse,
    SystemEvent,
)


def parse_ledger(lines: Iterable[str]) -> Ledger:
    """Read a ledger of JSON lines. Of several snapshots the last one counts: a path has its newest row.

    Unknown kinds of rows are left out. Raises RejectedError with the line number.
    """
    operations: list[Operation] = []
    files: dict[str, FinalFile] = {}
    marks: list[Mark] = []
    notifications: Counter[str] = Counter()
    stored, scope = 0, ""
    store_uses: list[StoreUse] = []
    system_events: list[SystemEvent] = []
    for number, row in _rows(lines, "ledger"):
        try:
            match row["kind"]:
                case "operation":
                    operations.append(_operation(row))
                case "notification":
                    notifications[row["outcome"]] += 1
                    stored += bool(row["replayed"])
                case "scope":
                    scope = row["path"]
                case "store":
                    store_uses.append(StoreUse(row["at_us"], row["used_bytes"], row["size_bytes"]))
                case "ems":
                    system_events.append(SystemEvent(row["at_us"], row["name"], row["text"]))
                case "file":
                    files[row["path"]] = FinalFile(row["path"], row["size"], row["sha256"])
                case "run":
                    if row["event"] == "snapshot":
                        files.clear()
                    marks.append(Mark(row["event"], row["at_us"]))
        except KeyError as exc:
            raise RejectedError(f"ledger line {number}: {exc.args[0]} is missing") from exc
    return Ledger(
        operations=operations,
        files=list(files.values()),
        marks=marks,
        notifications=dict(notifications),
        stored=stored,
        scope=scope,
        store_uses=store_uses,
        system_events=system_events,
    )


def parse_arrivals(lines: Iterable[str]) -> list[Arrival]:
    """Read what a tap of the bus wrote: {"arrived_us": integer, "event": file event} on each line."""
    result = []
    for number, row in _rows(lines, "events"):
        try:
            result.append(_arrival(row))
        except (KeyError, RejectedError) as exc:
            raise RejectedError(f"events line {number}: {exc}") from exc
    return result


def _operation(row: Mapping[str, Any]) -> Operation:
    return Operation(
        operation=row["operation"],
        protocol=f"{row['protocol']} {row['protocol_version']}",
        path=row["path"],
        target_path=row["target_path"],
        time_us=row["time_us"],
        monitored=row["monitored"],
        is_client_time=row.get("time_source") == "client",
        missed=row.get("missed", False),
    )


def _arrival(row: Mapping[str, Any]) -> Arrival:
    event = FileEvent.from_dict(row["event"])
    return Arrival(
        event_id=event.event_id,
        event_type=event.event_type,
        operation=event.operation,
        path=event.file_path,
        target_path=event.target_path,
        time_us=parse_timestamp(event.timestamp),
        replayed=event.replayed,
        arrived_us=row["arrived_us"],
    )


def _rows(lines: Iterable[str], what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as exc:
            raise RejectedError(f"{what} line {number} is not JSON: {exc}") from exc
        if not isinstance(row, dict):
            raise RejectedError(f"{what} line {number} is {type(row).__name__}; it must be an object")
        yield number, row
