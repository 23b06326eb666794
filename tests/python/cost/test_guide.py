"""The guide's example and table are what the command says."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.cost.prices import shipped


@pytest.fixture
def guide(repository: Path) -> str:
    return (repository / "docs/topics/cost.md").read_text()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["cost", "estimate", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_the_example_gives_the_sums_that_the_guide_shows(
    guide: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "month.toml"
    profile.write_text(re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)[0])
    printed = run(capsys, "--profile", str(profile))
    shown = re.findall(r"```text\n(.*?)```", guide, re.DOTALL)[0].splitlines()
    assert printed[printed.index("") + 1 :] == shown


def test_a_million_versions_cost_what_the_guide_shows(
    guide: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "million.json"
    profile.write_text(
        json.dumps(
            {"hours": 730, "events": 2_000_000, "busy_events_per_second": 50, "workloads": {"inventory": {}}}
        )
    )
    *lines, sums = [json.loads(line) for line in run(capsys, "--profile", str(profile), "--json")]
    services: dict[str, Decimal] = {}
    for line in lines:
        if line["by_traffic"]:
            service = line["quantity"].partition(",")[0].split(" ")[0]
            services[service] = services.get(service, Decimal(0)) + Decimal(line["usd"])
    table = dict(re.findall(r"^\| (\w+)[^|]*\|[^|]*\| \**([\d.]+)\** \|$", guide, re.MULTILINE))
    assert {name: f"{usd:.2f}" for name, usd in services.items()} | {
        "together": f"{Decimal(sums['per_million_versions']['inventory']):.2f}"
    } == table


def test_the_guide_says_when_prices_were_gathered(guide: str) -> None:
    assert f"gathered on {shipped()['as_of']}" in guide


def test_a_price_file_takes_the_place_of_the_shipped_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile, prices = tmp_path / "profile.json", tmp_path / "prices.json"
    profile.write_text('{"hours": 1, "events": 10, "busy_events_per_second": 1, "workloads": {"a": {}}}')
    shown = shipped()["regions"]["us-east-1"]
    dear = {key: {**entry, "usd": "0"} for key, entry in shown.items()}
    dear["stepfunctions.transition"] = {"usd": "2", "per": "1"}
    prices.write_text(json.dumps({"as_of": "2030-01-01", "regions": {"eu-west-1": dear}}))
    printed = run(
        capsys, "--profile", str(profile), "--region", "eu-west-1", "--prices", str(prices), "--json"
    )
    assert json.loads(printed[-1])["usd"] == "30"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "is neither JSON nor, with the ending .toml, TOML"),
        ("a.toml", "=", "is neither JSON nor, with the ending .toml, TOML"),
        ("a.json", "[]", "holds no object"),
        ("missing.json", None, "No such file"),
    ],
)
def test_a_file_that_is_no_profile_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str | None, words: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    assert main(["cost", "estimate", "--profile", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
