"""The page's colours: readable on both themes and on paper, and apart for people who see fewer of them."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations, pairwise

import pytest
from fsxn_runtime.report.page import render
from lxml import html

from tests.python.report.periods import collected
from tests.python.report.runs import faithful_run

CSS = files("fsxn_runtime.report").joinpath("page.css").read_text(encoding="utf-8")
TEXT_CONTRAST = 4.5  # WCAG 2.1, 1.4.3: normal text
SHAPE_CONTRAST = 3.0  # WCAG 2.1, 1.4.11: parts of graphics
JUST_APART = 12.0  # difference in CIELAB at which two areas are not taken for one

Colour = tuple[float, float, float]

# What people with protanopia and deuteranopia see of linear RGB (Machado and others 2009, severity 1).
DEFICIENCIES = {
    "none": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}


def themes() -> dict[str, dict[str, str]]:
    """The variables of the three :root blocks; a later one changes the first."""
    found = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    blocks = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", each)) for each in found]
    assert len(blocks) == 3
    light, dark, paper = blocks
    return {"light": light, "dark": {**light, **dark}, "paper": {**light, **paper}}


THEMES = themes()


def linear(code: str) -> Colour:
    digits = code[1:] if len(code) == 7 else "".join(digit * 2 for digit in code[1:])
    shares = (int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4))
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return red, green, blue


def luminance(code: str) -> float:
    red, green, blue = linear(code)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(colour: Colour) -> Colour:
    """CIELAB of linear RGB, white point D65."""
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    xyz = (sum(a * max(0.0, b) for a, b in zip(row, colour, strict=True)) for row in rows)
    scaled = (value / white for value, white in zip(xyz, (0.9505, 1.0, 1.089), strict=True))
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in scaled)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: str, other: str, deficiency: str) -> float:
    """How far apart two colours are for somebody with this deficiency."""

    def seen(code: str) -> Colour:
        colour = linear(code)
        red, green, blue = (
            sum(a * b for a, b in zip(row, colour, strict=True)) for row in DEFICIENCIES[deficiency]
        )
        return lab((red, green, blue))

    return sum((a - b) ** 2 for a, b in zip(seen(one), seen(other), strict=True)) ** 0.5


def test_black_and_white_have_the_contrast_that_wcag_gives() -> None:
    assert contrast("#fff", "#000000") == pytest.approx(21.0)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read(theme: str) -> None:
    of = THEMES[theme]
    pairs = [(words, back) for words in ("ink", "faint", "good", "bad", "link") for back in ("card", "paper")]
    pairs += [("good", "good-back"), ("ink", "good-back"), ("faint", "good-back"), ("bad", "bad-back")]
    pairs += [("ink", "bad-back"), ("faint", "bad-back"), ("ink", "line")]
    found = {pair: round(contrast(of[pair[0]], of[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in found.items() if ratio < TEXT_CONTRAST} == {}


SHAPES = ("live", "replayed", "made", "processed", "superseded", "filtered", "failed", "step", "good", "bad")


@pytest.mark.parametrize("theme", THEMES)
def test_curves_and_bars_stand_out_from_their_card(theme: str) -> None:
    of = THEMES[theme]
    weak = {name: contrast(of[name], of["card"]) for name in SHAPES}
    assert {name: found for name, found in weak.items() if found < SHAPE_CONTRAST} == {}


def series() -> dict[str, tuple[str, str]]:
    """Colour and dashes of each of a panel's series."""
    colours = dict(re.findall(r"\.(series\d) \{ --c: var\(--([a-z]+)\)", CSS))
    dashes = dict(re.findall(r"\.(series\d)\.curve \{ stroke-dasharray: ([\d ]+)", CSS))
    assert len(colours) == 6
    return {name: (colour, dashes.get(name, "")) for name, colour in colours.items()}


BARS = (
    "processed",
    "superseded",
    "live",
    "filtered",
    "failed",
)  # from below


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_told_by_a_colour_that_somebody_does_not_see(theme: str, deficiency: str) -> None:
    """Two series differ in their dashes or in a colour that is seen; bars that may touch in the latter."""
    of = THEMES[theme]
    pairs = {
        (one, other): distance(of[one], of[other], deficiency)
        for (one, how), (other, also) in combinations(series().values(), 2)
        if how == also
    }
    pairs |= {pair: distance(*(of[name] for name in pair), deficiency) for pair in combinations(BARS, 2)}
    assert {pair: round(found, 1) for pair, found in pairs.items() if found < JUST_APART} == {}


RUN = {"verification": faithful_run().verify().to_dict(), "facts": [["CPUs", "2"]], "period": collected()}


@pytest.mark.parametrize("data", [collected(), RUN], ids=["period", "run"])
def test_headings_go_one_level_down_at_a_time_and_tables_have_heads(data: dict) -> None:
    tree = html.fromstring(render(data))
    levels = [int(each.tag[1]) for each in tree.iter("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for table in tree.iter("table"):
        assert table.xpath(".//th[@scope]"), html.tostring(table)[:200]
    assert all(picture.get("aria-label") for picture in tree.iter("svg"))
