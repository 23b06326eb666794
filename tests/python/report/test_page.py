from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.report.model import SystemEvent
from fsxn_runtime.report.page import render
from fsxn_runtime.report.svg import short, ticks
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.python.report.runs import Run, faithful_run


def run_file(run: Run, **more: Any) -> dict[str, Any]:
    """What the demo writes: plain JSON values, read back."""
    return json.loads(json.dumps({"title": "demo", "verification": run.verify().to_dict(), **more}))


def replayed(run: Run, live: int = 0) -> Run:
    """The same with all but the first `live` events replayed."""
    arrivals = [
        replace(arrival, replayed=place >= live) for place, arrival in enumerate(run.evidence.arrivals)
    ]
    return run.with_evidence(arrivals=arrivals)


def test_the_page_of_a_faithful_run_says_that_nothing_is_lost():
    page = render(run_file(faithful_run()))
    assert "Nothing lost, nothing done twice" in page
    assert "differ" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_the_page_of_a_lossy_run_names_what_differs():
    run = faithful_run()
    page = render(run_file(run.with_evidence(arrivals=run.evidence.arrivals[1:])))
    assert "Ledger and outputs differ" in page
    assert "NFS_CREAT /vol1/f0" in page


def test_a_failed_check_of_the_run_turns_the_verdict():
    check = {"title": "50 MB in pieces", "text": "processed twice", "ok": False}
    assert "Ledger and outputs differ" in render(run_file(faithful_run(), checks=[check]))


def test_the_page_needs_nothing_from_elsewhere():
    """No address, no script, no file beside it: it opens from disk."""
    steps = [{"name": "apply", "seconds": 1.5}]
    page = render(run_file(replayed(faithful_run()), steps=steps, facts=[["CPUs", 2]]))
    assert not re.search(r"https?:|<script|<link|@import|url\(|\bsrc=", page)


def test_every_chart_is_well_formed_and_says_in_words_what_it_shows():
    run = replayed(faithful_run(), live=4)
    page = render(run_file(run, steps=[{"name": "a & b", "seconds": 1}]))
    pictures = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(pictures) == 5
    for picture in pictures:
        assert etree.fromstring(picture).findtext("title")


def test_a_run_without_replay_or_steps_has_no_empty_charts():
    page = render(run_file(faithful_run()))
    assert page.count("<svg") == 3
    assert "out of order" not in page


def test_a_run_without_live_events_has_no_latency_chart():
    page = render(run_file(replayed(faithful_run())))
    assert "From the operation to the bus" not in page
    assert "p99 to the bus" not in page


def test_ontaps_messages_stand_on_the_page_with_their_times():
    run = faithful_run().with_ledger(system_events=[SystemEvent(3_000_000, "fpolicy.server.connect", "")])
    assert re.search(r">fpolicy.server.connect</th>.*?\+2.0 s from server_up", render(run_file(run)))


@given(st.text(alphabet=st.sampled_from("<>&\"'a/"), min_size=1))
def test_names_from_outside_never_become_markup(name: str):
    run = faithful_run()
    first, *rest = run.evidence.arrivals
    stranger = replace(first, path=f"/vol1/<b>{name}")
    page = render(
        run_file(
            run.with_evidence(arrivals=[stranger, *rest]),
            title=f"<b>{name}",
            facts=[[f"<b>{name}", f"<b>{name}"]],
            steps=[{"name": f"<b>{name}", "seconds": 1}],
        )
    )
    assert "<b><b>" not in page
    assert f"<b>{name}" not in page.replace("<b>a</b>", "")


@pytest.mark.parametrize("broken", [{}, {"verification": {}}, {"verification": {"findings": []}}])
def test_a_run_without_a_complete_verification_is_rejected(broken: dict[str, Any]):
    with pytest.raises(RejectedError, match="verification"):
        render(broken)


@given(st.floats(0.001, 1e9))
def test_axis_ticks_are_few_and_reach_over_the_largest_value(maximum: float):
    found = ticks(maximum)
    assert found[0] == 0
    assert found[-1] >= maximum * 0.999
    assert 2 <= len(found) <= 7


def test_a_number_of_an_axis_is_short_whatever_its_size():
    written = [short(value) for value in (0, 0.2, 0.25, 99.5, 1500, 20_000_000, 0.0015, 0.0005, 2e-7)]
    assert written == ["0", "0.2", "0.25", "99.5", "1.5k", "20M", "1.5m", "500µ", "200n"]
