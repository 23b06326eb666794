"""A verification as lines of text for a terminal or a log. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from fsxn_runtime.report.model import Verification

# Title of each latency: the two points that it is measured between.
LATENCY_TITLES = {
    "live_to_bus": "operation to bus",
    "live_to_output": "operation to output",
    "replayed_to_bus": "replayed operation to bus",
    "replayed_to_output": "replayed operation to output",
}


def rows(verification: Verification) -> Iterator[tuple[str, str]]:
    """Give every figure but the latencies with its name, in the order of the path."""
    delivery, flow = verification.delivery, verification.flow
    yield "operations made", f"{delivery.operations:,}"
    yield "  the policy asks for", f"{delivery.monitored:,}"
    yield "  delivered to the bus", f"{delivery.delivered:,}"
    yield "  lost", f"{delivery.lost:,} (allowed {delivery.lost_allowed:,})"
    if delivery.missed:
        yield "    made while the policy was disabled", f"{delivery.missed:,}"
    yield "events without an operation", f"{delivery.unexpected:,}"
    yield "events on the bus", f"{delivery.arrivals:,}"
    yield "  transport duplicates", f"{delivery.duplicates:,}"
    yield "  replayed", f"{delivery.replayed:,}"
    yield "first operation to last event", f"{flow.seconds:.1f} s"
    yield "  events a second while they came", f"{flow.events_per_second:,}"
    yield "notifications stored by ONTAP", f"{flow.stored:,}"
    yield "  dropped by ONTAP", f"{flow.dropped:,}"
    if flow.store_used_before is not None:
        uses = (flow.store_used_before, flow.store_used_most, flow.store_used_after)
        yield (
            "Persistent Store, KiB before / most / after",
            " / ".join(f"{(used or 0) / 1024:,.0f}" for used in uses),
        )
    for name, count, when in system_messages(verification):
        yield f"EMS {name}", f"{count}, {when}"
    yield from _work_rows(verification)
    if replay := verification.replay:
        yield "replay: first to last event on the bus", f"{replay.seconds:.1f} s"
        if replay.catch_up_seconds is not None:
            yield "replay: server up to last event on the bus", f"{replay.catch_up_seconds:.1f} s"
        yield (
            "replay: places out of order, p99 / max",
            f"{replay.displacement_p99:,} / {replay.displacement_max:,} of {replay.events:,}",
        )
        yield "replay: neighbours in the wrong order", f"{replay.inversions_pct} %"
    for name, depth in verification.queues.items():
        yield f"left in queue {name}", f"{depth:,}"


def system_messages(verification: Verification) -> Iterator[tuple[str, str, str]]:
    """Give name, number and time of ONTAP's messages, in order of time."""
    for each in verification.flow.system_events:
        since = each.mark or "the first operation"
        times = f"{each.first_seconds:+.1f} s"
        if round(each.last_seconds, 1) != round(each.first_seconds, 1):
            times += f" to {each.last_seconds:+.1f} s"
        yield each.name, f"{each.count:,}", f"{times} from {since}"


def _work_rows(verification: Verification) -> Iterator[tuple[str, str]]:
    accounting, outputs = verification.accounting, verification.outputs
    if accounting is None or outputs is None:
        return
    yield "work keys", f"{outputs.work_keys:,}"
    yield "  processed", f"{accounting.processed:,}"
    yield "  superseded", f"{accounting.superseded:,}"
    yield "  failed", f"{accounting.failed:,}"
    yield "  in progress", f"{accounting.in_progress:,}"
    yield "events collapsed into a work key", f"{accounting.collapsed:,}"
    yield "events filtered", f"{accounting.filtered:,}"
    yield "events unaccounted for", f"{accounting.unaccounted:,}"
    yield "files at the end with their SHA-256", f"{outputs.files_matched:,} of {outputs.files:,}"
    if outputs.files_lost:
        yield "  without, for a lost event", f"{outputs.files_lost:,}"
    yield (
        "deletes and renames recorded",
        f"{outputs.actions - outputs.actions_missing:,} of {outputs.actions:,}",
    )
    yield "processed twice", f"{outputs.doubled:,}"
    yield "without a lineage record", f"{outputs.lineage_missing:,}"


def latencies(verification: Verification) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Give title, count, p50, p90, p99 and maximum of each latency that was measured."""
    for name, title in LATENCY_TITLES.items():
        if measured := verification.latency_ms.get(name):
            figures = (measured.p50, measured.p90, measured.p99, measured.maximum)
            p50, p90, p99, maximum = (duration(ms) for ms in figures)
            yield title, f"{measured.count:,}", p50, p90, p99, maximum


def duration(ms: float) -> str:
    """Give milliseconds or, from ten seconds, seconds."""
    return f"{ms:,.0f} ms" if ms < 10_000 else f"{ms / 1000:,.1f} s"


def lines(verification: Verification) -> Iterator[str]:
    """Give the figures, each finding with examples, and the verdict in the last line."""
    for name, value in rows(verification):
        yield f"{name:<48}{value}"
    for title, _, *figures in latencies(verification):
        yield f"{title + ', p50 / p90 / p99 / max':<48}{' / '.join(figures)}"
    for finding in verification.findings:
        examples = f": {', '.join(finding.examples)}" if finding.examples else ""
        yield f"DIFFERENT  {finding.code}: {finding.count:,} {finding.text}{examples}"
    what = "events" if verification.outputs is None else "outputs"
    yield f"ledger and {what} are the same" if verification.ok else f"ledger and {what} DIFFER"
