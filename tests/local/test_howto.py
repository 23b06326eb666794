"""The commands of docs/howto/prove-a-replay.md run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from lab.terraform import REPOSITORY
from lab.world import World
from tests.support.local import SETTLE_SECONDS

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

PAGE = REPOSITORY / "docs" / "howto" / "prove-a-replay.md"


def laboratory_commands() -> list[str]:
    section = PAGE.read_text().split("## In the laboratory")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)


def shell(world: World, command: str, directory: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = f"{REPOSITORY / '.venv' / 'bin'}:{environment['PATH']}"
    return subprocess.run(
        ["bash", "-euc", command],
        cwd=directory,
        env={**environment, **world.environment(), "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_laboratorys_commands_of_the_howto_prove_a_replay(world: World, tmp_path: Path) -> None:
    storm, verify = laboratory_commands()
    done = shell(world, storm, tmp_path)
    assert (done.returncode, "300 operations" in done.stdout) == (0, True), done.stderr
    world.settle(SETTLE_SECONDS)
    proven = shell(world, verify, tmp_path)
    assert proven.returncode == 0, proven.stdout + proven.stderr
    for words in (
        "replayed",
        "lost",
        "Persistent Store",
        "places out of order",
        "EMS fpolicy.server.disconnect",
    ):
        assert words in proven.stdout
    assert "Nothing lost" in (tmp_path / "replay.html").read_text()
