"""`fsxn report`: a run from a file, a period from the local AWS, and what it says of what it cannot read."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.cli.console import Exit
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.report import render
from fsxn_runtime.slo import generate_dashboard_widgets

from lab.cloud.emulator import Emulator
from tests.python.report.periods import collected
from tests.python.report.runs import faithful_run

Command = Callable[..., tuple[int, dict[str, Any], list[str]]]


def test_a_run_becomes_one_html_file(tmp_path: Path):
    run, page = tmp_path / "run.json", tmp_path / "report.html"
    run.write_text(json.dumps({"title": "demo", "verification": faithful_run().verify().to_dict()}))
    assert main(["report", "--run", str(run), "-o", str(page)]) == 0
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("content", [None, "{", "{}", "[]", '{"kind": "period"}'])
def test_a_run_that_cannot_be_read_is_one_line_and_status_2(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = tmp_path / "run.json"
    if content is not None:
        run.write_text(content)
    assert main(["report", "--run", str(run), "-o", str(tmp_path / "report.html")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_what_json_printed_is_drawn_again_without_aws(tmp_path: Path):
    data, page = tmp_path / "march.json", tmp_path / "march.html"
    data.write_text(json.dumps(collected()))
    assert main(["report", "--run", str(data), "--out", str(page)]) == 0
    assert page.read_text() == render(collected())


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "give -o FILE for the page, --json for the data, or both"),
        (["--json", "--from", "1h", "--to", "2h"], "--to must be after --from"),
        (["--json", "--to", "2100-01-01"], "--to is in the future"),
        (["--json", "--from", "yesterday"], "'yesterday' is no time"),
        (["--json", "--runbooks", "javascript:alert(1)"], "it must be a web address or a path"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["report", *words]) == Exit.WRONG_USE
    err = capsys.readouterr().err
    assert reason in err
    assert err.count("\n") == 1


@pytest.fixture
def command(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run `fsxn report --json` on an empty local AWS; give status, what it printed, lines of stderr."""
    emulator.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    for name in ("SLO_PARAMETER", "LINEAGE_TABLE", "GUARDRAIL_TABLE", "FILE_SYSTEM_ID"):
        monkeypatch.delenv(name, raising=False)
    forget_clients()

    def call(*words: str) -> tuple[int, dict[str, Any], list[str]]:
        status = main(["report", "--json", "--from", "1h", *words])
        printed = capsys.readouterr()
        return status, json.loads(printed.out), printed.err.splitlines()

    return call


def put_alarm(emulator: Emulator, name: str, description: str) -> Any:
    cloudwatch = emulator.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmDescription=description,
        Namespace="N",
        MetricName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=["arn:aws:sns:us-east-1:000000000000:told"],
    )
    return cloudwatch


def test_incidents_are_read_of_all_pages_and_of_composite_alarms(emulator: Emulator, command: Command):
    """30 incidents of one alarm are 60 entries of history: more than the page of 50."""
    cloudwatch = put_alarm(emulator, "fsxn-s3ap-age", "Old. docs/runbooks/ingestion-age.md")
    put_alarm(emulator, "somebody-elses", "Not ours.")
    cloudwatch.put_composite_alarm(
        AlarmName="fsxn-s3ap-down",
        AlarmDescription="Down. docs/runbooks/pipeline-down.md",
        AlarmRule='ALARM("fsxn-s3ap-age")',
        AlarmActions=["arn:aws:sns:us-east-1:000000000000:told"],
    )
    for state in ("ALARM", "OK") * 30:
        for name in ("fsxn-s3ap-age", "somebody-elses"):
            cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")
    cloudwatch.set_alarm_state(AlarmName="fsxn-s3ap-age", StateValue="ALARM", StateReason="it stays")

    _, data, _ = command()
    found = data["parts"]["incidents"]["found"]
    by_alarm: dict[str, list[dict[str, Any]]] = {}
    for each in found["incidents"]:
        by_alarm.setdefault(each["alarm"], []).append(each)
    assert found["alarms"] == 2
    assert by_alarm.keys() == {"fsxn-s3ap-age", "fsxn-s3ap-down"}
    mine = by_alarm["fsxn-s3ap-age"]
    assert (len(mine), sum(each["end"] is None for each in mine)) == (31, 1)
    assert {each["runbook"] for each in mine} == {"docs/runbooks/ingestion-age.md"}
    assert by_alarm["fsxn-s3ap-down"][-1]["end"] is None


def test_objectives_dashboards_and_replays_have_the_values_that_were_published(
    emulator: Emulator, command: Command, tmp_path: Path
):
    cloudwatch = emulator.client("cloudwatch")
    widgets = generate_dashboard_widgets(region="us-east-1", dashboard="slo")
    cloudwatch.put_dashboard(DashboardName="fsxn-s3ap-slo", DashboardBody=json.dumps({"widgets": widgets}))
    now = int(time.time())
    values = {"ReplayCompletionTime_sec": 310.0, "FPolicyEventsReplayed_count": 779.0}
    for name, value in values.items():
        cloudwatch.put_metric_data(
            Namespace="FSxN-S3AP-Patterns",
            MetricData=[
                {"MetricName": name, "Value": value, "Timestamp": datetime.fromtimestamp(now - 600, UTC)}
            ],
        )
    page = tmp_path / "report.html"
    status, data, lines = command("-o", str(page))
    parts = data["parts"]
    fared = {each["name"]: each["attainment"] for each in parts["objectives"]["found"]["objectives"]}
    assert fared["replay-completion"]["worst"] == 310.0
    assert fared["replay-completion"]["bad_pct"] == pytest.approx(100 / 60, rel=0.05)  # a minute of an hour
    assert fared["reconnect-time"]["kept"] is None
    (replay,) = parts["replays"]["found"]["replays"]
    assert (replay["seconds"], replay["events"]) == (310.0, 779.0)
    (dashboard,) = parts["dashboards"]["found"]
    series = [each for panel in dashboard["panels"] for each in panel["series"]]
    assert {each["label"] for each in series if each["points"]} == {
        "ReplayCompletionTime_sec Maximum",
        "FPolicyEventsReplayed_count Sum",
    }
    # There is no alarm: that part could not be read, and the rest is there.
    assert (status, len(lines)) == (Exit.FINDING, 1)
    assert "Missed: replay-completion" in page.read_text()


def test_what_was_counted_has_its_price(emulator: Emulator, command: Command):
    cloudwatch = emulator.client("cloudwatch")
    for name, value, uc_id in (
        ("FPolicyEventsReceived_count", 1000.0, ""),
        ("WorkloadStarted_count", 400.0, "legal"),
        ("WorkloadDuplicates_count", 300.0, "legal"),
    ):
        dimensions = [{"Name": "UcId", "Value": uc_id}] if uc_id else []
        cloudwatch.put_metric_data(
            Namespace="FSxN-S3AP-Patterns",
            MetricData=[{"MetricName": name, "Value": value, "Dimensions": dimensions}],
        )
    _, data, _ = command()
    found = data["parts"]["cost"]["found"]
    assert found["traffic"]["workloads"].keys() == {"legal"}
    assert found["traffic"]["events"] == 1000.0
    assert float(found["by_workload"]["legal"]) > 0
    assert float(found["usd"]) == pytest.approx(sum(float(line["usd"]) for line in found["lines"]))


def test_a_table_that_is_not_there_is_named_and_one_that_nobody_named_is_left_out(command: Command):
    status, data, lines = command("--guardrail-table", "nobody", "--file-system", "fs-0")
    parts = data["parts"]
    states = {name: part["state"] for name, part in parts.items()}
    assert (states["guardrails"], states["lineage"], states["objectives"]) == ("failed", "left_out", "there")
    assert parts["lineage"]["why"] == "no table: give --lineage-table or LINEAGE_TABLE"
    assert status == Exit.FINDING
    failed = sorted(name for name, state in states.items() if state == "failed")
    assert sorted(re.match(r"fsxn: (\w+): .", line)[1] for line in lines) == failed  # type: ignore[index]


def test_out_of_reach_is_status_3_and_the_page_says_why(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    forget_clients()
    page = tmp_path / "report.html"
    status, data, _ = command("-o", str(page))
    forget_clients()
    assert status == Exit.UNREACHABLE
    assert {part["state"] for part in data["parts"].values()} == {"failed", "left_out"}
    assert "Objectives are not known" in page.read_text()
    assert page.read_text().count("Could not be read: ") == 1 + sum(
        part["state"] == "failed" for part in data["parts"].values()
    )
