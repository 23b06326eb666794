"""How cost grows with connections, events, volumes, rules and workloads (`python -m tools.bench.growth`).

Prints a table, writes build/growth.json and build/growth.html. Costs are of one thing among so many, in
processor time, so a level curve is linear growth of the whole. Exit status 1 when a curve that must be
level rises by more than its bound.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from fsxn_runtime.events import DETAIL_TYPE, EVENT_SOURCE
from fsxn_runtime.routing import Rule, check

from lab.terraform import REPOSITORY, Terraform
from tools.bench import nodes, server
from tools.bench.figures import Curve
from tools.bench.guardrails import forecasts
from tools.bench.page import render_curves
from tools.bench.processes import OTHER_CORES, FakeQueue, started, until
from tools.bench.processes import server as running_server
from tools.terraform_inventory import PREVIEW, applied, stand_in_packages

OUTPUT: Final = REPOSITORY / "build" / "growth.json"
CONNECTIONS: Final = (1, 8, 64, 256)
EVENTS: Final = (10, 1_000, 10_000, 100_000, 1_000_000)
VOLUMES: Final = (10, 100, 500, 1_000)
RULES: Final = (10, 50, 100, 300)
WORKLOADS: Final = (1, 4, 16)
FRAMES: Final = 20_000  # different ones; more events are the same frames again
CHUNK_EVENTS: Final = 100_000  # written before the next count of what arrived
# A rise of one thing's cost that noise and caches explain, from a tenth of the number to all of it.
MOST_GROWTH: Final = 1.5


def main() -> int:
    """Measure all curves; 1 when one rises that must not."""
    parser = argparse.ArgumentParser(prog="growth", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS[-1], metavar="N", help="most events (1,000,000)")
    most = parser.parse_args().events
    curves = list(measure([count for count in (*EVENTS, 10_000_000) if count <= most]))
    for line in table(curves):
        print(line)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(
        json.dumps([each._asdict() | {"growth": each.growth} for each in curves], indent=2) + "\n"
    )
    OUTPUT.with_suffix(".html").write_text(render_curves(curves, datetime.now(UTC)))
    print(f"{OUTPUT} and {OUTPUT.with_suffix('.html')}; load average {os.getloadavg()[0]:.1f}")
    wrong = failures(curves)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def measure(events: list[int]) -> Iterator[Curve]:
    """All curves, one after the other."""
    yield curve("forecast", "volumes", "ms of CPU a volume", VOLUMES, forecast_ms)
    yield curve("overlap check of rules", "rules", "ms of CPU a rule", RULES, rule_ms)
    yield curve(
        "terraform plan and apply", "workloads", "CPU seconds a workload", WORKLOADS, workload_seconds
    )
    frames = [nodes.notification(number, f"contract-{number:08}.pdf") for number in range(FRAMES)]
    os.sched_setaffinity(0, OTHER_CORES)
    with (
        tempfile.TemporaryDirectory() as directory,
        started(OTHER_CORES, "tools.bench.fake_queue") as process,
    ):
        queue, volume_map = FakeQueue(process), Path(directory, "volume-map.json")
        volume_map.write_text(nodes.VOLUME_MAP)

        def served(count: int, connections: int) -> tuple[float, float]:
            return through_server(queue, volume_map, frames, count, connections)

        by_connections = [(n, served(FRAMES, n)) for n in CONNECTIONS]
        yield Curve(
            "server, null queue",
            "connections",
            "us of CPU an event",
            tuple((n, us) for n, (us, _) in by_connections),
        )
        by_events = [(n, served(n, 1)) for n in events]
        yield Curve(
            "server, null queue",
            "events",
            "us of CPU an event",
            tuple((n, us) for n, (us, _) in by_events if n >= 1_000),
        )
        yield Curve("server, null queue", "events", "MB resident", tuple((n, mb) for n, (_, mb) in by_events))


def curve(name: str, of: str, unit: str, counts: tuple[int, ...], cost: Callable[[int], float]) -> Curve:
    """One point for each count."""
    print(f"measuring: {name}", file=sys.stderr)
    return Curve(name, of, unit, tuple((count, round(cost(count), 4)) for count in counts))


def forecast_ms(volumes: int) -> float:
    """One volume's forecasts, its inodes' and its share of the SSD tier's."""
    began = time.process_time()
    forecasts(volumes)
    return 1000 * (time.process_time() - began) / volumes


def rule_ms(count: int) -> float:
    """What `fsxn events rules` computes, for rules of which each takes a folder of its own and one suffix."""
    rules = [
        Rule(
            f"workload-{number}",
            {
                "source": [EVENT_SOURCE],
                "detail-type": [DETAIL_TYPE],
                "detail": {
                    "volume_name": ["vol1"],
                    "file_path": [{"wildcard": f"/vol1/team-{number:04}/*.pdf"}],
                },
            },
        )
        for number in range(count)
    ]
    began = time.process_time()
    if found := check(rules):
        raise SystemExit(f"rules of different folders were found wrong: {found[0].text}")
    return 1000 * (time.process_time() - began) / count


def workload_seconds(count: int) -> float:
    """Terraform's own time for a root with so many workloads, planned and applied without AWS."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        root = base / "checkout/envs/growth"
        root.mkdir(parents=True)
        for folder in ("modules", "python"):
            (base / "checkout" / folder).symlink_to(REPOSITORY / folder)
        (root / "main.tf").write_text(configuration(count, stand_in_packages(base)))
        before = os.times()
        applied(Terraform(root, base, environment=PREVIEW))
        after = os.times()
    return (
        after.children_user + after.children_system - before.children_user - before.children_system
    ) / count


def configuration(count: int, packages: Path) -> str:
    """The example of the workload's README, so many times under other names."""
    text = (REPOSITORY / "modules/workload/README.md").read_text()
    example = text.partition("```hcl\n")[2].partition("```")[0].replace("../../build/lambdas", str(packages))
    calls = [
        example.replace('module "inventory"', f'module "inventory_{number}"')
        .replace('"inventory"', f'"inventory-{number}"')
        .replace("/vol1/legal/", f"/vol1/legal-{number}/")
        for number in range(count)
    ]
    return "\n".join(['provider "aws" {\n  region = "us-east-1"\n}\n', *calls])


def through_server(
    queue: FakeQueue, volume_map: Path, frames: list[bytes], count: int, connections: int
) -> tuple[float, float]:
    """Microseconds of the server's processor time for an event, and its memory in MB at the end."""
    print(f"measuring: {count:,} events over {connections} connections", file=sys.stderr)
    with running_server(queue, volume_map, {}, is_null=True) as running:
        server.send(running, frames[: FRAMES // 10], 1)  # caches, the first volume map
        until(lambda: server.delivered(running) == FRAMES // 10)
        cpu_began, sent, endless = running.cpu_seconds(), FRAMES // 10, cycle(frames)
        left = count
        while left:
            share = list(islice(endless, min(left, CHUNK_EVENTS)))
            server.send(running, share, connections)
            sent, left = sent + len(share), left - len(share)
            until(lambda wanted=sent: server.delivered(running) == wanted)  # type: ignore[misc]
        cpu = running.cpu_seconds() - cpu_began
        return round(1e6 * cpu / count, 2), round(running.resident_mb(), 1)


def failures(curves: list[Curve]) -> list[str]:
    """Say which curve rises by more than it may."""
    return [
        f"{each.name}: {each.unit} grows by {each.growth:.2f} with {each.of}; {MOST_GROWTH} is allowed"
        for each in curves
        if each.growth > MOST_GROWTH
    ]


def table(curves: list[Curve]) -> Iterator[str]:
    """Give the lines that are printed."""
    for each in curves:
        points = "   ".join(f"{count:,}: {cost:,.4g}" for count, cost in each.points)
        yield f"{each.name}, {each.unit}, by {each.of}   (x {each.growth:.2f})"
        yield f"  {points}"


if __name__ == "__main__":
    sys.exit(main())
