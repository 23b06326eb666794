"""What a bundle collects of a deployment that is well, and of one in which one thing is not."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from fsxn_runtime.diagnose import Fact, Facts

PREFIX = "lab"
ALARM = {
    "name": "lab-ingestion-age",
    "state": "OK",
    "reason": "",
    "since": "2026-11-02T09:00:00+00:00",
    "description": "Events wait. docs/runbooks/ingestion-age.md",
    "metric": "",
    "actions_enabled": True,
}
SVM = {
    "svm": "svm1",
    "wanted_enabled": True,
    "enabled": True,
    "guard_enabled": False,
    "priority": 1,
    "store": "lab",
    "store_used_pct": 3,
    "servers": ["10.0.0.1"],
    "engine_servers": ["10.0.0.1"],
    "missing": 0,
    "links": [
        {"node": node, "policy": "lab", "server": "10.0.0.1", "is_connected": True, "reason": ""}
        for node in ("node-1", "node-2")
    ],
}
WELL: Mapping[str, Any] = {
    "alarms": [ALARM],
    "errors": [],
    "functions": [
        {"name": "lab-router", "state": "Active", "update": "Successful", "modified": "", "concurrency": None}
    ],
    "objectives": [{"slo_name": "success-rate", "met": True, "value": 100.0, "threshold": 99.5}],
    "ontap": {
        "parts": {
            "cluster": {"version": "9.17.1", "clock_skew_seconds": 0.2},
            "fpolicy": {"tasks": [{"address": "10.0.0.1", "probe": "ready"}], "svms": [SVM]},
            "messages": [],
            "nfs_clients": {"clients": [{"client_ip": "10.0.9.1", "protocol": "nfs4.1", "volume": "vol1"}]},
            "volumes": [{"svm": "svm1", "name": "vol1", "used_pct": 40, "junction_path": "/vol1"}],
        },
        "errors": {},
    },
    "queues": [
        {
            "name": f"lab-{name}",
            "url": f"https://sqs/1/lab-{name}",
            "visible": 0,
            "in_flight": 0,
            "delayed": 0,
            "is_dead_letter": name.endswith("dead-letters"),
            "oldest_seconds": None,
        }
        for name in (
            "ingestion",
            "ingestion-dead-letters",
            "quarantine",
            "inventory-work",
            "inventory-dead-letters",
            "expand-dead-letters",
        )
    ],
    "schedules": [{"name": "lab-reconcile-every-minute", "state": "ENABLED", "expression": "rate(1 minute)"}],
    "server": {
        "exists": True,
        "desired": 1,
        "running": 1,
        "pending": 0,
        "events": [],
        "stopped": [],
        "tasks": [{"task": "t1", "status": "RUNNING", "health": "HEALTHY", "started": "", "stopped": ""}],
    },
    "sources": [{"function": "lab-router", "queue": "lab-ingestion", "state": "Enabled", "reason": ""}],
}


def facts(**changed: Any) -> Facts:
    """Give the facts of a deployment that is well, but for what is given by name (a Fact, or its data)."""
    data = {**copy.deepcopy(dict(WELL)), **changed}
    return {name: each if isinstance(each, Fact) else Fact(each, seconds=0.1) for name, each in data.items()}


def ontap(errors: Mapping[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    """Give what the function in the VPC found: parts that differ, and parts that failed."""
    known = {**copy.deepcopy(WELL["ontap"]["parts"]), **parts}
    failed = dict(errors or {})
    return {"parts": {name: part for name, part in known.items() if name not in failed}, "errors": failed}


def svm(**changed: Any) -> dict[str, Any]:
    """Give ONTAP's side with one SVM that differs."""
    return ontap(fpolicy={"tasks": [], "svms": [{**SVM, **changed}]})


def queue(name: str, **changed: Any) -> list[dict[str, Any]]:
    """Give the queues, one of them different."""
    return [{**each, **changed} if each["name"] == f"lab-{name}" else each for each in WELL["queues"]]


def one(part: str, **changed: Any) -> list[dict[str, Any]]:
    """Give a part that is a list, its first entry different."""
    first, *rest = WELL[part]
    return [{**first, **changed}, *rest]
