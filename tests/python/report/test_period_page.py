"""A period's page: every part with its figures, what is missing with its reason, no stranger's markup."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.report.page import render
from fsxn_runtime.report.period_view import figure, span
from fsxn_runtime.slo import SloState
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.python.report.periods import FOUND, collected, entry, objective, panel, resource
from tests.python.report.runs import faithful_run


def page(**changes: Any) -> str:
    return render(collected(**changes))


def text(markup: str) -> str:
    """The page's words, one space between them."""
    body = re.sub(r"<style>.*?</style>", "", markup, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def classes(markup: str) -> dict[str, str]:
    """The class of each cell, by what it says first."""
    cells = re.findall(r'<(?:td|th)[^>]* class="([^"]*)" data-head[^>]*><span>([^<]*)', markup)
    return {words: class_ for class_, words in cells}


def objectives(**more: Any) -> dict[str, Any]:
    return {"origin": "parameter /p", "budget_days": 28, "objectives": [objective(**more)]}


def test_a_kept_objective_shows_share_worst_value_target_and_used_budget() -> None:
    found = page()
    assert "1 of 1 objectives kept" in found
    assert "Maximum kept 100 % ≥ 99.5 % 12.5 15 Jan 08:01 &lt; 30 met 20 % no" in text(found)
    assert classes(found)["kept"] == "good"
    assert "parameter /p" in found


def test_a_missed_objective_is_named_first_and_marked() -> None:
    found = page(objectives=objectives(values=(40.0,) * 10, state=SloState.VIOLATED, burning=True))
    assert '<header class="bad">' in found
    assert "Missed: reconnect-time" in found
    assert "missed 91.67 %" in text(found)
    assert classes(found)["missed"] == "bad"
    assert "fast burn" in found


def test_an_objective_without_data_is_neither_kept_nor_missed() -> None:
    found = page(objectives=objectives(values=(), state=SloState.NO_DATA))
    assert "0 of 1 objectives kept, 1 not measured" in found
    assert "not measured – ≥ 99.5 % – &lt; 30 no data" in text(found)
    assert classes(found)["not measured"] == ""


def test_incidents_have_begin_end_length_and_runbook() -> None:
    words = text(page())
    assert (
        "p-slo-reconnect-time What p-slo-reconnect-time says. 2027-01-15 08:10:00 2027-01-15 08:20:00"
        in words
    )
    assert "10 min slo-reconnect-time.md" in words
    assert "p-ingestion-age says. 2027-01-15 09:00:00 still in ALARM – ingestion-age.md" in words
    assert "p-window" not in words


def test_runbooks_are_links_only_where_somebody_says_where_they_lie() -> None:
    assert "<a " not in page()
    linked = render(collected(), runbooks="https://git.example/docs/runbooks/")
    assert '<a href="https://git.example/docs/runbooks/ingestion-age.md">ingestion-age.md</a>' in linked


def test_replays_lineage_forecast_and_guardrails_show_their_figures() -> None:
    words = text(page())
    assert "2027-01-15 08:10:00 5.3 s 779" in words
    assert "svm1 fsxn 1 5 s" in words
    assert "content-inventory 600 40 3 643 12 / 95" in words
    assert "volume vol1 fsvol-1 800 GiB 78.1 % +7.80 28.7 days 27 to not in sight 2027-02-12" in words
    assert (
        "2027-01-15 08:30:00 volume grow fsvol-1 453.2 denied daily cap exceeded not executed enforce"
        in words
    )
    assert "What the counted traffic costs: 0.07 USD by list prices of us-east-1" in words
    assert "content-inventory 0.06 97.5 shared 0.0094 –" in words
    assert "state transitions content-inventory 1,800 transition 0.04" in words
    assert "1 allowed, 1 denied, 0 bypassed, 0 would deny, 1 executed with 380 GiB together" in words


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize(("state", "words"), [("failed", "Could not be read"), ("left_out", "Left out")])
def test_a_part_that_is_missing_says_why_and_the_rest_is_there(name: str, state: str, words: str) -> None:
    found = page(**{name: {"state": state, "why": "dynamodb:Query answered <AccessDenied>"}})
    assert f"{words}: dynamodb:Query answered &lt;AccessDenied&gt;" in found
    assert found.count("<section") == render(collected()).count("<section")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"incidents": {"alarms": 9, "alarmed_seconds": 0.0, "incidents": []}},
            "None of 9 alarms was in ALARM.",
        ),
        ({"replays": {**FOUND["replays"], "replays": [], "sources": []}}, "None: the servers were there"),
        (
            {"replays": {"period_seconds": 60, "measured": False, "replays": [], "sources": []}},
            "Nothing was measured",
        ),
        ({"lineage": {"hours": [{"hour": "2027-01-15T08", "statuses": {}}], "workloads": []}}, "No record"),
        (
            {"guardrails": {"verdicts": {}, "executed": 0, "executed_gb": 0, "entries": []}},
            "Nothing was asked",
        ),
        (
            {"forecast": {"lookback_days": 30, "ahead_days": 30, "resources": []}},
            "nothing that can become full",
        ),
    ],
)
def test_a_quiet_period_says_so_in_words(changes: dict[str, Any], words: str) -> None:
    assert words in page(**changes)


def test_a_resource_without_a_forecast_says_what_it_is_instead() -> None:
    quiet = resource(outcome="not_growing", days_until_full=-1, method="", earliest_days=None)
    quiet["series"]["ahead"] = []
    found = page(forecast={"lookback_days": 30, "ahead_days": 30, "resources": [quiet]})
    assert "not growing" in found
    assert 'class="ahead"' not in found


def test_a_dashboard_that_cannot_be_drawn_leaves_the_others() -> None:
    broken = {"name": "mine", "panels": [], "why": "dashboard mine is not one of module slo"}
    found = page(dashboards=[broken, *FOUND["dashboards"]])
    assert "Could not be drawn: dashboard mine is not one of module slo" in found
    assert "Since &lt;b&gt;lost&lt;/b&gt;" in found


def test_a_long_ledger_is_cut_and_says_how_much_is_left() -> None:
    ledger = {**FOUND["guardrails"], "entries": [entry(action_id=f"a-{n}") for n in range(75)]}
    assert "15 more are in the data" in page(guardrails=ledger)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    assert not re.search(r"https?:|<script|<link|@import|url\(|\bsrc=", page())


@given(st.text(alphabet=st.sampled_from("<>&\"'a/"), min_size=1))
def test_names_from_outside_never_become_markup(name: str) -> None:
    stranger = f"<b>{name}"
    found = page(
        guardrails={**FOUND["guardrails"], "entries": [entry(context={"actor": stranger, "why": stranger})]},
        dashboards=[{"name": stranger, "panels": [panel(title=stranger)]}],
        forecast={"lookback_days": 30, "ahead_days": 30, "resources": [resource(name=stranger)]},
        cost={"state": "failed", "why": stranger},
    )
    assert "<b><b>" not in found
    assert stranger not in re.sub(r"<b>[^<]*</b>", "", found)


def test_every_chart_is_well_formed_and_says_in_words_what_it_shows() -> None:
    pictures = re.findall(r"<svg.*?</svg>", page(), flags=re.DOTALL)
    assert len(pictures) == 4
    for picture in pictures:
        assert etree.fromstring(picture).findtext("title")


def test_the_page_of_a_run_shows_its_period_too() -> None:
    run = {"title": "demo", "verification": faithful_run().verify().to_dict(), "period": collected()}
    words = text(render(run))
    assert "Nothing lost, nothing done twice" in words
    assert "p-slo-reconnect-time" in words


@pytest.mark.parametrize("missing", ["from", "parts"])
def test_a_period_that_lacks_a_field_is_refused(missing: str) -> None:
    broken = collected()
    del broken[missing]
    with pytest.raises(RejectedError, match=f"the period is not complete.*{missing}"):
        render(broken)


def test_a_part_that_lacks_a_field_is_refused() -> None:
    broken = collected()
    del broken["parts"]["objectives"]["found"]["objectives"][0]["budget"]["consumed_pct"]
    with pytest.raises(RejectedError, match=r"the period is not complete.*consumed_pct"):
        render(broken)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (5.25, "5.25 s"), (75, "75 s"), (600, "10 min"), (3_725, "1 h 2 min"), (604_800, "7 d")],
)
def test_a_length_of_time_is_written_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_a_figure_has_no_zeros_at_its_end() -> None:
    assert [figure(value) for value in (None, 0.0, 12.5, 1234.0)] == ["–", "0", "12.5", "1,234"]
    assert figure(0.0000234) == "2.3e-05"
