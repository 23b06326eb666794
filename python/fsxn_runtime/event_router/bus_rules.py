"""What PutEvents takes and what its answers mean. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from fsxn_runtime.event_router.model import Answer, Entry
from fsxn_runtime.events import DETAIL_TYPE, EVENT_SOURCE

# PutEvents takes 10 entries and refuses from 1 MB on (EventBridge API reference and user guide, "Calculating
# PutEvents event entry size"). The guide does not say whether the limit counts one entry or the request, nor
# which megabyte; this is the smaller one, and it is kept for the request too.
MAX_ENTRIES: Final = 10
MAX_REQUEST_BYTES: Final = 1_000_000 - 1
ENVELOPE_BYTES: Final = len(EVENT_SOURCE) + len(DETAIL_TYPE)  # counted with each entry; both are ASCII

# Error codes of single entries (EventBridge user guide, "Handling failures with PutEvents"). Content errors
# stay, however often one sends. Access and addressing errors are in neither set: a person can repair
# those, and the message must then still exist.
CONTENT_ERRORS: Final = frozenset({"InvalidArgument", "MalformedDetail"})
BUSY_ERRORS: Final = frozenset({"InternalException", "InternalFailure", "ThrottlingException"})


def batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Cut entries into requests that PutEvents takes, in order."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == MAX_ENTRIES or size + entry.size_bytes > MAX_REQUEST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size_bytes
    if batch:
        yield batch


def judge(error_code: str) -> Answer:
    """Say what the error code of one entry means; "" is acceptance."""
    if not error_code:
        return Answer.ACCEPTED
    if error_code in CONTENT_ERRORS:
        return Answer.REFUSED
    return Answer.BUSY if error_code in BUSY_ERRORS else Answer.MISCONFIGURED
