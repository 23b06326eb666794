"""The benchmark's figures, budgets, curves and pages: what they say is what was measured."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from tools.bench import functions, growth, page, parse, router
from tools.bench.figures import Curve, Figure
from tools.package_lambdas import MAX_ZIP_BYTES

AT = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, []),
        ({"import_ms": functions.IMPORT_BUDGET_MS + 1}, ["importing route takes 301 ms; 300 are allowed"]),
        ({"zip_bytes": MAX_ZIP_BYTES + 1}, ["route.zip has 12,582,913 bytes; 12,582,912 are allowed"]),
    ],
)
def test_a_handler_or_a_zip_above_its_budget_fails_the_run(
    changed: dict[str, float], words: list[str]
) -> None:
    each = {"import_ms": functions.IMPORT_BUDGET_MS, "zip_bytes": MAX_ZIP_BYTES, **changed}
    assert functions.failures({"boto3_ms": 100.0, "functions": {"route": each}}) == words


def test_a_frame_of_each_request_type_becomes_an_event() -> None:
    for path in parse.FRAMES.glob("*.frame"):
        event = json.loads(parse.read(path.read_bytes()[parse.QUOTED_HEAD :]))
        assert event["operation"] == path.stem
        assert event["volume_name"] == "vol1"


def test_an_invocation_of_the_router_has_as_many_events_as_it_says() -> None:
    assert len(router.invocation(1)["Records"]) == router.BATCH
    records = router.invocation(50)["Records"]
    assert [len(json.loads(record["body"])["events"]) for record in records] == [50] * router.BATCH


class Checker(HTMLParser):
    """Notes what a browser would load from elsewhere, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.said = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.said += data + "\n"


def read(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    return checker


def test_the_page_shows_every_figure_and_its_reference_and_loads_nothing() -> None:
    drawn = [
        Figure("events a second", "ours", 250.0, "bare <client>", 1000.0),
        Figure("events a second", "theirs", 500.0, "bare <client>", 1000.0),
        Figure("ms", "import", 7.25, "boto3", 5.0),
    ]
    text = page.render(drawn, AT)
    checker = read(text)
    assert checker.loaded == []
    for words in ("events a second", "ours", "theirs", "bare <client>", "import", "7.25", "boto3"):
        assert words in checker.said
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', text)]
    assert widths[1] == pytest.approx(2 * widths[0])  # in one group, bars are in proportion


def test_the_page_of_curves_shows_every_count() -> None:
    text = page.render_curves([Curve("server", "events", "us an event", ((10, 5.0), (1000, 6.0)))], AT)
    assert "server: us an event, by events" in read(text).said
    assert {"10", "1,000"} <= set(read(text).said.split())


def test_growth_compares_with_a_tenth_and_a_rise_fails_the_run() -> None:
    level = Curve("server", "events", "us", ((10, 9.0), (100, 4.0), (1000, 4.4)))
    assert level.growth == pytest.approx(1.1)
    rising = Curve("forecast", "volumes", "ms", ((10, 1.0), (100, 2.0)))
    assert growth.failures([level]) == []
    assert growth.failures([level, rising]) == ["forecast: ms grows by 2.00 with volumes; 1.5 is allowed"]


def test_each_workload_of_a_growing_root_has_its_own_name_and_folder(tmp_path) -> None:
    text = growth.configuration(3, tmp_path)
    assert len(set(re.findall(r'module "(inventory_\d)"', text))) == 3
    assert len(set(re.findall(r'uc_id += "(inventory-\d)"', text))) == 3
    assert len(set(re.findall(r'prefixes += \["([^"]+)"', text))) == 3
