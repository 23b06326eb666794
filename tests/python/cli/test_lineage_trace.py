"""`fsxn lineage trace`, and pages of `show`, against the local AWS."""

from __future__ import annotations

import json

import pytest
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.lineage import LineageRecord, LineageSettings, LineageStatus, LineageTracker

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.lineage_table import create_lineage_table


def record(file, number, outputs=(), **changes):
    values = {
        "source_file_key": file,
        "processing_timestamp": f"2026-01-31T12:{number:02d}:00.000000Z",
        "uc_id": "ocr",
        "status": LineageStatus.SUCCESS,
        "step_functions_execution_arn": f"arn:{number}",
        "work_key": f"k{number}",
        "event_id": "e",
        "action": "process",
        "output_keys": outputs,
    }
    return LineageRecord(**values | changes)


RECORDS = [
    record("/vol1/scan1.tif", 1, ("vol1/text.txt", "thumbs/1.png")),
    record("/vol1/scan2.tif", 2, ("vol1/text.txt",)),
    record("/vol1/text.txt", 3, ("summary.json",), uc_id="summary"),  # an output that is a file again
    record("/vol1/broken.tif", 4, status=LineageStatus.FAILED, reason="States.Timeout"),
    record("/vol1/a", 5, ("vol1/b",)),  # a circle
    record("/vol1/b", 6, ("vol1/a",)),
]


@pytest.fixture(scope="module")
def table(emulator):  # noqa: F811
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
        patch.setenv("LINEAGE_TABLE", "lineage")
        forget_clients()
        create_lineage_table(emulator.client("dynamodb"), "lineage")
        tracker = LineageTracker(LineageSettings("lineage", 0, "Test"))
        assert all(tracker.record(each).stored for each in RECORDS)
        yield
    forget_clients()


@pytest.fixture
def run(table, capsys):
    def call(*argv):
        capsys.readouterr()
        status = main(["lineage", *argv])
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err

    return call


def drawn(lines):
    """Each line without what stands in brackets."""
    return [line.partition("  [")[0] for line in lines]


def test_a_file_is_followed_to_what_was_made_of_its_outputs(run):
    status, lines, _ = run("trace", "/vol1/scan1.tif")
    assert (status, drawn(lines)) == (
        0,
        ["/vol1/scan1.tif", "  -> vol1/text.txt", "    -> summary.json", "  -> thumbs/1.png"],
    )
    assert lines[1].endswith("[ocr process success 2026-01-31T12:01:00.000000Z]")


def test_an_output_is_followed_back_to_all_its_inputs(run):
    status, lines, _ = run("trace", "summary.json")
    assert (status, drawn(lines)) == (
        0,
        ["summary.json", "  <- /vol1/text.txt", "    <- /vol1/scan2.tif", "    <- /vol1/scan1.tif"],
    )


def test_what_is_output_and_input_goes_both_ways(run):
    _, lines, _ = run("trace", "vol1/text.txt", "--depth", "1")
    assert drawn(lines)[1:] == ["  <- /vol1/scan2.tif", "  <- /vol1/scan1.tif", "  -> summary.json"]


def test_work_without_an_output_is_told_with_its_reason(run):
    _, lines, _ = run("trace", "/vol1/broken.tif")
    assert lines[1].startswith("  -> (no output)  [ocr process failed (States.Timeout) ")


def test_a_circle_ends_and_bounds_are_kept(run):
    status, lines, _ = run("trace", "/vol1/a", "--depth", "9")
    assert (status, len(lines)) == (0, 5)
    _, lines, _ = run("trace", "/vol1/a", "--depth", "9", "--limit", "1")
    assert (len(lines), lines[-1]) == (3, "  ... and more: give a higher --limit")


def test_json_has_the_edges(run):
    _, lines, _ = run("trace", "summary.json", "--json")
    (found,) = map(json.loads, lines)
    assert [(edge["output"], edge["steps"], edge["is_upstream"]) for edge in found["edges"]] == [
        ("summary.json", 1, True),
        ("vol1/text.txt", 2, True),
        ("vol1/text.txt", 2, True),
    ]
    assert found["edges"][0]["record"]["uc_id"] == "summary"


def test_nothing_known_is_status_1(run):
    assert run("trace", "/vol1/none") == (1, ["/vol1/none", "  nothing is known of it"], "")


def test_wrong_bounds_are_status_2(run):
    status, lines, error = run("trace", "/vol1/a", "--depth", "0")
    assert (status, lines) == (2, [])
    assert "depth is 0" in error


def test_the_inputs_of_an_output_are_shown(run):
    status, lines, _ = run("show", "--output", "vol1/text.txt", "--json")
    files = [json.loads(line)["source_file_key"] for line in lines]
    assert (status, files) == (0, ["/vol1/scan2.tif", "/vol1/scan1.tif"])


def test_a_page_ends_with_the_token_of_the_next(run):
    seen, more = [], []
    while True:
        status, lines, error = run(
            "show", "--workload", "ocr", "--since", "9999d", "--limit", "2", "--json", *more
        )
        seen += [json.loads(line)["work_key"] for line in lines]
        if not error:
            break
        assert error.startswith("there are more: --after ")
        more = ["--after", error.split()[-1]]
    assert (status, seen) == (0, ["k1", "k2", "k4", "k5", "k6"])


def test_a_token_of_another_query_is_status_2(run):
    _, _, error = run("show", "--workload", "ocr", "--limit", "1")
    status, lines, error = run("show", "/vol1/a", "--after", error.split()[-1])
    assert (status, lines) == (2, [])
    assert "the page token is none of this query" in error
