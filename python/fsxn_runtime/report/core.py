"""Compare the storage's ledger with what arrived. Pure: everything read comes in as arguments.

An event and an operation are the same when time, operation, path and target path are all equal; times are
unique in the storage's ledger. Without times (a client's ledger has none of the storage, and a storage may
stamp an event anew when it replays it) operation and paths must be equal; names should not be used twice
then, for several writes of one file need one event only. The comparison knows nothing of how events travel.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from fsxn_runtime.events import EventType
from fsxn_runtime.report.model import (
    Accounting,
    Arrival,
    Delivery,
    Evidence,
    FinalFile,
    Finding,
    Flow,
    Ledger,
    LineageRow,
    Mark,
    Operation,
    Output,
    Outputs,
    Replay,
    SystemMessages,
    Verification,
    Work,
    WorkItem,
)
from fsxn_runtime.report.series import series
from fsxn_runtime.report.statistics import Spread, displacements, percentile, spread

EXAMPLES = 5  # enough to start looking, short enough for a terminal
_ACTIONS = frozenset({EventType.FILE_DELETE, EventType.FILE_RENAME})  # their work key is the event id
# Lineage that says why an event made no work of its own.
_DECISIONS_ONLY = frozenset({"duplicate", "filtered"})


def verify(
    ledger: Ledger, evidence: Evidence, lost_allowed: int = 0, *, by_time: bool = True
) -> Verification:
    """Say whether the ledger and what arrived are the same, with every figure.

    Up to `lost_allowed` operations may lack their event (a server killed without warning). by_time: events
    must have the ledger's times; never asked of a client's ledger.
    """
    ledger = _scoped(ledger)
    arrivals = [arrival for arrival in evidence.arrivals if _is_below(arrival, ledger.scope)]
    firsts = _first_copies(arrivals)
    by_time = by_time and not any(operation.is_client_time for operation in ledger.operations)
    lost, unexpected = _match(ledger.operations, firsts, by_time=by_time)
    delivery = _delivery(ledger.operations, arrivals, firsts, lost, unexpected, lost_allowed)
    findings = _delivery_findings(delivery, lost, unexpected)
    accounting, outputs, work = None, None, evidence.work
    if work is not None:
        accounting = _accounting(arrivals, work)
        outputs, output_findings = _outputs(ledger, work, firsts, lost)
        findings += [*_accounting_findings(accounting, work.items), *output_findings]
    findings += [
        Finding("queue.not_empty", depth, f"messages left in queue {name}", [name])
        for name, depth in evidence.queues.items()
        if depth
    ]
    return Verification(
        findings=findings,
        delivery=delivery,
        flow=_flow(ledger, firsts),
        accounting=accounting,
        outputs=outputs,
        replay=_replay(ledger, firsts),
        latency_ms=_latencies(firsts, [] if work is None else work.outputs),
        queues=evidence.queues,
        series=series(ledger, firsts),
    )


def _scoped(ledger: Ledger) -> Ledger:
    """Leave out what is not below the ledger's scope."""
    return replace(
        ledger,
        operations=[each for each in ledger.operations if _is_below(each, ledger.scope)],
        files=[each for each in ledger.files if _is_below(each, ledger.scope)],
    )


def _is_below(thing: Arrival | Operation | FinalFile, scope: str) -> bool:
    return not scope or thing.path == scope or thing.path.startswith(f"{scope}/")


def _first_copies(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """The first copy of each event, in order of arrival (equal times keep their order in the file)."""
    seen: dict[str, Arrival] = {}
    for arrival in sorted(arrivals, key=lambda arrival: arrival.arrived_us):
        seen.setdefault(arrival.event_id, arrival)
    return list(seen.values())


def _match(
    operations: Sequence[Operation], firsts: Sequence[Arrival], *, by_time: bool
) -> tuple[list[Operation], list[Arrival]]:
    """Give the operations that lack their event, and the events without an operation.

    Without times an operation may have several events under ids of their own (two policies that each stamp
    it), and what filters may merge (several writes of one file) is expected and not demanded.
    """

    def identity(thing: Operation | Arrival) -> tuple[int, str, str, str | None]:
        return thing.time_us if by_time else 0, thing.operation, thing.path, thing.target_path

    wanted = {identity(operation): operation for operation in operations if operation.is_owed}
    expected = frozenset() if by_time else {identity(operation) for operation in operations}
    unexpected = [
        arrival
        for arrival in firsts
        if wanted.pop(identity(arrival), None) is None and identity(arrival) not in expected
    ]
    return list(wanted.values()), unexpected


def _delivery(
    operations: Sequence[Operation],
    arrivals: Sequence[Arrival],
    firsts: Sequence[Arrival],
    lost: Sequence[Operation],
    unexpected: Sequence[Arrival],
    lost_allowed: int,
) -> Delivery:
    monitored = sum(operation.is_owed for operation in operations)
    return Delivery(
        operations=len(operations),
        monitored=monitored,
        delivered=monitored - len(lost),
        arrivals=len(arrivals),
        duplicates=len(arrivals) - len(firsts),
        replayed=sum(arrival.replayed for arrival in firsts),
        lost=len(lost),
        missed=sum(operation.missed for operation in lost),
        lost_allowed=lost_allowed,
        unexpected=len(unexpected),
        unreported=len(operations) - monitored,
    )


def _delivery_findings(
    delivery: Delivery, lost: Sequence[Operation], unexpected: Sequence[Arrival]
) -> list[Finding]:
    findings = []
    if delivery.lost > delivery.lost_allowed:
        text = f"operations have no event ({delivery.lost_allowed} allowed)"
        examples = [f"{operation.operation} {operation.path}" for operation in lost[:EXAMPLES]]
        findings.append(Finding("event.lost", delivery.lost, text, examples))
    if unexpected:
        examples = [f"{arrival.operation} {arrival.path}" for arrival in unexpected[:EXAMPLES]]
        findings.append(Finding("event.unexpected", len(unexpected), "events have no operation", examples))
    return findings


def _flow(ledger: Ledger, firsts: Sequence[Arrival]) -> Flow:
    began = min((operation.time_us for operation in ledger.operations), default=0)
    first, last = (firsts[0].arrived_us, firsts[-1].arrived_us) if firsts else (began, began)
    used = [use.used_bytes for use in ledger.store_uses]
    return Flow(
        stored=ledger.notifications.get("stored", 0),
        dropped=ledger.notifications.get("dropped", 0),
        seconds=max(0.0, (last - began) / 1e6),
        events_per_second=round(len(firsts) / ((last - first) / 1e6), 1) if last > first else 0.0,
        store_used_before=used[0] if used else None,
        store_used_most=max(used, default=None),
        store_used_after=used[-1] if used else None,
        system_events=_system_messages(ledger, began),
    )


def _system_messages(ledger: Ledger, began_us: int) -> list[SystemMessages]:
    """Count messages by name around the mark that is nearest, in order of time."""
    marks = [mark for mark in ledger.marks if mark.event in ("server_down", "server_up")]
    marks = marks or [Mark("", began_us)]
    times: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    for event in sorted(ledger.system_events, key=lambda event: event.at_us):
        place = min(range(len(marks)), key=lambda number: abs(event.at_us - marks[number].at_us))
        times[place, event.name].append((event.at_us - marks[place].at_us) / 1e6)
    return [
        SystemMessages(name, len(seconds), marks[place].event, seconds[0], seconds[-1])
        for (place, name), seconds in times.items()
    ]


def _accounting(arrivals: Sequence[Arrival], work: Work) -> Accounting:
    """Every arrival, copies included, is one of: filtered, the first of a work key, or collapsed into one."""
    status = Counter(item.status for item in work.items)
    filtered = sum(arrival.event_type not in work.wanted_types for arrival in arrivals)
    collapsed = sum(item.duplicates for item in work.items)
    return Accounting(
        processed=status["DONE"],
        collapsed=collapsed,
        superseded=status["SUPERSEDED"],
        filtered=filtered,
        failed=status["FAILED"],
        in_progress=status["IN_PROGRESS"],
        unaccounted=len(arrivals) - filtered - collapsed - len(work.items),
    )


def _accounting_findings(accounting: Accounting, items: Sequence[WorkItem]) -> list[Finding]:
    findings = []
    for status, count in (("FAILED", accounting.failed), ("IN_PROGRESS", accounting.in_progress)):
        if count:
            examples = [item.path for item in items if item.status == status][:EXAMPLES]
            code, text = f"work.{status.lower()}", f"work keys are {status} and not DONE"
            findings.append(Finding(code, count, text, examples))
    # Below zero: the frame counted a redelivered message twice. It may count high, never low.
    if accounting.unaccounted > 0:
        text = "events on the bus were neither processed, collapsed, superseded, filtered nor failed"
        findings.append(Finding("event.unaccounted", accounting.unaccounted, text, []))
    return findings


def _outputs(
    ledger: Ledger, work: Work, firsts: Sequence[Arrival], lost: Sequence[Operation]
) -> tuple[Outputs, list[Finding]]:
    expected = _files_with_an_operation(ledger)
    said = {(output.target_path or output.path, output.size, output.sha256) for output in work.outputs}
    unmatched = [file.path for file in expected if (file.path, file.size, file.sha256) not in said]
    lost_paths = {path for operation in lost for path in (operation.path, operation.target_path)}
    missing = [path for path in unmatched if path not in lost_paths]
    doubled = [*_doubled_outputs(work.outputs), *_doubled_executions(work.lineage)]

    written = {output.event_id for output in work.outputs if output.action != "process"}
    actions = [arrival for arrival in firsts if arrival.event_type in _ACTIONS & work.wanted_types]
    undone = [arrival.path for arrival in actions if arrival.event_id not in written]
    recorded = {row.work_key for row in work.lineage if row.status not in _DECISIONS_ONLY}
    unrecorded = [item.path for item in work.items if item.status == "DONE" and item.work_key not in recorded]

    found = (
        ("file.unmatched", missing, "final files have no output with their SHA-256"),
        ("action.missing", undone, "deletes and renames have no output"),
        ("output.doubled", doubled, "file versions were processed more than once"),
        ("lineage.missing", unrecorded, "finished work keys have no lineage record"),
    )
    findings = [Finding(code, len(paths), text, paths[:EXAMPLES]) for code, paths, text in found if paths]
    outputs = Outputs(
        work_keys=len(work.items),
        objects=len(work.outputs),
        files=len(expected),
        files_matched=len(expected) - len(unmatched),
        files_missing=len(missing),
        files_lost=len(unmatched) - len(missing),
        actions=len(actions),
        actions_missing=len(undone),
        doubled=len(doubled),
        lineage_missing=len(unrecorded),
    )
    return outputs, findings


def _files_with_an_operation(ledger: Ledger) -> list[FinalFile]:
    """Files that the policy reported. A file that only came along with its renamed folder has no event."""
    named: set[str | None] = set()
    for operation in ledger.operations:
        if operation.is_owed:
            named |= {operation.path, operation.target_path}
    return [file for file in ledger.files if file.path in named]


def _doubled_outputs(outputs: Sequence[Output]) -> list[str]:
    """Paths of versions (path, modification time, content) with more than one output of their own."""
    versions = Counter(
        (output.path, output.last_modified, output.sha256) for output in outputs if output.action == "process"
    )
    return [path for (path, _, _), count in versions.items() if count > 1]


def _doubled_executions(rows: Sequence[LineageRow]) -> list[str]:
    """Work keys that more than one execution finished."""
    executions: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.status == "success":
            executions[row.work_key].add(row.execution_arn)
    return [work_key for work_key, arns in executions.items() if len(arns) > 1]


def _latencies(firsts: Sequence[Arrival], outputs: Sequence[Output]) -> dict[str, Spread | None]:
    """Milliseconds from an operation to the bus, and from the one whose event came first to the output.

    Replayed events waited for the outage: they are measured apart.
    """
    by_event = {arrival.event_id: arrival for arrival in firsts}
    written = [
        (arrival, output.processed_us) for output in outputs if (arrival := by_event.get(output.event_id))
    ]
    result: dict[str, Spread | None] = {}
    for kind, replayed in (("live", False), ("replayed", True)):
        to_bus = [(a.arrived_us - a.time_us) / 1000 for a in firsts if a.replayed is replayed]
        to_output = [(done_us - a.time_us) / 1000 for a, done_us in written if a.replayed is replayed]
        result[f"{kind}_to_bus"] = spread(to_bus)
        result[f"{kind}_to_output"] = spread(to_output)
    return result


def _replay(ledger: Ledger, firsts: Sequence[Arrival]) -> Replay | None:
    replayed = [arrival for arrival in firsts if arrival.replayed]
    if not replayed:
        return None
    times = [arrival.time_us for arrival in replayed]
    places = sorted(displacements(times))
    inversions = sum(later < earlier for earlier, later in pairwise(times))
    last_us = replayed[-1].arrived_us
    up_us = next((mark.at_us for mark in reversed(ledger.marks) if mark.event == "server_up"), None)
    return Replay(
        events=len(replayed),
        seconds=(last_us - replayed[0].arrived_us) / 1e6,
        catch_up_seconds=None if up_us is None else (last_us - up_us) / 1e6,
        displacement_max=places[-1],
        displacement_p99=int(percentile(places, 99)),
        inversions_pct=round(100 * inversions / max(1, len(times) - 1), 1),
    )
