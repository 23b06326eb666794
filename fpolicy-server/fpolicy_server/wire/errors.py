"""The two ways in which a connection can go wrong.

FsxnError
├── RejectedError
│   └── PeerError    they broke the protocol: close this connection, count `code`
└── LocalError       we misused the core: a defect of this program

`PeerError.code` is one of `PEER_ERROR_CODES`; it becomes the dimension of a metric.
"""

from __future__ import annotations

from typing import ClassVar, Final

from fsxn_runtime.errors import FsxnError, RejectedError

PEER_ERROR_CODES: Final = frozenset(
    {
        "bad_frame",
        "frame_too_large",
        "truncated_frame",
        "connection_reset",
        "tls_failed",
        "protobuf_unmapped",
        "bad_handshake",
        "message_before_handshake",
        "no_common_version",
        "handshake_timeout",
        "read_timeout",
        "answers_unread",
    }
)

# No byte was wrong: a node that lost its host or its way says nothing, or is cut off.
UNBROKEN_CODES: Final = frozenset({"handshake_timeout", "read_timeout", "connection_reset"})


class PeerError(RejectedError):
    """The peer broke the protocol or fell silent; the connection is FAILED."""

    def __init__(self, message: str, *, code: str) -> None:
        assert code in PEER_ERROR_CODES
        super().__init__(message, code=code)


class LocalError(FsxnError):
    """The caller used the core in a way that its state does not allow."""

    default_code: ClassVar[str] = "local_misuse"
