"""What was used beside its estimate: what is outside its limits is named, and shown."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from lab.cost import LIMITS, outside
from lab.demo.result import used_table
from lab.demo.story import used_check


def row(quantity: str, ratio: str | None) -> dict[str, str | None]:
    return {
        "workload": "inventory",
        "quantity": quantity,
        "unit": "request",
        "estimated": "100",
        "counted": "0" if ratio is None else str(100 * float(ratio)),
        "ratio": ratio,
    }


@pytest.mark.parametrize("quantity", LIMITS)
def test_a_quantity_is_within_its_limits_up_to_them(quantity: str) -> None:
    low, high = LIMITS[quantity]
    assert outside([row(quantity, str(low)), row(quantity, str(high))]) == []
    assert len(outside([row(quantity, str(low - 0.001)), row(quantity, str(high + 0.001))])) == 2


def test_the_check_names_what_is_outside_and_fails_without_any_row() -> None:
    found = used_check([row("S3 writes", "1.5")])
    assert (found.ok, found.text) == (
        False,
        "not within their limits: S3 writes of inventory: 1.5 is not 0.98 to 1.02",
    )
    assert not used_check([]).ok
    assert used_check([row("S3 writes", "1")]).ok


def test_a_quantity_that_was_not_estimated_is_outside() -> None:
    assert len(outside([row("S3 writes", None)])) == 1


def test_the_table_shows_estimate_count_and_ratio() -> None:
    out = io.StringIO()
    Console(file=out, width=120).print(used_table([row("S3 writes", "0.5")]))
    (line,) = [line for line in out.getvalue().splitlines() if "S3 writes" in line]
    assert line.replace("│", " ").split() == ["S3", "writes,", "inventory", "100", "50", "0.50"]
