"""The demo's exit status and table, from a verification as `fsxn events verify --json` prints it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lab.demo.result import conclude
from tests.python.report.runs import Run, faithful_run


def concluded(run: Run, *checks: dict[str, Any]) -> tuple[int, str]:
    out = io.StringIO()
    whole = {"checks": list(checks), "verification": json.loads(json.dumps(run.verify().to_dict()))}
    status = conclude(Console(file=out, width=120), whole, Path("report.html"), 1.0)
    return status, out.getvalue()


def test_a_run_without_a_difference_ends_with_status_0():
    status, text = concluded(faithful_run(), {"title": "large file", "text": "once", "ok": True})
    assert status == 0
    assert "ledger and outputs are the same" in text


def one_event_less(run: Run) -> Run:
    return run.with_evidence(arrivals=run.evidence.arrivals[1:])


def one_output_less(run: Run) -> Run:
    return run.with_evidence(outputs=run.work.outputs[:-1])


def one_output_twice(run: Run) -> Run:
    return run.with_evidence(outputs=[*run.work.outputs, run.work.outputs[0]])


def one_hash_wrong(run: Run) -> Run:
    first, *rest = run.ledger.files
    return run.with_ledger(files=[replace(first, sha256="other"), *rest])


@pytest.mark.parametrize("differ", [one_event_less, one_output_less, one_output_twice, one_hash_wrong])
def test_a_difference_of_one_ends_with_status_1_and_is_named(differ: Any):
    status, text = concluded(differ(faithful_run()))
    assert status == 1
    assert "DIFFER" in text
    assert "✗ " in text


def test_a_failed_check_ends_with_status_1():
    status, text = concluded(faithful_run(), {"title": "large file", "text": "twice", "ok": False})
    assert status == 1
    assert "ledger and outputs are the same · 1 of 1 checks FAILED" in text


def test_a_run_with_a_replay_shows_how_far_out_of_order_it_came():
    run = faithful_run()
    arrivals = [replace(arrival, replayed=True) for arrival in run.evidence.arrivals]
    _, text = concluded(run.with_evidence(arrivals=arrivals))
    assert "replay out of order" in text
