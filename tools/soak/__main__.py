"""`python -m tools.soak [--seconds 600] [--seed N]`: the server under mixed faults; build/soak.json.

`--events 1000000` instead of seconds: so many events, as fast as the machine takes them, to a queue that
refuses a tenth of all entries and is away for 60 s; build/soak-events.json.

Exit status 1 when an event is lost or invented, memory grows, or a process ends otherwise than it should.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from typing import Final

from tools.soak.plan import many
from tools.soak.run import REPOSITORY, mixed, report, soak

DIRECTORY: Final = REPOSITORY / "build" / "soak"
LEAST_SECONDS: Final = 5


def main() -> int:
    """Run, print, write the report."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311
    parser.add_argument("--events", type=int, default=0)
    options = parser.parse_args()
    if options.seconds < LEAST_SECONDS:
        parser.error(f"--seconds is {options.seconds}; at least {LEAST_SECONDS} are needed")
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    plan = many(options.events) if options.events else mixed(options.seconds)
    length = f"{options.events:,} events" if options.events else f"{options.seconds} s"
    print(f"soak: {length}, seed {options.seed}, logs in {DIRECTORY}")
    outcome = soak(plan, options.seed, DIRECTORY, tell=lambda line: print(line, flush=True))
    document = {"seed": options.seed, **report(outcome)}
    name = "soak-events.json" if options.events else "soak.json"
    (DIRECTORY.parent / name).write_text(json.dumps(document, indent=2) + "\n")
    for name, value in document.items():
        if name not in ("first_debts", "memory_mb", "failures"):
            print(f"{name:18} {value}")
    memory = document["memory_mb"]
    grown = (
        f"{memory['early']} early, {memory['late']} late" if memory["judged"] else "too short to judge growth"
    )
    print(f"{'memory (MB)':18} {memory['peak']} at most; {grown}")
    for failure in outcome.failures:
        print(f"soak: {failure}", file=sys.stderr)
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
