"""`python -m lab.storm [RUN ...]`: the large proofs; build/storm/RUN.json and RUN.html."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from rich.console import Console

from lab.cloud.emulator import EmulatorError
from lab.demo.story import draw
from lab.demo.view import View
from lab.ontap_sim.client import SimClientError
from lab.ontap_sim.process import SimProcessError
from lab.storm.figures import figures
from lab.storm.runs import RUNS
from lab.terraform import REPOSITORY, TerraformError
from lab.world import World, WorldError

DIRECTORY = REPOSITORY / "build" / "storm"


def main() -> int:
    """Do the runs one after the other. 0: all kept their bounds; 1: one did not; 2: one could not be done."""
    parser = argparse.ArgumentParser(prog="python -m lab.storm", description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN", help=f"of {', '.join(RUNS)}; all without any")
    names = parser.parse_args().runs or list(RUNS)
    if unknown := sorted(set(names) - set(RUNS)):
        parser.error(f"there is no run {', '.join(unknown)}; there are {', '.join(RUNS)}")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = Console()
    try:
        return max([run(console, name) for name in names])
    except KeyboardInterrupt:
        console.print("ended; everything that was started is stopped")
        return 130  # 128 + SIGINT, as shells report it
    except (WorldError, EmulatorError, SimClientError, SimProcessError, TimeoutError) as exc:
        console.print(f"storm: {exc}", style="red", highlight=False, markup=False)
    except TerraformError as exc:
        console.print(f"storm: {exc}\n{exc.output}", style="red", highlight=False, markup=False)
    return 2


def run(console: Console, name: str) -> int:
    """Do one run, write its files, print its figures; 0 when it kept its bounds, else 1."""
    wanted, started_at = RUNS[name], datetime.now(UTC)
    file, page = DIRECTORY / f"{name}.json", DIRECTORY / f"{name}.html"
    console.rule(wanted.title)
    with View(console) as view, World(DIRECTORY / name, step=view.step, **wanted.options) as world:
        outcome = wanted.perform(world, view)
        document: dict[str, Any] = {
            "schema_version": "1.0",
            "title": wanted.title,
            "started_at": f"{started_at:%Y-%m-%d %H:%M:%S} UTC",
            "checks": [{"title": c.title, "text": c.text, "ok": c.ok} for c in outcome.checks],
            "steps": [{"name": step.name, "seconds": step.seconds or 0.0} for step in view.steps],
            "facts": _facts(),
            "verification": outcome.verification,
        }
        file.write_text(json.dumps(document))
        draw(world, file, page)
    for line in figures(document):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    kept = outcome.verification["ok"] and all(check.ok for check in outcome.checks)
    seconds = sum(step.seconds or 0.0 for step in view.steps)
    console.print(f"{'kept its bounds' if kept else 'FAILED'} · {seconds:.0f} s · {page}", soft_wrap=True)
    return 0 if kept else 1


def _facts() -> list[list[str]]:
    return [
        ["AWS, ONTAP", "emulated and simulated on this machine"],
        ["Python", platform.python_version()],
        ["Machine", f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"],
        ["load of the machine at the end", f"{os.getloadavg()[0]:.1f}"],
    ]


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
