"""Why a spool cannot be used. `code` is the metric's reason, from the bounded set written here.

SpoolUnavailableError  full, disk_full, owned_elsewhere, io_failed: try again later
SpoolDamagedError      damaged, unknown_format: set the file aside, go on with another
SpoolLostError         lost: another process took the folder; it is no longer ours
"""

from __future__ import annotations

from fsxn_runtime.errors import ConflictError, RejectedError, TransientError


class SpoolUnavailableError(TransientError):
    """Nothing can be written or read now."""


class SpoolDamagedError(RejectedError):
    """The file is no spool that we understand, and stays so."""


class SpoolLostError(ConflictError):
    """The folder belongs to somebody else by now."""
