"""What every chapter of the demo uses: a check of the run, and the product's commands as a user runs them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from lab.terraform import REPOSITORY
from lab.world import World

COMMAND_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Check:
    """Something that this run also had to show."""

    title: str
    text: str
    ok: bool


def run_tool(
    world: World, command: list[str], seconds: float = COMMAND_SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run one of the product's commands against the world."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [str(REPOSITORY / ".venv" / "bin" / command[0]), *command[1:]],
        env={**environment, **world.environment()},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
