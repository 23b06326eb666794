"""Proof and report: what the storage did against what arrived, and a run or a period as one page."""

from fsxn_runtime.report.core import verify
from fsxn_runtime.report.ledger import parse_arrivals, parse_ledger
from fsxn_runtime.report.model import Evidence, Verification, Work
from fsxn_runtime.report.outlook_chart import Chart, Frame, capacity_at, date, scale
from fsxn_runtime.report.outlook_chart import parts as chart_parts
from fsxn_runtime.report.page import render
from fsxn_runtime.report.period import (
    Period,
    collect,
    count_lineage,
    failed,
    read_dashboards,
    read_growth,
    read_incidents,
    read_objectives,
    read_outlook,
    read_replays,
    read_spending,
)
from fsxn_runtime.report.store import Place, Reader, queue_depths
from fsxn_runtime.report.text import lines

__all__ = [
    "Chart",
    "Evidence",
    "Frame",
    "Period",
    "Place",
    "Reader",
    "Verification",
    "Work",
    "capacity_at",
    "chart_parts",
    "collect",
    "count_lineage",
    "date",
    "failed",
    "lines",
    "parse_arrivals",
    "parse_ledger",
    "queue_depths",
    "read_dashboards",
    "read_growth",
    "read_incidents",
    "read_objectives",
    "read_outlook",
    "read_replays",
    "read_spending",
    "render",
    "scale",
    "verify",
]
