"""How long a file takes through the whole path: percentiles of the last `make demo`, or of a small one.

The whole path runs on this machine, local AWS included, so these are times of the laboratory and not of AWS.
Beside them stands the settle time, which every output waits for on purpose.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

from lab.demo.__main__ import DIRECTORY
from lab.terraform import REPOSITORY
from tools.bench.figures import Figure

RUN: Final = DIRECTORY / "run.json"
SMALL: Final = 50  # files, when no run was recorded
SECONDS: Final = 900
SETTLE: Final = "settle time"
STEPS: Final = (
    "terraform apply",
    "start the server again; the store is replayed",
    "wait until nothing moves",
)

Json = dict[str, Any]


def measure() -> Json:
    """Read the recorded run; make a small one when there is none. Raises SystemExit when that fails."""
    if not RUN.exists():
        command = [sys.executable, "-m", "lab.demo", "--files", str(SMALL)]
        done = subprocess.run(
            command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, timeout=SECONDS, check=False
        )
        if not RUN.exists():
            raise SystemExit(f"the demo ended with status {done.returncode} and recorded nothing")
    run = json.loads(RUN.read_text())
    return {
        "started_at": run["started_at"],
        "settle_seconds": float(dict(run["facts"])[SETTLE].split()[0]),
        "seconds": round(sum(step["seconds"] for step in run["steps"]), 1),
        "steps": {step["name"]: round(step["seconds"], 2) for step in run["steps"]},
        "latency_ms": {name: spread for name, spread in run["verification"]["latency_ms"].items() if spread},
    }


def failures(_found: Json) -> list[str]:
    """Nothing here must be so on any machine; the demo has its own checks."""
    return []


def table(found: Json) -> Iterator[str]:
    """Give the lines that are printed."""
    yield f"{'demo of ' + found['started_at']:<34}{'p50, s':>12}{'p90, s':>12}{'p99, s':>12}{'events':>12}"
    for name, spread in found["latency_ms"].items():
        times = "".join(f"{spread[percent] / 1000:>12.2f}" for percent in ("p50", "p90", "p99"))
        yield f"  {name.replace('_', ' '):<32}{times}{spread['count']:>12,}"
    steps = "; ".join(f"{name} {found['steps'][name]:.1f} s" for name in STEPS if name in found["steps"])
    yield f"  {found['seconds']:.0f} s in all: {steps}; {SETTLE} {found['settle_seconds']:.0f} s"


def figures(found: Json) -> Iterator[Figure]:
    """Give what the page shows."""
    for name, spread in found["latency_ms"].items():
        value, settle = spread["p99"] / 1000, found["settle_seconds"]
        yield Figure("through the whole path, p99 in seconds", name.replace("_", " "), value, SETTLE, settle)
