"""From events to the queue: bounded, batched, retried for ever; the refused to quarantine, overflow to disk.


Knows nothing of connections or of the FPolicy protocol.
"""

from __future__ import annotations

from fpolicy_server.delivery.accounting import Accounting
from fpolicy_server.delivery.lane import Delivery
from fpolicy_server.delivery.parcel import Fate, Parcel
from fpolicy_server.delivery.service import SqsService, sqs_service
from fpolicy_server.delivery.spool import Owner, Spool
from fpolicy_server.delivery.sqs import SqsQueue

__all__ = [
    "Accounting", "Delivery", "Fate", "Owner", "Parcel", "Spool", "SqsQueue", "SqsService", "sqs_service",
]  # fmt: skip
