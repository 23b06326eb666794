"""The states of one connection, as a table. docs/wire/states.md is drawn from it (tools/draw_wire_states.py).

What is not in the table is a protocol error when the peer causes it, and misuse when we do.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """Where a connection stands."""

    __hash__ = str.__hash__  # Enum's own is written in Python, and these are looked up for every message

    NEW = "NEW"  # nothing read yet
    NEGOTIATED = "NEGOTIATED"  # the node's handshake is read, ours is not sent
    ACTIVE = "ACTIVE"  # notifications flow
    DRAINING = "DRAINING"  # we want to end; what the node still sends is taken
    CLOSED = "CLOSED"  # ended in order
    FAILED = "FAILED"  # ended by an error


class Input(StrEnum):
    """What can happen to a connection."""

    __hash__ = str.__hash__

    HANDSHAKE = "handshake request"
    MESSAGE = "any other message"
    EOF = "end of the stream"
    ERROR = "protocol error or time-out"
    ACCEPT = "we answer the handshake"
    DRAIN = "we start draining"
    CLOSE = "we close"


BY_PEER: Final = frozenset({Input.HANDSHAKE, Input.MESSAGE, Input.EOF, Input.ERROR})

TRANSITIONS: Final[Mapping[tuple[State, Input], State]] = MappingProxyType(
    {
        (State.NEW, Input.HANDSHAKE): State.NEGOTIATED,
        (State.NEW, Input.EOF): State.CLOSED,
        # Before the handshake is answered a node has sent no notification, so there is nothing to drain.
        (State.NEW, Input.DRAIN): State.CLOSED,
        (State.NEGOTIATED, Input.ACCEPT): State.ACTIVE,
        (State.NEGOTIATED, Input.EOF): State.CLOSED,
        (State.NEGOTIATED, Input.DRAIN): State.CLOSED,
        # A second handshake request is dropped and counted, as the vendor's sample server does.
        (State.ACTIVE, Input.HANDSHAKE): State.ACTIVE,
        (State.ACTIVE, Input.MESSAGE): State.ACTIVE,
        (State.ACTIVE, Input.EOF): State.CLOSED,
        (State.ACTIVE, Input.DRAIN): State.DRAINING,
        (State.DRAINING, Input.HANDSHAKE): State.DRAINING,
        (State.DRAINING, Input.MESSAGE): State.DRAINING,
        (State.DRAINING, Input.EOF): State.CLOSED,
        (State.DRAINING, Input.DRAIN): State.DRAINING,
        (State.CLOSED, Input.EOF): State.CLOSED,
        (State.CLOSED, Input.DRAIN): State.CLOSED,
        (State.FAILED, Input.EOF): State.FAILED,
        (State.FAILED, Input.DRAIN): State.FAILED,
        (State.FAILED, Input.CLOSE): State.FAILED,
        **{(state, Input.ERROR): State.FAILED for state in State},
        **{(state, Input.CLOSE): State.CLOSED for state in State if state is not State.FAILED},
    }
)


@cache  # asked for every message
def after(state: State, happening: Input) -> State | None:
    """Give the next state. What a peer may not do leads to FAILED; None means that we may not do it."""
    default = State.FAILED if happening in BY_PEER else None
    return TRANSITIONS.get((state, happening), default)
