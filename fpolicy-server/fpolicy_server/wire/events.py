"""What the connection core tells its caller, in the order in which the peer made it happen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple

from fpolicy_server.wire.messages import FileNotification, Handshake


class Outcome(Enum):
    """What became of one token. A token that is not resolved counts as not delivered."""

    DELIVERED = "delivered"  # the queue accepted it
    QUARANTINED = "quarantined"  # kept elsewhere with its bytes and the reason
    FILTERED = "filtered"  # left out on purpose, with a counted reason
    FAILED = "failed"  # given up at the shutdown deadline


@dataclass(frozen=True, slots=True)
class HandshakeReceived:
    """The node introduced itself. Answer with `accept`, or close."""

    handshake: Handshake
    version: str  # the one that `accept` will agree to


class NotificationReceived(NamedTuple):
    """One file operation. It is ours until `resolve(token, ...)`; `payload` is what the node sent."""

    token: int
    notification: FileNotification
    payload: bytes


@dataclass(frozen=True, slots=True)
class UndecodableReceived:
    """A sound frame whose content cannot be read, perhaps a file operation: to be kept with its bytes."""

    token: int
    payload: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class AlertReceived:
    """The node complains about us."""

    severity: str
    text: str


@dataclass(frozen=True, slots=True)
class VolumeChanged:
    """The namespace changed: what is known about this volume may be old."""

    volume_msid: int
    action: str


@dataclass(frozen=True, slots=True)
class RequestCancelled:
    """The node no longer waits for this request. `was_waiting`: it had no answer yet, and gets none."""

    request_id: int
    reason: str
    was_waiting: bool


@dataclass(frozen=True, slots=True)
class StatusQueried:
    """The node asked for a request, and was told whether it is being worked on."""

    request_id: int
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class OutageReported:
    """The node names a file of notifications that it kept during an outage, or says that it named all."""

    path: str
    policy_name: str
    is_done: bool


class IgnoreReason(StrEnum):
    """Why a message has no effect."""

    KEEP_ALIVE = "keep_alive"
    UNKNOWN_TYPE = "unknown_type"
    REPEATED_HANDSHAKE = "repeated_handshake"
    WRONG_DIRECTION = "wrong_direction"
    NOT_ASYNCHRONOUS = "not_asynchronous"  # belongs to synchronous engines
    UNDECODABLE = "undecodable"  # a message that carries no file operation


@dataclass(frozen=True, slots=True)
class MessageIgnored:
    """A message that needs no action. `raw_type` is the peer's text."""

    raw_type: str
    reason: IgnoreReason


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The node ended the stream after a whole frame; nothing more comes."""


Event = (
    HandshakeReceived
    | NotificationReceived
    | UndecodableReceived
    | AlertReceived
    | VolumeChanged
    | RequestCancelled
    | StatusQueried
    | OutageReported
    | MessageIgnored
    | PeerClosed
)
