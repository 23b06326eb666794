"""A collected period as `fsxn report --json` prints it, made from the product's own types."""

from __future__ import annotations

import json
from typing import Any

from fsxn_runtime.report.period.incidents import Standing, Transition, incidents, to_dict
from fsxn_runtime.slo import Budget, SloResult, SloState
from fsxn_runtime.slo.catalogue import defaults
from fsxn_runtime.slo.core import attainment
from fsxn_runtime.slo.model import Burn, Point

START = 1_800_000_000  # 2027-01-15 08:00:00 UTC
END = START + 7_200
TARGETS = defaults().targets


def objective(name: str = "reconnect-time", values: tuple[float, ...] = (0.0, 12.5), **result: Any) -> dict:
    """One objective with a value each minute from the start on."""
    target = TARGETS[name]
    points = [Point(START + 60 * place, value) for place, value in enumerate(values)]
    state = result.get("state", SloState.MET)
    value = result.get("value", values[-1] if values else None)
    burning = Burn("fast-burn", 14.4, 20.0, 15.0, burning=result.get("burning", False))
    return {
        **target.to_dict(),
        **SloResult(target.name, state, value, START, target.threshold).to_dict(),
        "attainment": attainment(target, points, START, END, 60).to_dict(),
        "budget": Budget(target.name, 28, "periods", 99.5, 0.1, 20.0, (burning,)).to_dict(),
    }


def found_incidents() -> dict[str, Any]:
    """One alarm that was on for ten minutes, one that still is, one that tells nobody."""
    minute = 60_000_000
    start = START * 1_000_000
    steps = [
        Transition("p-slo-reconnect-time", start + 10 * minute, "OK", "ALARM", "3 datapoints"),
        Transition("p-slo-reconnect-time", start + 20 * minute, "ALARM", "OK", "back"),
        Transition("p-ingestion-age", start + 60 * minute, "OK", "ALARM", "old"),
        Transition("p-window", start + 60 * minute, "OK", "ALARM", "part"),
    ]
    standing = {
        name: Standing(name, state, start, "", f"What {name} says. docs/runbooks/{book}.md", tells)
        for name, state, book, tells in (
            ("p-slo-reconnect-time", "OK", "slo-reconnect-time", True),
            ("p-ingestion-age", "ALARM", "ingestion-age", True),
            ("p-window", "ALARM", "slo-burn", False),
        )
    }
    end = END * 1_000_000
    return to_dict(incidents(steps, standing.values(), start, end), standing, start, end)


def panel(**changes: Any) -> dict[str, Any]:
    """One panel of a dashboard."""
    series = {"label": "FPolicyReconnectTime_sec Maximum", "points": [[0, 0.0], [60, 12.5], [240, 3.0]]}
    drawn = {
        "title": "Since <b>lost</b>",
        "seconds": 600,
        "period_seconds": 60,
        "series": [series],
        "lines": [{"label": "target < 30", "value": 30.0}],
    }
    return {**drawn, **changes}


def resource(**changes: Any) -> dict[str, Any]:
    """One forecast with its series."""
    day = 20_000.0
    return {
        "kind": "volume",
        "key": "fsvol-1",
        "name": "vol1",
        "unit": "GiB",
        "outcome": "forecast",
        "days_until_full": 28.7,
        "forecast_date": "2027-02-12",
        "current_usage_pct": 78.1,
        "used": 800.0,
        "capacity": 1024.0,
        "growth_per_day": 7.8,
        "method": "line",
        "earliest_days": 27.0,
        "latest_days": None,
        "series": {
            "used": [[day + n, 570.0 + 7.8 * n] for n in range(31)],
            "capacity": [[day, 1024.0]],
            "ahead": [[day + 30 + n, 804.0 + 7.8 * n, 800.0 + 7 * n, 808.0 + 9 * n] for n in range(31)],
        },
        **changes,
    }


def entry(**changes: Any) -> dict[str, Any]:
    """One line of the guardrail's ledger."""
    return {
        "at": "2027-01-15T08:30:00.000000Z",
        "action_type": "volume_grow",
        "action_id": "a-1",
        "requested_gb": 453.2,
        "verdict": "denied",
        "reason": "daily_cap_exceeded",
        "outcome": "not_executed",
        "mode": "ENFORCE",
        "context": {"resource_id": "fsvol-1"},
        **changes,
    }


FOUND: dict[str, Any] = {
    "objectives": {"origin": "parameter /p", "budget_days": 28, "objectives": [objective()]},
    "incidents": found_incidents(),
    "replays": {
        "period_seconds": 60,
        "measured": True,
        "replays": [{"begin": "2027-01-15T08:10:00Z", "seconds": 5.3, "events": 779.0}],
        "sources": [{"svm": "svm1", "policy": "fsxn", "replays": 1, "longest_seconds": 5.0}],
    },
    "lineage": {
        "hours": [
            {"hour": "2027-01-15T08", "statuses": {"success": 600, "duplicate": 40}},
            {"hour": "2027-01-15T09", "statuses": {"failed": 3}},
        ],
        "workloads": [
            {
                "uc_id": "content-inventory",
                "statuses": {"success": 600, "duplicate": 40, "failed": 3},
                "duration_ms": {"count": 600, "p50": 12.0, "p90": 40.0, "p99": 95.0, "maximum": 300.0},
            }
        ],
    },
    "forecast": {"lookback_days": 30, "ahead_days": 30, "resources": [resource()]},
    "guardrails": {
        "verdicts": {"denied": 1, "allowed": 1},
        "executed": 1,
        "executed_gb": 380.0,
        "entries": [entry()],
    },
    "cost": {
        "region": "us-east-1",
        "as_of": "2026-11-26",
        "hours": "2",
        "usd": "0.0694",
        "by_workload": {"content-inventory": "0.06", "shared": "0.0094"},
        "per_million_versions": {"content-inventory": "97.5"},
        "traffic": {"hours": 2.0},
        "lines": [
            {
                "workload": "content-inventory",
                "quantity": "state transitions",
                "amount": "1800",
                "unit": "transition",
                "usd": "0.045",
                "formula": "(600 x 3) x 0.000025",
            }
        ],
    },
    "dashboards": [{"name": "p-slo", "panels": [panel()]}],
}


def collected(**changes: Any) -> dict[str, Any]:
    """A period in which every part is there; `changes` replace what parts found, or the whole part."""
    parts: dict[str, Any] = {name: {"state": "there", "found": found} for name, found in FOUND.items()}
    for name, change in changes.items():
        is_part = isinstance(change, dict) and "state" in change
        parts[name] = change if is_part else {"state": "there", "found": change}
    period = {
        "schema_version": "1.0",
        "kind": "period",
        "title": "p",
        "from": "2027-01-15T08:00:00Z",
        "to": "2027-01-15T10:00:00Z",
        "made_at": "2027-01-15T10:00:05Z",
        "parts": parts,
    }
    return json.loads(json.dumps(period))
