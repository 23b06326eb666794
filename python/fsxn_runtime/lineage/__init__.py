"""Lineage: which file was processed, when, by what, into what."""

from fsxn_runtime.lineage.model import LineageRecord, LineageStatus, RecordResult, RetentionProfile
from fsxn_runtime.lineage.settings import LineageSettings
from fsxn_runtime.lineage.store import LineageStore
from fsxn_runtime.lineage.tracker import LineageTracker

__all__ = [
    "LineageRecord",
    "LineageSettings",
    "LineageStatus",
    "LineageStore",
    "LineageTracker",
    "RecordResult",
    "RetentionProfile",
]
