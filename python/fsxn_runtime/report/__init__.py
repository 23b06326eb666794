"""Proof and report of one run: what the storage did against what arrived, and one page that shows it."""

from fsxn_runtime.report.core import verify
from fsxn_runtime.report.ledger import parse_arrivals, parse_ledger
from fsxn_runtime.report.model import Evidence, Verification, Work
from fsxn_runtime.report.page import render
from fsxn_runtime.report.store import Place, Reader, queue_depths
from fsxn_runtime.report.text import lines

__all__ = [
    "Evidence",
    "Place",
    "Reader",
    "Verification",
    "Work",
    "lines",
    "parse_arrivals",
    "parse_ledger",
    "queue_depths",
    "render",
    "verify",
]
