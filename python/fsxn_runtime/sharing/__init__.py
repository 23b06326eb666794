"""What leaves the account: which fields as they are, which hashed, which not, and in which formats."""

from fsxn_runtime.sharing.classes import FILE_EVENT, LINEAGE_RECORD, FieldClass, for_outside
from fsxn_runtime.sharing.openlineage import Names, run_events

__all__ = ["FILE_EVENT", "LINEAGE_RECORD", "FieldClass", "Names", "for_outside", "run_events"]
