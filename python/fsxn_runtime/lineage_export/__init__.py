"""The export of lineage: hours in S3 that cannot be changed unnoticed, and the proof of it."""

from fsxn_runtime.lineage_export.core import begin_of, hour_of, lag_seconds, next_hour
from fsxn_runtime.lineage_export.model import Verification
from fsxn_runtime.lineage_export.signatures import PublicKey, public_key
from fsxn_runtime.lineage_export.store import Archive, ExportTable, Rows, Signer
from fsxn_runtime.lineage_export.verifier import Verifier

__all__ = [
    "Archive",
    "ExportTable",
    "PublicKey",
    "Rows",
    "Signer",
    "Verification",
    "Verifier",
    "begin_of",
    "hour_of",
    "lag_seconds",
    "next_hour",
    "public_key",
]
