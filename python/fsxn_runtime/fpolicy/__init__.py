"""FPolicy: keeping ONTAP pointed at the servers that run."""

from fsxn_runtime.fpolicy.clients import Prober, Tasks
from fsxn_runtime.fpolicy.ontap_side import CALL_SECONDS, Ontap
from fsxn_runtime.fpolicy.sight import status
from fsxn_runtime.fpolicy.store import Logins, Memory

__all__ = ["CALL_SECONDS", "Logins", "Memory", "Ontap", "Prober", "Tasks", "status"]
