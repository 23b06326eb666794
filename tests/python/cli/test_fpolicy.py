"""What `fsxn fpolicy status` shows of an SVM, and when that is a finding."""

from __future__ import annotations

from typing import Any

import pytest
from fsxn_runtime.cli.fpolicy import is_well, svm_lines

WELL: dict[str, Any] = {
    "svm": "svm1",
    "wanted_enabled": True,
    "enabled": True,
    "priority": 1,
    "servers": ["10.0.1.10"],
    "engine_servers": ["10.0.1.10"],
    "links": [{"node": "n1", "server": "10.0.1.10", "is_connected": True, "reason": ""}],
    "missing": 0,
    "guard_enabled": False,
    "store": "fsxn_s3ap",
    "store_used_pct": 3,
    "all_there_us": 0,
    "lost_us": None,
}


def test_an_svm_that_is_as_wanted_is_no_finding() -> None:
    assert is_well(WELL)
    assert svm_lines(WELL)[0] == "svm1  as wanted"


@pytest.mark.parametrize(
    "change",
    [
        {"enabled": False},
        {"enabled": None},
        {"engine_servers": ["10.0.9.9"]},
        {"missing": 1},
        {"store_used_pct": 70},
        {"wanted_enabled": False},
    ],
)
def test_what_differs_from_what_is_wanted_is_a_finding(change: dict[str, Any]) -> None:
    assert not is_well(WELL | change)


def test_a_lost_connection_shows_node_server_and_ontaps_reason() -> None:
    link = {"node": "n2", "server": "10.0.1.10", "is_connected": False, "reason": "TCP Connection failed."}
    assert "  node n2  10.0.1.10  disconnected: TCP Connection failed." in svm_lines(WELL | {"links": [link]})
