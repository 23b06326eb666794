"""Try inputs of a target for a while. One that shows a defect is kept in build/fuzz/ and becomes a test."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from typing import Final

from tools.fuzz.targets import TARGETS

REPOSITORY: Final = Path(__file__).resolve().parents[2]


def fuzz(name: str, seconds: float, seed: int) -> tuple[int, int]:
    """Try a target for so long; give the inputs and what was understood. Raises on the first defect."""
    target = TARGETS[name]
    inputs = understood = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        dice = random.Random(f"{seed}:{inputs}")  # noqa: S311 - repeatable on purpose
        data = target.make(dice)
        try:
            understood += target.check(data, dice)
        except Exception:
            found = REPOSITORY / "build" / "fuzz" / f"{name}-{seed}-{inputs}.input"
            found.parent.mkdir(parents=True, exist_ok=True)
            found.write_bytes(data)
            sys.stderr.write(f"fuzz: {name}, seed {seed}, input {inputs} is in {found}\n")
            raise
        inputs += 1
    return inputs, understood
