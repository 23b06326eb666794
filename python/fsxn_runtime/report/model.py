"""What a verification reads and what it says. Times are microseconds since 1970 UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from fsxn_runtime.report.statistics import Spread


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing done on a volume, as a ledger has it. The storage's own `time_us` is unique in its ledger."""

    operation: str
    protocol: str
    path: str
    target_path: str | None
    time_us: int
    monitored: bool
    is_client_time: bool = False  # a client kept the ledger: it does not know the storage's time
    missed: bool = False  # no enabled policy wanted it, but a disabled one would have

    @property
    def is_owed(self) -> bool:
        """Say whether an event of it must arrive."""
        return self.monitored or self.missed


@dataclass(frozen=True, slots=True)
class FinalFile:
    """One file that exists at the end."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened to the run itself, such as `server_down`."""

    event: str
    at_us: int


@dataclass(frozen=True, slots=True)
class StoreUse:
    """How full a Persistent Store was at one time."""

    at_us: int
    used_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SystemEvent:
    """One message of ONTAP's event log (EMS), such as fpolicy.server.disconnect."""

    at_us: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """An account of a run: the storage's own, or that of the client that made the operations."""

    operations: Sequence[Operation]
    files: Sequence[FinalFile]
    marks: Sequence[Mark]
    notifications: Mapping[str, int]  # how many by outcome: sent, stored, dropped
    stored: int  # notifications sent out of a Persistent Store
    scope: str = ""  # only events of paths below this one are compared; empty: all
    store_uses: Sequence[StoreUse] = ()
    system_events: Sequence[SystemEvent] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event as a consumer of the bus received it, copies included."""

    event_id: str
    event_type: str
    operation: str
    path: str
    target_path: str | None
    time_us: int
    replayed: bool
    arrived_us: int


@dataclass(frozen=True, slots=True)
class Output:
    """What one output object says."""

    work_key: str
    event_id: str
    action: str
    path: str
    target_path: str | None
    last_modified: str | None  # of the file version that was read
    size: int | None
    sha256: str | None
    processed_us: int


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One state item: the frame's account of one work key."""

    work_key: str
    status: str
    event_id: str
    path: str
    duplicates: int


@dataclass(frozen=True, slots=True)
class LineageRow:
    """One lineage record."""

    work_key: str
    execution_arn: str
    status: str


@dataclass(frozen=True, slots=True)
class Work:
    """What one workload made of the events."""

    outputs: Sequence[Output]
    items: Sequence[WorkItem]
    lineage: Sequence[LineageRow]
    wanted_types: frozenset[str]  # event types that the workload asks for


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that arrived, read from where it arrived. Without `work` only delivery is compared."""

    arrivals: Sequence[Arrival]
    queues: Mapping[str, int]
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of difference; `examples` are at most a handful of paths, ids or names."""

    code: str
    count: int
    text: str
    examples: Sequence[str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Operations against events on the bus."""

    operations: int
    monitored: int  # operations that are owed an event: the policy asks for them, or would if it were enabled
    delivered: int  # of these, with at least one event
    arrivals: int  # events that came, copies included
    duplicates: int  # copies of an event that came before
    replayed: int  # events marked as replayed, copies not counted
    lost: int
    missed: int  # of the lost ones: made while the policy was disabled
    lost_allowed: int
    unexpected: int
    unreported: int  # operations that the policy did not ask for


@dataclass(frozen=True, slots=True)
class SystemMessages:
    """Messages of ONTAP's event log with one name, around one mark of the run."""

    name: str
    count: int
    mark: str  # the nearest server_down or server_up; empty: the run has neither
    first_seconds: float  # after that mark, negative before it; without a mark after the first operation
    last_seconds: float


@dataclass(frozen=True, slots=True)
class Flow:
    """How much went through, and how fast."""

    stored: int  # notifications that waited in the Persistent Store
    dropped: int  # notifications that the storage could neither send nor store
    seconds: float  # first operation to last event
    events_per_second: float  # different events, over the time in which events came
    store_used_before: int | None  # bytes; None when the ledger does not say
    store_used_most: int | None
    store_used_after: int | None
    system_events: Sequence[SystemMessages]  # EMS, in order of time


@dataclass(frozen=True, slots=True)
class Accounting:
    """Each event that arrived is exactly one of the first five; `in_progress` and `unaccounted` end at 0."""

    processed: int
    collapsed: int
    superseded: int
    filtered: int
    failed: int
    in_progress: int
    unaccounted: int


@dataclass(frozen=True, slots=True)
class Outputs:
    """Files that exist at the end, and deletes and renames, against what was written for them."""

    work_keys: int
    objects: int
    files: int
    files_matched: int
    files_missing: int
    files_lost: int  # without a matching output because an operation on them is among the lost ones
    actions: int  # deletes and renames that arrived
    actions_missing: int
    doubled: int
    lineage_missing: int


@dataclass(frozen=True, slots=True)
class Replay:
    """The Persistent Store's replay as a consumer of the bus saw it, first copies only."""

    events: int
    seconds: float  # first to last replayed event on the bus
    catch_up_seconds: float | None  # server up again to last replayed event on the bus
    displacement_max: int  # places between arrival and order of operation time
    displacement_p99: int
    inversions_pct: float  # neighbours that came in the wrong order, of all neighbours


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdict, its figures, and the series that the report draws."""

    findings: Sequence[Finding]
    delivery: Delivery
    flow: Flow
    accounting: Accounting | None  # None: only delivery was compared
    outputs: Outputs | None
    replay: Replay | None
    latency_ms: Mapping[str, Spread | None]
    queues: Mapping[str, int]
    series: Mapping[str, object] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True when the ledger and what arrived are the same, up to the losses that were allowed."""
        return not self.findings

    def to_dict(self) -> dict[str, object]:
        """Give plain JSON values."""
        return {"ok": self.ok, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verification:
        """Read what `to_dict` gave. Raises KeyError or TypeError when a field is missing or unknown."""
        return cls(
            findings=[Finding(**finding) for finding in data["findings"]],
            delivery=Delivery(**data["delivery"]),
            flow=Flow(
                **{
                    **data["flow"],
                    "system_events": [SystemMessages(**each) for each in data["flow"]["system_events"]],
                }
            ),
            accounting=Accounting(**data["accounting"]) if data["accounting"] else None,
            outputs=Outputs(**data["outputs"]) if data["outputs"] else None,
            replay=Replay(**data["replay"]) if data["replay"] else None,
            latency_ms={
                name: Spread(**measured) if measured else None
                for name, measured in data["latency_ms"].items()
            },
            queues=data["queues"],
            series=data["series"],
        )
