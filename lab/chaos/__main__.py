"""`python -m lab.chaos [--seed N] [--seconds 60]`: the laboratory under faults; build/chaos/SEED.json.

The same seed gives the same schedule. Status 0: no debt; 1: debts, which are printed; 2: could not be done.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
from pathlib import Path
from types import FrameType

from lab.chaos.acts import describe
from lab.chaos.run import Account, chaos
from lab.chaos.schedule import Schedule, as_data, draw, from_data
from lab.cloud.emulator import EmulatorError
from lab.ontap_sim.client import SimClientError
from lab.ontap_sim.process import SimProcessError
from lab.terraform import REPOSITORY, TerraformError
from lab.world import World, WorldError

DIRECTORY = REPOSITORY / "build" / "chaos"


def main() -> int:
    """Draw or read a schedule, run it, print the account."""
    parser = argparse.ArgumentParser(prog="python -m lab.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--schedule", type=Path, metavar="FILE", help="of a run before, instead of a seed")
    parser.add_argument("--show", action="store_true", help="print the schedule and do nothing")
    options = parser.parse_args()
    try:
        schedule = (
            from_data(json.loads(options.schedule.read_text())["schedule"])
            if options.schedule
            else draw(options.seed, options.seconds)
        )
    except ValueError as exc:
        parser.error(str(exc))
    say(f"chaos: seed {schedule.seed}, {schedule.seconds:g} s, {len(schedule.acts)} acts")
    if options.show:
        for act in schedule.acts:
            say(str(act))
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return run(schedule)
    except KeyboardInterrupt:
        say("ended; everything that was started is stopped")
        return 130  # 128 + SIGINT, as shells report it
    except (WorldError, EmulatorError, SimClientError, SimProcessError, TimeoutError) as exc:
        say(f"chaos: {exc}")
    except TerraformError as exc:
        say(f"chaos: {exc}\n{exc.output}")
    return 2


def run(schedule: Schedule) -> int:
    """Run one schedule in a laboratory of its own; 1 when there are debts."""
    with World(DIRECTORY / "world") as world:
        account = chaos(world, schedule, say)
    (DIRECTORY / f"{schedule.seed}.json").write_text(json.dumps(document(schedule, account), indent=2))
    delivery, outputs = account.verification["delivery"], account.verification["outputs"]
    say(f"AWS calls that went wrong: {sum(account.struck.values())} ({describe(account.struck)})")
    say(
        f"operations {delivery['operations']}, owed {delivery['monitored']}, "
        f"arrived {delivery['delivered']}, replayed {delivery['replayed']}, twice {delivery['duplicates']}; "
        f"files {outputs['files']}, processed {outputs['files_matched']}, twice {outputs['doubled']}; "
        f"lost within a kill's bound {account.lost}; records told to be lost {account.records_told}; "
        f"recorded twice, because an attempt died before its answer {account.unanswered}"
    )
    for debt in account.debts:
        say(f"DEBT {debt}")
    say(f"seed {schedule.seed}: {len(account.debts)} debts")
    return 1 if account.debts else 0


def document(schedule: Schedule, account: Account) -> dict[str, object]:
    """What the run's file has."""
    return {
        "schedule": as_data(schedule),
        "debts": account.debts,
        "lost_within_bound": account.lost,
        "records_told": account.records_told,
        "unanswered": account.unanswered,
        "struck": dict(account.struck),
        "notes": account.notes,
        "verification": account.verification,
    }


def say(line: str) -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
