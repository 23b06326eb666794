"""Objectives over a period, and the dashboards as they were deployed."""

from __future__ import annotations

from typing import Any

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import FsxnError, MisconfiguredError
from fsxn_runtime.report.period.collecting import Period
from fsxn_runtime.slo import attainments, draw_dashboard, effective_catalogue, error_budgets, evaluate_slos


def read_objectives(cloudwatch: Any, period: Period) -> dict[str, Any]:
    """Give each objective: how it fared in the period, what its alarm said at the end, what its budget lost.

    Raises the errors of `edge.aws_errors`, and MisconfiguredError for a wrong catalogue.
    """
    known = effective_catalogue()
    results = evaluate_slos(cloudwatch, catalogue=known, now=period.end)
    fared = attainments(cloudwatch, start=period.start, end=period.end, catalogue=known)
    budgets = error_budgets(cloudwatch, catalogue=known, now=period.end)
    return {
        "origin": known.origin,
        "budget_days": known.budget_days,
        "objectives": [
            {
                **known.targets[result.slo_name].to_dict(),
                **result.to_dict(),
                "attainment": attainment.to_dict(),
                "budget": budget.to_dict(),
            }
            for result, attainment, budget in zip(results, fared, budgets, strict=True)
        ],
    }


def read_dashboards(cloudwatch: Any, prefix: str, period: Period) -> list[dict[str, Any]]:
    """Give every dashboard whose name begins with `prefix`; one that cannot be drawn says why.

    Raises MisconfiguredError when there is none, and the errors of `edge.aws_errors`.
    """
    pages = cloudwatch.get_paginator("list_dashboards").paginate(DashboardNamePrefix=prefix)
    with aws_call("cloudwatch:ListDashboards"):
        names = sorted(entry["DashboardName"] for page in pages for entry in page["DashboardEntries"])
    if not names:
        raise MisconfiguredError(
            f"there is no dashboard whose name begins with {prefix!r}", code="no_dashboard"
        )
    return [_dashboard(cloudwatch, name, period) for name in names]


def _dashboard(cloudwatch: Any, name: str, period: Period) -> dict[str, Any]:
    try:
        return draw_dashboard(cloudwatch, name, start=period.start, end=period.end)
    except FsxnError as exc:
        return {"name": name, "panels": [], "why": str(exc)}
