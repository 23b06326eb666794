"""Measure the branch coverage of `fpolicy_server/wire` by its own tests, and fail below 100 %.

Not part of the test run, because measuring slows every test down: `make coverage`, and CI.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
TESTS = ("tests/server/wire", "tests/server/test_framing.py")


def main() -> int:
    """Run the tests under coverage, print what is missing, give the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        coverage = [sys.executable, "-m", "coverage"]
        data = f"--data-file={folder}/coverage"
        options = ["run", "--branch", "--source=fpolicy_server.wire", data]
        pytest = ["-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *TESTS]
        tested = subprocess.run([*coverage, *options, *pytest], cwd=REPOSITORY, check=False)
        report = ["report", data, "--show-missing", "--skip-covered", "--fail-under=100", "--precision=2"]
        reported = subprocess.run([*coverage, *report], cwd=REPOSITORY, check=False)
    return tested.returncode or reported.returncode


if __name__ == "__main__":
    sys.exit(main())
