"""Decisions of the ONTAP checks, the sum of the budgets, the words of a failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fsxn_runtime.canary.core import (
    RESERVE_SECONDS,
    check_budget,
    failure_text,
    judge_certificate,
    judge_connections,
    judge_store,
)
from fsxn_runtime.canary.model import Certificate, CheckName, Connection, FindingError, Reason, Result
from fsxn_runtime.errors import MisconfiguredError
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 25, tzinfo=UTC)
STATES = st.sampled_from(["connected", "disconnected"])


def connection(node: str, server: str = "10.0.4.21", state: str = "connected", why: str = "") -> Connection:
    return Connection(node, server, state, why)


def reason_of(judge) -> Reason:
    with pytest.raises(FindingError) as found:
        judge()
    return found.value.reason


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("12"), STATES), max_size=6))
def test_all_is_well_exactly_when_both_nodes_have_a_server(records):
    connections = [connection(node, server, state) for node, server, state in records]
    nodes = {node for node, _, state in records if state == "connected"}
    if nodes == {"a", "b"}:
        assert "every one of 2 nodes" in judge_connections(connections, 2)
    else:
        with pytest.raises(FindingError):
            judge_connections(connections, 2)


def test_no_connection_at_all_means_that_the_policy_is_not_enabled():
    assert reason_of(lambda: judge_connections([], 2)) == Reason.FPOLICY_NOT_ENABLED


def test_a_disconnected_node_is_named_with_ontaps_reason():
    away = connection("n2", state="disconnected", why="TCP Connection to FPolicy server failed.")
    with pytest.raises(FindingError, match=r"1 of 2 nodes.*n2 to 10\.0\.4\.21: TCP Connection"):
        judge_connections([connection("n1"), away], 2)


def test_a_node_that_lists_nothing_is_missed():
    with pytest.raises(FindingError, match="the others list nothing"):
        judge_connections([connection("n1")], 2)


def certificate(days: float, sha256: str = "aa") -> Certificate:
    return Certificate("fs", sha256, NOW + timedelta(days=days))


@pytest.mark.parametrize(
    ("days", "is_near"), [(30, False), (29.99, True), (0, True), (-1, True), (31, False)]
)
def test_a_certificate_is_near_its_end_below_the_days_asked_for(days, is_near):
    def judge() -> str:
        return judge_certificate([certificate(days)], "aa", NOW, 30)

    if is_near:
        assert reason_of(judge) == Reason.CERTIFICATE_EXPIRING
    else:
        assert f"in {days} days" in judge()


def test_only_the_presented_certificate_counts():
    foreign = certificate(1, "bb")
    assert "in 90 days" in judge_certificate([foreign, certificate(90)], "aa", NOW, 30)
    assert reason_of(lambda: judge_certificate([foreign], "aa", NOW, 30)) == Reason.CERTIFICATE_UNKNOWN


@pytest.mark.parametrize(("used", "is_filling"), [(79, False), (80, True), (100, True)])
def test_a_store_is_filling_at_its_limit(used, is_filling):
    if is_filling:
        assert reason_of(lambda: judge_store(used, 80)) == Reason.STORE_FILLING
    else:
        assert judge_store(used, 80).startswith("79 %")


@given(steps=st.integers(1, 60), seconds=st.integers(1, 120), limit=st.integers(1, 900))
def test_a_budget_that_may_outlast_the_time_limit_is_refused(steps, seconds, limit):
    if steps * seconds + RESERVE_SECONDS <= limit:
        check_budget(steps, seconds, limit)
    else:
        with pytest.raises(MisconfiguredError, match=f"the time limit is {limit} s"):
            check_budget(steps, seconds, limit)


def test_a_failure_names_every_failed_check_and_no_other():
    fine = Result(CheckName.ONTAP_HEALTH, "fs-1", 1.0, "", "well")
    failed = Result(CheckName.STORE_SPACE, "svm1/p", 1.0, "store_filling", "81 %")
    assert failure_text([fine]) == ""
    assert failure_text([fine, failed]) == "1 of 2 checks failed: StoreSpace svm1/p: store_filling: 81 %"
