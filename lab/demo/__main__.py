"""`python -m lab.demo`: the main job on this machine, with proof. `--live` leaves it running."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from types import FrameType

from rich.console import Console

from lab.cloud.emulator import EmulatorError
from lab.cloud.service_metrics import ServiceMetrics
from lab.demo.live import watch
from lab.demo.result import conclude
from lab.demo.story import Story, draw, now
from lab.demo.view import View
from lab.ontap_sim.client import SimClientError
from lab.ontap_sim.process import SimProcessError
from lab.terraform import REPOSITORY, TerraformError
from lab.world import World, WorldError

DIRECTORY = REPOSITORY / "build" / "demo"
LIVE_VOLUME = REPOSITORY / "lab-volume"
FILES = 300


def main() -> int:
    """Tell the story. 0: ledger and outputs are the same; 1: they differ; 2: it could not be told."""
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    parser.add_argument("--live", action="store_true", help="leave it running, with a folder to play with")
    parser.add_argument("--seed", type=int, default=1, help="choice of files and operations (1)")
    parser.add_argument("--files", type=int, default=FILES, metavar="N", help=f"files to copy ({FILES})")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # also where a shell ignored Ctrl-C for us
        signal.signal(number, _interrupt)
    console = Console()
    try:
        if arguments.live:
            return watch(console, DIRECTORY, LIVE_VOLUME)
        return tell(console, arguments.seed, arguments.files)
    except KeyboardInterrupt:
        console.print("ended; everything that was started is stopped")
        return 130  # 128 + SIGINT, as shells report it
    except (WorldError, EmulatorError, SimClientError, SimProcessError, TimeoutError) as exc:
        console.print(f"demo: {exc}", style="red", highlight=False, markup=False)
        return 2
    except TerraformError as exc:
        console.print(f"demo: {exc}\n{exc.output}", style="red", highlight=False, markup=False)
        return 2


def tell(console: Console, seed: int, files: int) -> int:
    """Run the story, write run.json and report.html, print the table."""
    started_at = now()
    run_file, page = DIRECTORY / "run.json", DIRECTORY / "report.html"
    with (
        View(console) as view,
        World(DIRECTORY, step=view.step) as world,
        ServiceMetrics(world.emulator),
    ):
        run = Story(world, view, seed=seed, files=files).tell(started_at)
        run_file.write_text(json.dumps(run))
        draw(world, run_file, page)
    return conclude(console, run, page, sum(step.seconds or 0.0 for step in view.steps))


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
