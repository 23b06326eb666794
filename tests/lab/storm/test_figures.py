"""What a run prints, and how memory is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from lab.storm.figures import figures
from lab.storm.memory import peak_mib
from tests.python.report.runs import faithful_run


def run(**changes: Any) -> dict[str, Any]:
    verification = json.loads(json.dumps(faithful_run().verify().to_dict()))
    checks = [{"title": "held", "text": "1 MiB", "ok": True}, {"title": "late", "text": "301 s", "ok": False}]
    return {"verification": verification | changes, "checks": checks}


def test_the_figures_have_what_was_asked_for_and_each_check_with_its_mark() -> None:
    lines = list(figures(run()))
    assert "lost                                          0" in lines
    assert "work keys processed                           5" in lines
    assert lines[-2:] == ["✓ held: 1 MiB", "✗ late: 301 s"]


def test_without_a_workload_and_a_replay_their_figures_are_left_out() -> None:
    lines = list(figures(run(accounting=None, replay=None)))
    assert not [line for line in lines if line.startswith(("work keys", "replay"))]


def test_what_differs_is_said() -> None:
    finding = {"code": "event.lost", "count": 2, "text": "have no event", "examples": ["/vol1/a"]}
    assert list(figures(run(findings=[finding])))[-1] == "✗ event.lost: 2 have no event: /vol1/a"


def test_a_message_after_each_of_many_restarts_is_one_row() -> None:
    messages = [
        {"name": "fpolicy.server.connect", "count": 2, "mark": "server_up", "first_seconds": seconds}
        for seconds in (1.6, -0.1, 0.4)
    ]
    verification = run()["verification"]
    verification["flow"]["system_events"] = messages
    rows = [line for line in figures(run(**verification)) if line.startswith("EMS")]
    assert rows == [f"{'EMS fpolicy.server.connect':<46}6, -0.1 to +1.6 s from server_up"]


def test_the_peak_stays_when_memory_was_given_back() -> None:
    """A process that held 200 MiB for a moment."""
    code = "x = bytearray(200 << 20); del x; print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert 200 < peak_mib(process.pid) < 300
        process.communicate("\n")


def test_a_process_that_is_gone_has_no_peak() -> None:
    with pytest.raises(OSError, match="proc"):
        peak_mib(2**22 + 1)
