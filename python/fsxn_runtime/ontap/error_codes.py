"""ONTAP's error codes and HTTP statuses, and the error that each one is for the caller. Data only.

A code decides before the status. What is not here goes by its status; what endpoints say besides, callers
read from `ontap_code`. The marks are those of the ONTAP REST reference: [docs] read in NetApp's
documentation, [docs*] as commonly known and not read again, [field] seen on a real system.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from fsxn_runtime.ontap.errors import (
    OntapConflictError,
    OntapError,
    OntapForbiddenError,
    OntapMisconfiguredError,
    OntapNotFoundError,
    OntapRejectedError,
    OntapTransientError,
)

BY_STATUS: Final[Mapping[int, type[OntapError]]] = MappingProxyType(
    {
        400: OntapRejectedError,  # [docs] 4
        401: OntapForbiddenError,  # [field] 1: the role's; of credentials see credentials.py
        403: OntapForbiddenError,  # [docs] 4
        404: OntapNotFoundError,  # [docs] 4
        405: OntapRejectedError,  # [docs] 4
        409: OntapConflictError,  # [docs] 4
        429: OntapTransientError,  # [client] 4
        500: OntapTransientError,  # [docs] 4
        503: OntapTransientError,  # [client] 4
    }
)

BY_CODE: Final[Mapping[str, type[OntapError]]] = MappingProxyType(
    {
        # general (4.1)
        "1": OntapConflictError,  # [docs] entry exists
        "2": OntapRejectedError,  # [docs] a field is invalid, missing or extra
        "3": OntapRejectedError,  # [docs] operation not supported
        "4": OntapNotFoundError,  # [docs] entry not found, with 404 or 405
        "6": OntapForbiddenError,  # [docs] permission denied
        "8": OntapConflictError,  # [docs] resource is in use
        "262179": OntapRejectedError,  # [docs*] unexpected argument
        "262186": OntapRejectedError,  # [docs*] value out of range
        "262188": OntapRejectedError,  # [docs*] field given twice
        "262196": OntapRejectedError,  # [docs*] field cannot be set in this operation
        "262197": OntapRejectedError,  # [docs*] invalid value for field
        "262198": OntapRejectedError,  # [docs*] body not allowed
        "262199": OntapRejectedError,  # [docs*] malformed JSON
        "262200": OntapRejectedError,  # [docs*] malformed JSON
        "262201": OntapRejectedError,  # [docs*] malformed JSON
        "262220": OntapRejectedError,  # [docs*] fields=* not allowed on /api/cluster
        "262254": OntapRejectedError,  # [docs*] parameter not supported on an SVM
        "65541": OntapTransientError,  # [docs*] internal RPC time-out
        "65552": OntapTransientError,  # [docs*] internal RPC failure
        "65562": OntapTransientError,  # [docs*] internal RPC failure
        "39387137": OntapRejectedError,  # [docs*] bad UUID
        "39387250": OntapRejectedError,  # [docs*] bad UUID
        # accounts and passwords (9.2)
        "7077896": OntapRejectedError,  # [docs*] cannot lock the last administrator
        "7077906": OntapMisconfiguredError,  # [docs*] role does not exist
        "7077911": OntapMisconfiguredError,  # [docs*] account has no password authentication
        "7077918": OntapRejectedError,  # [docs] password contains the user name
        "7077919": OntapRejectedError,  # [docs] password too short
        "7077920": OntapRejectedError,  # [docs] password needs letters and numbers
        "7077921": OntapRejectedError,  # [docs] password needs more special characters
        "7077924": OntapRejectedError,  # [docs*] password was one of the last ones
        "7077925": OntapRejectedError,  # [docs*] password is the old one
        "7077940": OntapRejectedError,  # [docs] password too long
        "7077941": OntapRejectedError,  # [docs] composition exceeds the maximum length
        # FPolicy (13.1 to 13.5)
        "9764886": OntapForbiddenError,  # [docs] engine belongs to the cluster
        "9764898": OntapRejectedError,  # [docs*] policy without scope
        "9764900": OntapForbiddenError,  # [docs] policy belongs to the cluster
        "9764907": OntapConflictError,  # [docs*] policy is already disabled
        "9764908": OntapConflictError,  # [docs*] policy is already enabled
        "9764922": OntapRejectedError,  # [docs] one address as primary and secondary server
        "9764941": OntapConflictError,  # [docs] an enabled policy cannot be deleted
        "9764942": OntapConflictError,  # [docs] engine is used by an enabled policy
        "9764954": OntapRejectedError,  # [docs] no such server in the engine
        "9765025": OntapRejectedError,  # [docs*] priority given while disabling
        "9765026": OntapRejectedError,  # [docs*] priority needed to enable
        "9765027": OntapConflictError,  # [docs*] created but not enabled, the priority is taken
        "9765029": OntapConflictError,  # [docs*] modified but not enabled or disabled
        "9765030": OntapConflictError,  # [docs] a policy is enabled
        "9765031": OntapConflictError,  # [docs] deleted in part
        "9765036": OntapConflictError,  # [docs*] an enabled policy cannot be modified
        "9765037": OntapConflictError,  # [docs*] created but without its scope
    }
)

# The change was done in part: whoever gets one of these must look (13.4). `settled` in client.py does.
PARTIAL_CODES: Final = frozenset({"9765027", "9765029", "9765031", "9765037"})
