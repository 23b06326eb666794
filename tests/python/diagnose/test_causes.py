"""From facts to causes: a failure is named first, by its evidence, with a page and a command."""

from __future__ import annotations

from typing import Any

import pytest
from fsxn_runtime.cli.main import build_parser
from fsxn_runtime.diagnose import Fact, Weight, causes

from tests.python.diagnose.worlds import PREFIX, SVM, WELL, facts, one, ontap, queue, svm
from tests.structure.source_tree import ROOT

LOST = [
    {"node": node, "policy": "lab", "server": "10.0.0.1", "is_connected": False, "reason": reason}
    for node, reason in (
        ("node-1", "TCP Connection to FPolicy server failed."),
        ("node-2", "No local lif present to connect to FPolicy server."),
    )
]
ENDED = {
    "task": "t0",
    "status": "STOPPED",
    "health": "",
    "started": "",
    "stopped": "",
    "code": "EssentialContainerExited",
    "reason": "Essential container in task exited",
    "exits": [{"code": 2, "reason": "OutOfMemoryError"}],
}
LINE = {"at": "2026-11-02T09:00:00+00:00", "message": '{"level": "ERROR", "event": "work.failed"}'}


def failed(code: str) -> dict[str, Any]:
    return ontap({part: {"code": code, "message": f"it says {code}"} for part in WELL["ontap"]["parts"]})


# What is broken -> the key of the cause that must come first, and words of its evidence.
BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "server scaled to 0": (
        {
            "server": {**WELL["server"], "desired": 0, "running": 0, "tasks": []},
            "ontap": svm(missing=2, links=LOST),
        },
        "server_scaled_to_zero",
        "desired 0",
    ),
    "server ends at once": (
        {"server": {**WELL["server"], "running": 0, "tasks": [], "stopped": [ENDED]}},
        "server_not_running",
        "OutOfMemoryError",
    ),
    "one of two tasks": ({"server": {**WELL["server"], "desired": 2}}, "server_short", "running 1"),
    "unhealthy": (
        {"server": {**WELL["server"], "tasks": [{"task": "t1", "health": "UNHEALTHY"}]}},
        "server_unhealthy",
        "UNHEALTHY",
    ),
    "another prefix": ({"server": {"exists": False}}, "server_missing", "no active service"),
    "ONTAP unreachable": ({"ontap": failed("ontap_unreachable")}, "ontap_unreachable", "it says"),
    "wrong password": ({"ontap": failed("ontap_unauthorized")}, "ontap_unauthorized", "it says"),
    "unknown certificate": ({"ontap": failed("ontap_pin_mismatch")}, "ontap_pin_mismatch", "it says"),
    "policy disabled by hand": (
        {"ontap": svm(enabled=False, links=[], missing=2)},
        "policy_disabled:svm1",
        "False",
    ),
    "policy gone": ({"ontap": svm(enabled=None, links=[], missing=2)}, "policy_missing:svm1", "None"),
    "old addresses": (
        {"ontap": svm(engine_servers=["10.0.0.9"], missing=2)},
        "engine_stale:svm1",
        "10.0.0.9",
    ),
    "no connection": ({"ontap": svm(missing=2, links=LOST)}, "connections_missing:svm1", "node-1"),
    "store full": ({"ontap": svm(store_used_pct=100)}, "store_full:svm1", "100 %"),
    "store filling": ({"ontap": svm(store_used_pct=70)}, "store_filling:svm1", "70 %"),
    "node gave up": (
        {
            "ontap": ontap(
                messages=[{"name": "fpolicy.eagain.disconnect", "time": "now", "text": "four breaks"}]
            )
        },
        "ems:fpolicy.eagain.disconnect",
        "four breaks",
    ),
    "ingestion queue gone": ({"queues": WELL["queues"][1:]}, "ingestion_missing", "lab-quarantine"),
    "router does not take": (
        {"sources": one("sources", state="Disabled")},
        "source_off:lab-router",
        "Disabled",
    ),
    "a function is switched off": (
        {"functions": one("functions", concurrency=0)},
        "function_off:lab-router",
        "0",
    ),
    "dead letters": (
        {"queues": queue("ingestion-dead-letters", visible=3)},
        "dead_letters:lab-ingestion-dead-letters",
        "3 visible",
    ),
    "a workload gave up": (
        {"queues": queue("inventory-dead-letters", visible=1)},
        "dead_letters:lab-inventory-dead-letters",
        "1 visible",
    ),
    "an asynchronous function gave up": (
        {"queues": queue("expand-dead-letters", visible=1)},
        "dead_letters:lab-expand-dead-letters",
        "1 visible",
    ),
    "quarantine": ({"queues": queue("quarantine", visible=1)}, "quarantine", "1 visible"),
    "backlog": (
        {"queues": queue("inventory-work", visible=9, oldest_seconds=301.0)},
        "waiting:lab-inventory-work",
        "9 visible",
    ),
    "a function fails": (
        {"errors": [{"name": "lab-router", "lines": [LINE]}]},
        "errors:lab-router",
        "work.failed",
    ),
    "reconciler off": (
        {"schedules": one("schedules", state="DISABLED")},
        "schedule_off:lab-reconcile-every-minute",
        "DISABLED",
    ),
    "a part of AWS is silent": (
        {"queues": Fact(None, "no answer", "aws_unreachable")},
        "aws_part_silent:queues",
        "no answer",
    ),
    "NFS 4.2": (
        {
            "ontap": ontap(
                nfs_clients={"clients": [{"client_ip": "10.0.9.2", "protocol": "nfs4.2", "volume": "v"}]}
            )
        },
        "nfs42_clients",
        "10.0.9.2",
    ),
    "clocks differ": (
        {"ontap": ontap(cluster={"version": "9.17.1", "clock_skew_seconds": -9.0})},
        "clock_skew",
        "latencies",
    ),
    "volume full": (
        {"ontap": ontap(volumes=[{"svm": "svm1", "name": "vol1", "used_pct": 99}])},
        "volume_full:vol1",
        "99 %",
    ),
    "objective": ({"objectives": one("objectives", met=False)}, "objective:success-rate", "99.5"),
    "an alarm": ({"alarms": one("alarms", state="ALARM")}, "alarm:lab-ingestion-age", "since"),
    "silenced": ({"alarms": one("alarms", actions_enabled=False)}, "alarms_silenced", "lab-ingestion-age"),
}


def test_nothing_is_found_where_all_is_well() -> None:
    assert causes(facts(), PREFIX) == []


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_broken_is_named_first_with_its_evidence(broken: str) -> None:
    changed, key, words = BROKEN[broken]
    first, *_ = causes(facts(**changed), PREFIX)
    assert first.key == key
    assert any(words in text for text in first.evidence)


@pytest.mark.parametrize("broken", BROKEN)
def test_pages_and_commands_of_causes_exist(broken: str) -> None:
    """A person at night follows them: a page that is there, a command that the command line knows."""
    for cause in causes(facts(**BROKEN[broken][0]), PREFIX):
        assert not cause.runbook or (ROOT / "docs/runbooks" / cause.runbook).is_file()
        words = cause.command.split()
        assert words
        if words[0] == "fsxn":
            build_parser().parse_args(words[1:])


def test_what_stops_the_way_comes_before_what_hurts_and_that_before_what_tells() -> None:
    found = causes(
        facts(
            alarms=one("alarms", state="ALARM"),
            queues=queue("ingestion-dead-letters", visible=3),
            ontap=svm(enabled=False, links=[], missing=2),
        ),
        PREFIX,
    )
    assert [cause.weight for cause in found] == [Weight.STOPS, Weight.HURTS, Weight.TELLS]
    assert found[0].key == "policy_disabled:svm1"


def test_what_follows_from_a_cause_is_none() -> None:
    """Without a server no connection is missing; a function's error about ONTAP is ONTAP's."""
    nobody = {**WELL["server"], "desired": 0, "running": 0, "tasks": []}
    assert len(causes(facts(server=nobody, ontap=svm(missing=2, links=LOST)), PREFIX)) == 1
    about = {**LINE, "message": '{"level": "ERROR", "error": {"code": "ontap_unauthorized"}}'}
    errors = [{"name": "lab-reconcile", "lines": [about]}]
    assert len(causes(facts(ontap=failed("ontap_unauthorized"), errors=errors), PREFIX)) == 1
    assert [cause.key for cause in causes(facts(errors=errors), PREFIX)] == ["errors:lab-reconcile"]


def test_a_disabled_policy_with_its_guard_hurts_only() -> None:
    (cause,) = causes(facts(ontap=svm(enabled=False, guard_enabled=True, links=[], missing=2)), PREFIX)
    assert cause.weight is Weight.HURTS


def test_a_node_without_lif_is_told_apart() -> None:
    one_lost = [{**SVM["links"][0]}, LOST[1]]  # type: ignore[index]
    (cause,) = causes(facts(ontap=svm(missing=1, links=one_lost)), PREFIX)
    assert (cause.weight, "LIF" in cause.says) == (Weight.HURTS, True)


def test_where_all_of_aws_is_silent_that_is_the_only_cause() -> None:
    silent = Fact(None, "Unable to locate credentials", "aws_identity")
    (cause,) = causes(dict.fromkeys(WELL, silent), PREFIX)
    assert (cause.key, cause.evidence[0]) == ("aws_silent", silent.why_not)


def test_parts_that_are_missing_hide_no_cause_and_make_none() -> None:
    """Whatever single part is not there, what the others show is still found."""
    changed = BROKEN["server scaled to 0"][0]
    for name in WELL:
        if name != "server":
            found = causes(facts(**{**changed, name: Fact(None, "denied", "aws_denied")}), PREFIX)
            assert [cause.key for cause in found] == ["server_scaled_to_zero"]
