"""Lineage: which file was processed, when, by what, into what."""

from fsxn_runtime.lineage.model import LineageRecord, LineageStatus, RecordResult, RetentionProfile
from fsxn_runtime.lineage.recording import Recording
from fsxn_runtime.lineage.settings import LineageSettings
from fsxn_runtime.lineage.store import MAX_PAGE, LineageStore, Page, Records
from fsxn_runtime.lineage.tracing import Edge, Trace, trace
from fsxn_runtime.lineage.tracker import LineageTracker

__all__ = [
    "MAX_PAGE",
    "Edge",
    "LineageRecord",
    "LineageSettings",
    "LineageStatus",
    "LineageStore",
    "LineageTracker",
    "Page",
    "RecordResult",
    "Recording",
    "Records",
    "RetentionProfile",
    "Trace",
    "trace",
]
