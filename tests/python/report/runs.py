"""Runs for the tests of the verification: a ledger, and evidence that agrees with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from fsxn_runtime.report.core import verify
from fsxn_runtime.report.model import (
    Arrival,
    Evidence,
    FinalFile,
    Ledger,
    LineageRow,
    Mark,
    Operation,
    Output,
    Verification,
    Work,
    WorkItem,
)

WANTED = frozenset({"FILE_CREATE", "FILE_WRITE", "FILE_CLOSE", "FILE_DELETE", "FILE_RENAME"})
TYPES = {
    "NFS_CREAT": "FILE_CREATE",
    "NFS_WR": "FILE_WRITE",
    "NFS_DEL": "FILE_DELETE",
    "NFS_REN": "FILE_RENAME",
}


@dataclass(frozen=True, slots=True)
class Run:
    """A ledger and what arrived. Tests change one thing and verify again."""

    ledger: Ledger
    evidence: Evidence

    def verify(self, lost_allowed: int = 0) -> Verification:
        return verify(self.ledger, self.evidence, lost_allowed)

    @property
    def work(self) -> Work:
        assert self.evidence.work is not None
        return self.evidence.work

    def with_evidence(self, **changes: object) -> Run:
        """Change arrivals or queues, or what the workload made of them."""
        made = {name: changes.pop(name) for name in list(changes) if hasattr(self.work, name)}
        work = replace(self.work, **made)  # type: ignore[arg-type]
        return replace(self, evidence=replace(self.evidence, work=work, **changes))  # type: ignore[arg-type]

    def with_ledger(self, **changes: object) -> Run:
        return replace(self, ledger=replace(self.ledger, **changes))  # type: ignore[arg-type]


def operation(number: int, code: str, path: str, target: str | None = None) -> Operation:
    return Operation(code, "NFS 3.0", path, target, 1_000_000 + number * 1_000, True)


def event(of: Operation, *, late_us: int = 5_000, replayed: bool = False) -> Arrival:
    return Arrival(
        event_id=hashlib.sha256(f"{of}".encode()).hexdigest()[:32],
        event_type=TYPES[of.operation],
        operation=of.operation,
        path=of.path,
        target_path=of.target_path,
        time_us=of.time_us,
        replayed=replayed,
        arrived_us=of.time_us + late_us,
    )


def faithful_run(files: int = 3) -> Run:
    """Create and write some files, rename the first to `/vol1/new`, delete the second; all of it arrived."""
    paths = [f"/vol1/f{number}" for number in range(files)]
    operations: list[Operation] = []
    for path in paths:
        operations.append(operation(len(operations), "NFS_CREAT", path))
        operations.append(operation(len(operations), "NFS_WR", path))
    operations.append(operation(len(operations), "NFS_REN", paths[0], "/vol1/new"))
    operations.append(operation(len(operations), "NFS_DEL", paths[1]))
    arrivals = [event(each) for each in operations]

    final = [FinalFile(path, 10, f"sha-{path}") for path in paths[2:]]
    final.append(FinalFile("/vol1/new", 10, f"sha-{paths[0]}"))
    items, outputs = [], []
    for number, path in enumerate(paths):
        created = arrivals[2 * number]
        items.append(WorkItem(f"v{number}", "DONE", created.event_id, path, 1))
        outputs.append(_output(created, f"v{number}", "process", f"sha-{path}"))
    renamed, deleted = arrivals[-2:]
    items.append(WorkItem(renamed.event_id, "DONE", renamed.event_id, paths[0], 0))
    outputs.append(_output(renamed, renamed.event_id, "rename", f"sha-{paths[0]}"))
    items.append(WorkItem(deleted.event_id, "DONE", deleted.event_id, paths[1], 0))
    outputs.append(_output(deleted, deleted.event_id, "delete", None))
    lineage = [LineageRow(item.work_key, f"arn-{item.work_key}", "success") for item in items]
    return Run(
        ledger=Ledger(operations, final, [Mark("server_up", operations[0].time_us)], {"sent": 8}, 0),
        evidence=Evidence(arrivals, {"ingestion": 0}, Work(outputs, items, lineage, WANTED)),
    )


def _output(first: Arrival, work_key: str, action: str, sha256: str | None) -> Output:
    return Output(
        work_key=work_key,
        event_id=first.event_id,
        action=action,
        path=first.path,
        target_path=first.target_path,
        last_modified="2026-01-01T00:00:00.000000Z" if sha256 else None,
        size=10 if sha256 else None,
        sha256=sha256,
        processed_us=first.arrived_us + 1_000_000,
    )
