"""`fsxn events rules`: from the bus of the local AWS, from a plan, from an object of patterns."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients

from lab.cloud.emulator import Emulator


def pattern(*paths: dict[str, str], types: tuple[str, ...] = ("FILE_WRITE",)) -> dict[str, Any]:
    detail: dict[str, Any] = {"event_type": list(types)}
    if paths:
        detail["file_path"] = list(paths)
    return {"source": ["fsxn.fpolicy"], "detail": detail}


LEGAL = pattern({"prefix": "/vol1/legal/"})
PDF = pattern({"suffix": ".pdf"})
ENGINEERING = pattern({"prefix": "/vol1/engineering/"})
NEVER = pattern({"prefix": "vol1/"})


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["events", "rules", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def written(tmp_path: Path, document: object) -> str:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(document))
    return str(file)


def test_overlaps_are_shown_with_an_event_that_both_take(capsys: Any, tmp_path: Path) -> None:
    status, said, _ = run(capsys, written(tmp_path, {"legal": LEGAL, "pdf": PDF, "eng": ENGINEERING}))
    assert status == 1
    lines = said.splitlines()
    assert lines[0].startswith("overlap: eng and pdf: one event can match both, such as {")
    assert '"file_path": "/vol1/legal/.pdf"' in lines[1]
    assert lines[2] == "3 rules, 2 findings"


def test_overlaps_that_are_wanted_are_not_reported(capsys: Any, tmp_path: Path) -> None:
    assert run(capsys, written(tmp_path, {"legal": LEGAL, "pdf": PDF}), "--overlap-ok")[0] == 0
    assert run(capsys, written(tmp_path, {"legal": LEGAL, "never": NEVER}), "--overlap-ok")[0] == 1


def test_rules_that_meet_nowhere_have_nothing_to_report(capsys: Any, tmp_path: Path) -> None:
    assert run(capsys, written(tmp_path, {"legal": LEGAL, "eng": ENGINEERING}))[:2] == (
        0,
        "2 rules, 0 findings\n",
    )


def test_rules_that_hand_copies_to_consumers_overlap_with_nobody(capsys: Any, tmp_path: Path) -> None:
    copy = {"source": ["fsxn.fpolicy"]}
    described = resource("copy", copy, description="File events as CloudEvents 1.0 for catalogue.")
    root = {"resources": [resource("legal", LEGAL), described]}
    plan = {"terraform_version": "1.15.5", "planned_values": {"root_module": root}}
    assert run(capsys, written(tmp_path, plan))[:2] == (0, "1 rules, 0 findings\n")


def resource(name: str, given: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    values = {"name": name, "event_pattern": json.dumps(given) if given else None, **more}
    return {"type": "aws_cloudwatch_event_rule", "values": values}


def test_a_plan_is_read_through_all_its_modules_for_the_rules_of_the_bus(capsys: Any, tmp_path: Path) -> None:
    mine = {"event_bus_name": "fsxn-s3ap-events"}
    child = {"resources": [resource("legal", LEGAL, **mine), resource("sweep", None, **mine)]}
    deeper = {"resources": [resource("pdf", PDF)]}  # its bus is made by the same apply
    other = {"resources": [resource("foreign", PDF, event_bus_name="default"), {"type": "aws_sqs_queue"}]}
    plan = {
        "terraform_version": "1.15.5",
        "planned_values": {"root_module": {"child_modules": [child, {"child_modules": [deeper]}, other]}},
    }
    status, said, _ = run(capsys, written(tmp_path, plan), "--json")
    found = json.loads(said)
    assert status == 1
    assert [rule["name"] for rule in found["rules"]] == ["legal", "pdf"]
    assert [finding["rules"] for finding in found["findings"]] == [["legal", "pdf"]]


def test_the_output_of_a_root_is_read_from_standard_input(capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"legal": json.dumps(LEGAL)})))
    assert run(capsys, "-")[:2] == (0, "1 rules, 0 findings\n")


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}'])
def test_what_holds_no_rules_is_wrong_use(capsys: Any, tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.json"
    file.write_text(text)
    status, _, error = run(capsys, str(file))
    assert (status, error.startswith("fsxn: the rules are ")) == (2, True)


def test_a_file_that_is_not_there_is_wrong_use(capsys: Any, tmp_path: Path) -> None:
    assert run(capsys, str(tmp_path / "absent"))[0] == 2


def test_the_rules_of_a_bus_are_read_with_their_state(
    capsys: Any, emulator: Emulator, monkeypatch: Any
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    forget_clients()
    events = emulator.client("events")
    bus = events.create_event_bus(Name="lab-events")["EventBusArn"]
    events.create_archive(ArchiveName="kept", EventSourceArn=bus)
    for name, given, state in (("legal", LEGAL, "ENABLED"), ("polls", NEVER, "DISABLED")):
        events.put_rule(Name=name, EventBusName="lab-events", EventPattern=json.dumps(given), State=state)
    try:
        status, said, _ = run(capsys, "--prefix", "lab")
    finally:
        forget_clients()
    assert status == 1
    assert said.splitlines() == [
        "never: polls: no event of this platform can match it: nothing fits detail.file_path",
        "2 rules (polls disabled: a workload that polls alone, or by hand), 1 findings",
    ]
