"""ONTAP's REST interface over verified TLS: one client for rotation, canary, reconciler and expansion."""

from fsxn_runtime.ontap.client import OntapClient, connect, settled
from fsxn_runtime.ontap.paths import path
from fsxn_runtime.ontap.refusals import MAX_TRIES, REFUSE_SECONDS, Refusals
from fsxn_runtime.ontap.secret import OntapSecret, pin_of
from fsxn_runtime.ontap.trust import presented_certificate

__all__ = [
    "MAX_TRIES",
    "REFUSE_SECONDS",
    "OntapClient",
    "OntapSecret",
    "Refusals",
    "connect",
    "path",
    "pin_of",
    "presented_certificate",
    "settled",
]
