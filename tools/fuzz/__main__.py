"""`python -m tools.fuzz [--target NAME] [--seconds 60] [--seed N]`: one, or all in turn for so long."""

from __future__ import annotations

import argparse
import random
import sys

from tools.fuzz.run import fuzz
from tools.fuzz.targets import TARGETS


def main() -> int:
    """Fuzz and print; a defect ends it with its traceback."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__)
    parser.add_argument("--target", choices=list(TARGETS))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    names = [options.target] if options.target else list(TARGETS)
    for name in names:
        inputs, understood = fuzz(name, options.seconds / len(names), options.seed)
        print(
            f"fuzz {name}: seed {options.seed}: {inputs:,} inputs, {understood:,} understood, no defect",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
