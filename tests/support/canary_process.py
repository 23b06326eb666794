"""The canary as its zip has it, in a process of its own: one run in each process, or run after run in one."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lab.terraform import REPOSITORY

RUN_SECONDS = 100.0
_PYTHON = REPOSITORY / ".venv-lambda/bin/python"
_IMPORT = "import sys; sys.path.insert(0, sys.argv[1]); import canary\n"
_ONCE = _IMPORT + "canary.handler({}, None)"
# A run for each line that comes in, as a Lambda environment that is used again; its end is a line of its own.
_AGAIN = (
    _IMPORT
    + """
for _ in sys.stdin:
    try:
        canary.handler({}, None)
        print('{"ended": ""}', flush=True)
    except Exception:
        print('{"ended": "failed"}', flush=True)
"""
)


@dataclass
class Run:
    """What one run of the canary wrote, and how it ended."""

    status: int
    lines: list[dict[str, Any]]
    error: str
    reasons: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reasons = {
            line["check"]: line.get("reason", "")
            for line in self.lines
            if line.get("event") in ("check.passed", "check.failed")
        }

    def metric(self, name: str) -> dict[str, float]:
        return {line["Check"]: line[name] for line in self.lines if name in line}


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack the zip as Synthetics does; the folder that its handler is in."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder / "python"


def run_once(code: Path, environment: Mapping[str, str]) -> Run:
    """Run the canary in a process that ends with it."""
    result = subprocess.run(
        _command(_ONCE, code),
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return Run(result.returncode, lines, result.stderr)


class WarmCanary:
    """A process that runs the canary whenever it is asked to."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests = requests
        self._answers = answers

    def run(self) -> Run:
        """Run it once more."""
        self._requests.write("\n")
        self._requests.flush()
        lines: list[dict[str, Any]] = []
        for text in self._answers:
            line = json.loads(text)
            if "ended" in line:
                return Run(int(line["ended"] != ""), lines, "")
            lines.append(line)
        raise AssertionError(f"the canary's process ended; it wrote {lines}")


@contextmanager
def warm_canary(code: Path, environment: Mapping[str, str]) -> Iterator[WarmCanary]:
    """Keep one process for all runs; it ends when its input does."""
    process = subprocess.Popen(
        _command(_AGAIN, code),
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield WarmCanary(process.stdin, process.stdout)
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=RUN_SECONDS)
        finally:
            process.kill()
            process.stdout.close()


def _command(program: str, code: Path) -> list[str]:
    return [str(_PYTHON), "-I", "-B", "-c", program, str(code)]
