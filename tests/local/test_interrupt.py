"""Ctrl-C while the laboratory starts leaves no process behind: early, and while Terraform applies."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.terraform import REPOSITORY
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local")]

START = """
import sys
from contextlib import contextmanager
from pathlib import Path
from lab.world import World

@contextmanager
def step(name):
    print(name, flush=True)
    yield

with World(Path(sys.argv[1]), step=step):
    print("started", flush=True)
"""


def descendants(pid: int) -> set[int]:
    try:
        children = {
            int(child)
            for thread in Path(f"/proc/{pid}/task").iterdir()
            for child in (thread / "children").read_text().split()
        }
    except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
        return set()
    return children.union(*(descendants(child) for child in children)) if children else set()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def runs(pid: int, program: str) -> bool:
    """Whether a descendant of `pid` runs a program of this name."""
    return any(program in command_line(each) for each in descendants(pid))


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.mark.parametrize(
    ("step", "program"), [("simulated ONTAP", "lab.ontap_sim"), ("terraform apply", "aws_provider")]
)
def test_an_interrupt_during_the_start_ends_everything_that_was_started(
    tmp_path: Path, step: str, program: str
):
    """The signal goes to the laboratory alone; on a terminal its children get it as well."""
    with subprocess.Popen(
        [sys.executable, "-c", START, str(tmp_path)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == step:
                break
        wait_until(lambda: runs(process.pid, program))
        started = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(60) != 0
    assert started
    wait_until(lambda: not any(alive(pid) for pid in started), 10)
