"""What `make bench` counts of a file version, and that the README says the same."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from fsxn_runtime.cost import usage
from fsxn_runtime.cost.model import WorkloadTraffic

from lab.cloud.emulator import Emulator
from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tools.bench import workload as bench


@pytest.fixture(scope="module")
def counted(emulator: Emulator) -> Iterator[bench.Json]:  # noqa: F811
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", {**os.environ})
        bench.forget()
        yield bench.costs(bench.Line(emulator))
    bench.forget()
    boto3.DEFAULT_SESSION = None


def test_the_readme_says_what_is_counted(counted: bench.Json, repository: Path) -> None:
    work = {name: each["work"] for name, each in counted.items()}
    units = [work[name]["write units"] for name in ("first notification", "process function", "finisher")]
    readme = (repository / "README.md").read_text()
    found = re.search(r"^\| Step Functions \| (\d+) transitions", readme, re.MULTILINE)
    assert found and int(found[1]) == work["execution"]["transitions"]
    found = re.search(r"^\| DynamoDB \| (\d+) write units .*?, (\d+) for each further", readme, re.MULTILINE)
    assert found and int(found[1]) == sum(units)
    assert int(found[2]) == work["second notification"]["write units"]
    assert bench.failures({"costs": counted}) == []


def test_the_cost_model_counts_what_is_counted(counted: bench.Json) -> None:
    work = {name: each["work"] for name, each in counted.items()}
    assert work["execution"]["transitions"] == usage.TRANSITIONS
    assert work["first notification"] == {"write units": usage.OPEN_UNITS, "s3 reads": 1}
    assert work["second notification"] == {"write units": usage.DUPLICATE_UNITS, "s3 reads": 1}
    assert work["finisher"] == {"write units": usage.CLOSE_UNITS}
    traffic = WorkloadTraffic()
    assert work["process function"] == {
        "write units": traffic.process_write_units,
        "s3 puts": traffic.process_puts,
        "s3 reads": traffic.process_reads,
    }


def test_a_fourth_transition_and_a_second_start_fail_the_run() -> None:
    def costs(transitions: int, second: dict[str, int]) -> bench.Json:
        return {
            "costs": {
                "execution": {"work": {"transitions": transitions}},
                "first notification": {"calls": {"StartExecution": 1}},
                "second notification": {"calls": second},
            }
        }

    assert bench.failures(costs(3, {})) == []
    assert "4 state transitions" in bench.failures(costs(4, {}))[0]
    assert "more than one execution" in bench.failures(costs(3, {"PutObject": 1}))[0]


def item(size: int, status: str | None) -> bench.Json:
    """An item of some bytes: its key has three, its status what it has, the rest is filling."""
    small = {"pk": {"S": "k"}} | ({} if status is None else {"status": {"S": status}})
    return small | {"fill": {"S": "x" * size}}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, item(10, "OPEN"), 2),  # the table, and the index
        ({}, item(10, None), 1),  # without the index's key it is not in there
        (item(10, "OPEN"), item(20, "OPEN"), 2),
        (item(10, "OPEN"), item(10, "DONE"), 3),  # out of one place of the index and into another
        (item(3000, "OPEN"), item(10, "DONE"), 7),  # 3 KB are taken out, 1 KB is put in
        (item(2000, "OPEN"), item(2000, "OPEN"), 2),  # a refused write costs what it looked at
        (item(10, "OPEN"), item(10, None), 2),
    ],
)
def test_write_units_are_counted_with_their_indexes(
    before: bench.Json, after: bench.Json, expected: int
) -> None:
    assert bench.units(before, after, [["status"]]) == expected


def test_the_table_has_a_line_for_each_figure() -> None:
    found = {
        "costs": {"execution": {"calls": {"StartExecution": 1}, "work": {"transitions": 3}}},
        "rates": {"bare": {"per_second": 400.0, "ratio": 1.0}},
    }
    text = "\n".join(bench.table(found))
    assert "execution                           3" in text
    assert "together 75.00" in text
    assert "bare                                     400        1.00" in text
