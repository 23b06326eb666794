"""What goes to the quarantine queue: the bytes, and why they could not go where they belong. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Final

# In base64 this makes 700 KB, which leaves room for the rest of a message of 1 MiB.
MAX_PAYLOAD_BYTES: Final = 512 * 1024


def quarantine_body(*, id: str, reason: str, detail: str, payload: bytes) -> bytes:  # noqa: A002
    """Write one quarantine message. A payload over 512 KiB is cut; its size and hash stay true."""
    record = {
        "schema_version": "1.0",
        "source": "fpolicy-server",
        "reason": reason,
        "detail": detail[:1000],
        "event_id": id,
        "payload_size": len(payload),
        "payload_sha256": hashlib.sha256(payload).hexdigest(),
        "payload_truncated": len(payload) > MAX_PAYLOAD_BYTES,
        "payload_base64": base64.b64encode(payload[:MAX_PAYLOAD_BYTES]).decode(),
    }
    return json.dumps(record, separators=(",", ":")).encode()
