"""One version: production's tag, the packages, the image of the examples, and a heading in the changelog."""

from __future__ import annotations

import re
import tomllib

from tests.structure.source_tree import ROOT

HEADING = re.compile(r"^## (\d+)\.(\d+)\.(\d+)$", re.MULTILINE)


def headings(changelog: str) -> list[tuple[int, ...]]:
    return [tuple(int(part) for part in found) for found in HEADING.findall(changelog)]


def test_productions_version_has_a_heading_in_the_changelog() -> None:
    wanted = (ROOT / "envs/production/VERSION").read_text().strip()
    released = [f"v{'.'.join(map(str, each))}" for each in headings((ROOT / "CHANGELOG.md").read_text())]
    assert wanted in released


def test_the_changelog_is_newest_first_and_begins_with_what_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    found = headings(text)
    assert found == sorted(set(found), reverse=True)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE)[0] == "Unreleased"
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == len(found) + 1


def test_packages_and_examples_have_the_newest_released_version() -> None:
    newest = ".".join(map(str, headings((ROOT / "CHANGELOG.md").read_text())[0]))
    for package in ("python", "fpolicy-server"):
        project = tomllib.loads((ROOT / package / "pyproject.toml").read_text())["project"]
        assert project["version"] == newest, package
    for root in ("poc", "production"):
        example = (ROOT / "envs" / root / "terraform.tfvars.example").read_text()
        assert re.findall(r"fsxn-fpolicy-server:([^\"]+)", example) == [newest], root
