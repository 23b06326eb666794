"""The FPolicy protocol without input and output: bytes in, events out, bytes to send (docs/wire)."""

from __future__ import annotations

from fpolicy_server.wire.connection import VERSIONS, Connection
from fpolicy_server.wire.errors import PEER_ERROR_CODES, UNBROKEN_CODES, LocalError, PeerError
from fpolicy_server.wire.events import (
    AlertReceived,
    Event,
    HandshakeReceived,
    IgnoreReason,
    MessageIgnored,
    NotificationReceived,
    OutageReported,
    Outcome,
    PeerClosed,
    RequestCancelled,
    StatusQueried,
    UndecodableReceived,
    VolumeChanged,
)
from fpolicy_server.wire.field_map import FieldMap, field_map_from_json
from fpolicy_server.wire.framings import FramingMode
from fpolicy_server.wire.messages import FileNotification, Handshake, MessageType, Paths, UserId
from fpolicy_server.wire.requests import ALLOW, DENY, HIGHEST_ANSWER, Requests
from fpolicy_server.wire.states import State

__all__ = [
    "ALLOW",
    "DENY",
    "HIGHEST_ANSWER",
    "PEER_ERROR_CODES",
    "UNBROKEN_CODES",
    "VERSIONS",
    "AlertReceived",
    "Connection",
    "Event",
    "FieldMap",
    "FileNotification",
    "FramingMode",
    "Handshake",
    "HandshakeReceived",
    "IgnoreReason",
    "LocalError",
    "MessageIgnored",
    "MessageType",
    "NotificationReceived",
    "OutageReported",
    "Outcome",
    "Paths",
    "PeerClosed",
    "PeerError",
    "RequestCancelled",
    "Requests",
    "State",
    "StatusQueried",
    "UndecodableReceived",
    "UserId",
    "VolumeChanged",
    "field_map_from_json",
]
