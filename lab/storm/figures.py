"""A run's figures as lines for the terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def figures(run: Mapping[str, Any]) -> Iterator[str]:
    """Give every figure, each check with ✓ or ✗, and what differs."""
    verification = run["verification"]
    for name, value in rows(verification):
        yield f"{name:<46}{value}"
    for check in run["checks"]:
        yield f"{'✓' if check['ok'] else '✗'} {check['title']}: {check['text']}"
    for finding in verification["findings"]:
        examples = ", ".join(finding["examples"])
        yield f"✗ {finding['code']}: {finding['count']:,} {finding['text']}: {examples}"


def rows(verification: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give name and value of each figure."""
    delivery, flow, replay = verification["delivery"], verification["flow"], verification["replay"]
    yield "operations made (an event is owed)", f"{delivery['operations']:,} ({delivery['monitored']:,})"
    yield "notifications queued in the Persistent Store", f"{flow['stored']:,}"
    yield "events replayed", f"{delivery['replayed']:,}"
    yield "lost", f"{delivery['lost']:,}"
    yield "duplicates", f"{delivery['duplicates']:,}"
    yield "events a second", f"{flow['events_per_second']:,}"
    yield "first operation to last event", f"{flow['seconds']:.1f} s"
    if flow["store_used_before"] is not None:
        used = (flow[f"store_used_{when}"] / 1024 for when in ("before", "most", "after"))
        yield "store use before / most / after", " / ".join(f"{kib:,.0f}" for kib in used) + " KiB"
    if replay:
        places = f"{replay['displacement_max']:,} / {replay['displacement_p99']:,}"
        yield "replay out of order, max / p99", f"{places} places of {replay['events']:,}"
        yield "replay, first to last event", f"{replay['seconds']:.1f} s"
    if accounting := verification["accounting"]:
        yield "work keys processed", f"{accounting['processed']:,}"
        yield "superseded before they were processed", f"{accounting['superseded']:,}"
        yield "processed twice", f"{verification['outputs']['doubled']:,}"
        yield "without lineage", f"{verification['outputs']['lineage_missing']:,}"
    yield from _system_messages(flow["system_events"])


def _system_messages(messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Give one row for each message and kind of mark: a run with many restarts has as many marks."""
    grouped: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for each in messages:
        grouped.setdefault((each["name"], each["mark"] or "the first operation"), []).append(each)
    for (name, mark), group in grouped.items():
        seconds = [each["first_seconds"] for each in group]
        first, last = f"{min(seconds):+.1f}", f"{max(seconds):+.1f}"
        when = f"{first} s" if first == last else f"{first} to {last} s"
        yield f"EMS {name}", f"{sum(each['count'] for each in group):,}, {when} from {mark}"
