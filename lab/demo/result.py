"""The end of the demo: one table, the differences if there are any, and the exit status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def conclude(console: Console, run: Mapping[str, Any], page: Path, seconds: float) -> int:
    """Print what a run showed; 0 when ledger and outputs are the same and every check held, else 1."""
    verification = run["verification"]
    table = Table(title="What happened", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in rows(verification):
        table.add_row(name, value)
    console.print(table)
    if run.get("used"):
        console.print(used_table(run["used"]))
    for check in run["checks"]:
        mark = "[green]✓[/]" if check["ok"] else "[red]✗[/]"
        console.print(f"{mark} {check['title']}: {check['text']}", highlight=False)
    for finding in verification["findings"]:
        examples = ", ".join(finding["examples"])
        text = f"✗ {finding['code']}: {finding['count']:,} {finding['text']}: {examples}"
        console.print(text, style="red", markup=False, highlight=False)
    failed = sum(not check["ok"] for check in run["checks"])
    same = verification["ok"]
    verdict = (
        "[bold green]ledger and outputs are the same[/]" if same else "[bold red]ledger and outputs DIFFER[/]"
    )
    if failed:
        verdict += f" · [bold red]{failed} of {len(run['checks'])} checks FAILED[/]"
    console.print(f"{verdict} · {seconds:.0f} s · {page}", highlight=False, soft_wrap=True)
    return 0 if same and not failed else 1


def used_table(compared: Iterable[Mapping[str, Any]]) -> Table:
    """What `fsxn cost` estimates for the traffic beside what was used."""
    table = Table(title="What it used", title_justify="left")
    table.add_column("quantity")
    for name in ("estimated", "counted", "ratio"):
        table.add_column(name, justify="right")
    for row in compared:
        amounts = (_amount(float(row[name])) for name in ("estimated", "counted"))
        ratio = "–" if row["ratio"] is None else f"{float(row['ratio']):.2f}"
        table.add_row(f"{row['quantity']}, {row['workload']}", *amounts, ratio)
    return table


def _amount(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def rows(verification: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the figures of the table."""
    delivery, accounting = verification["delivery"], verification["accounting"]
    outputs, replay = verification["outputs"], verification["replay"]
    yield "operations made (the policy asks for)", f"{delivery['operations']:,} ({delivery['monitored']:,})"
    yield "delivered to the bus", f"{delivery['delivered']:,}"
    yield "  of these replayed", f"{delivery['replayed']:,}"
    yield "processed file versions, deletes, renames", f"{accounting['processed']:,}"
    yield (
        "duplicates collapsed (of these by transport)",
        f"{accounting['collapsed']:,} ({delivery['duplicates']:,})",
    )
    yield "superseded", f"{accounting['superseded']:,}"
    yield "lost", f"{delivery['lost']:,}"
    yield "final files with their SHA-256", f"{outputs['files_matched']:,} of {outputs['files']:,}"
    for name, title in (("live_to_bus", "bus"), ("live_to_output", "output")):
        if spread := verification["latency_ms"][name]:
            figures = " / ".join(f"{spread[key]:,.0f}" for key in ("p50", "p90", "p99"))
            yield f"operation to {title}, p50 / p90 / p99", f"{figures} ms"
    if replay:
        yield "replay, first to last event", f"{replay['seconds']:.1f} s"
        out_of_order = f"{replay['displacement_p99']:,} / {replay['displacement_max']:,} places"
        yield "replay out of order, p99 / max", out_of_order
