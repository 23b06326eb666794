"""Which operations have no event, and which of those a kill explains. Pure; reads the files by itself.

Nothing of the product is asked here: the ledger is the simulator's, the events are what the tap took from the
bus. `fsxn events verify` compares the same two and must count the same. Times of operations are the storage's
clock, which a run sets wrong; so when something happened is told by how long the ledger was then.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

# What a killed process held was at most so old: the queue's longest fault (schedule.py), the back-off of
# the server's sender after it, a slow machine.
HELD_SECONDS: Final = 20.0
# What a node wrote until it noticed.
NOTICE_SECONDS: Final = 5.0

Identity = tuple[int, str, str, str | None]


@dataclass(frozen=True, slots=True)
class Lost:
    """An operation that a policy wanted told, and of which no event came. `place`: byte of the ledger."""

    place: int
    operation: str
    path: str
    missed: bool  # the policy was disabled meanwhile

    def __str__(self) -> str:
        return f"{self.operation} {self.path}" + (" (while the policy was disabled)" if self.missed else "")


@dataclass(frozen=True, slots=True)
class Length:
    """How long the ledger was at some second of the run."""

    at: float
    place: int


def lost(ledger: Iterable[bytes], events: Iterable[bytes], begin: int = 0) -> list[Lost]:
    """Give the operations without an event, of the ledger's lines from byte `begin` on."""
    arrived = {_of_event(json.loads(line)["event"]) for line in events}
    found, place = [], 0
    for line in ledger:
        row, here, place = json.loads(line), place, place + len(line)
        if here < begin or row["kind"] != "operation" or not (row["monitored"] or row["missed"]):
            continue
        if (row["time_us"], row["operation"], row["path"], row["target_path"]) not in arrived:
            found.append(Lost(here, row["operation"], row["path"], row["missed"]))
    return found


def unexplained(operations: Iterable[Lost], kills: Sequence[float], lengths: Sequence[Length]) -> list[Lost]:
    """Give those that no kill can have taken. `kills` are seconds of the run; `lengths` are in order."""
    spans = [(_length(lengths, kill - HELD_SECONDS), _next(lengths, kill + NOTICE_SECONDS)) for kill in kills]
    return [each for each in operations if not any(begin <= each.place < end for begin, end in spans)]


def told_records(lines: Iterable[str]) -> set[str]:
    """Give the work keys of lineage records that are told to be lost, from log lines of functions.

    Work never fails for its record (docs/topics/lineage.md): what the table does not take to the end of an
    invocation is lost, but never in silence.
    """
    return {str(json.loads(line)["work_key"]) for line in lines if '"event":"record.lost"' in line}


def of_findings(
    findings: Iterable[Mapping[str, Any]], told: Collection[str], unanswered: Collection[str] = ()
) -> list[str]:
    """Give the debts among what `events verify` found, less what a run may end with.

    Missing records, as far as they are told. `unanswered` are work keys with several records of success, of
    which one execution succeeded at most: the others' function died between its record and its answer.
    """
    allowed = {"lineage.missing": len(told), "output.doubled": len(unanswered)}
    return [
        f"{each['code']}: {each['count']} {each['text']}: {', '.join(each['examples'])}"
        for each in findings
        if each["count"] > allowed.get(each["code"], 0)
    ]


def unanswered(successes: Iterable[tuple[str, str]], status: Callable[[str], str]) -> set[str]:
    """Give the work keys that several executions recorded as done, and one at most really ended so.

    `successes` are work key and execution of each record; `status` asks Step Functions of an execution.
    """
    executions: defaultdict[str, set[str]] = defaultdict(set)
    for work_key, execution in successes:
        executions[work_key].add(execution)
    return {
        work_key
        for work_key, several in executions.items()
        if len(several) > 1 and sum(status(each) == "SUCCEEDED" for each in several) <= 1
    }


def _length(lengths: Sequence[Length], at: float) -> int:
    return max((each.place for each in lengths if each.at <= at), default=0)


def _next(lengths: Sequence[Length], at: float) -> float:
    return min((each.place for each in lengths if each.at >= at), default=float("inf"))


def _of_event(event: dict[str, Any]) -> Identity:
    moment = datetime.fromisoformat(event["timestamp"])
    time_us = int(moment.timestamp()) * 1_000_000 + moment.microsecond
    return time_us, event["operation"], event["file_path"], event.get("target_path")
