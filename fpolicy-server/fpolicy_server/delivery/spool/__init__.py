"""The overflow on disk: used when memory passes its high-water mark, drained when the queue takes events.

`file` is one SQLite file, `folder` says whose it is, `spool` moves events between them and memory.
"""

from __future__ import annotations

from fpolicy_server.delivery.spool.folder import Owner
from fpolicy_server.delivery.spool.spool import Spool

__all__ = ["Owner", "Spool"]
