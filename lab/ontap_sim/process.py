"""Start and stop the simulator as a process of its own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.ontap_sim.client import SimClient

_REPOSITORY = Path(__file__).resolve().parents[2]
_READY_SECONDS = 60.0  # half a second in practice, and 5 ms for each file that goes into the bucket first
_STOP_SECONDS = 10.0


class SimProcessError(Exception):
    """The simulator did not start; the text has what it wrote."""


class SimProcess:
    """A running simulator, which ends with this process at the latest.

    Its configuration and its standard error lie in `directory`.
    """

    def __init__(self, config: Mapping[str, Any], directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "ontap-sim.json"
        path.write_text(json.dumps({"directory": str(directory), **config}, indent=2))
        self._log = directory / "ontap-sim.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lab.ontap_sim", "--config", str(path), "--with-stdin"],
                cwd=_REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                text=True,
            )
        try:
            self.ready: dict[str, Any] = json.loads(self._first_line())
        except BaseException:  # also Ctrl-C: nobody could stop what has no owner yet
            self._end()
            raise
        self.client = SimClient(self.ready)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Give the process id."""
        return self._process.pid

    def stop(self) -> int:
        """End the simulator and return its exit status. Stopping twice is fine."""
        self.client.close()
        return self._end()

    def _first_line(self) -> str:
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], _READY_SECONDS)
        line = self._process.stdout.readline() if readable else ""
        if not line:
            raise SimProcessError(f"the simulator did not start: {self._log.read_text().strip()}")
        return line

    def _end(self) -> int:
        self._process.terminate()
        try:
            status = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        return status
