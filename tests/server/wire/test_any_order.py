"""Whatever is done to a connection in whatever order: the table says what follows, or it fails closed."""

from __future__ import annotations

from collections.abc import Callable

from fpolicy_server.wire import (
    Connection,
    HandshakeReceived,
    LocalError,
    MessageIgnored,
    NotificationReceived,
    Outcome,
    PeerClosed,
    PeerError,
    State,
    UndecodableReceived,
)
from fpolicy_server.wire.states import Input, after
from hypothesis import example, given
from hypothesis import strategies as st

from tests.server.frames import handshake, message, notification

# What a peer sends, whole and one at a time, and what it is to the table.
MESSAGES: dict[str, tuple[bytes, Input]] = {
    "handshake": (handshake(), Input.HANDSHAKE),
    "no version of ours": (handshake("9.9"), Input.ERROR),
    "notification": (notification(), Input.MESSAGE),
    "keep-alive": (message("KEEP_ALIVE", b""), Input.MESSAGE),
    "unreadable": (message("SCREEN_REQ", b"<FscreenReq/>"), Input.MESSAGE),
    "unknown": (message("NEWS", b""), Input.MESSAGE),
    "garbage": (b"GET / HTTP/1.1", Input.ERROR),
}
OURS: dict[str, tuple[Callable[[Connection], object], Input]] = {
    "accept": (Connection.accept, Input.ACCEPT),
    "drain": (Connection.drain, Input.DRAIN),
    "close": (Connection.close, Input.CLOSE),
}
NAMES = [*MESSAGES, *OURS, "end", "reset", "apply", "remove", "silence"]
beginnings: st.SearchStrategy[list[str]] = st.sampled_from([[], ["handshake"], ["handshake", "accept"]])
steps = st.tuples(beginnings, st.lists(st.sampled_from(NAMES), max_size=10)).map(
    lambda both: both[0] + both[1]
)


@given(steps, st.booleans())
@example(["handshake", "accept", "notification", "drain", "notification", "end"], False)
@example(["handshake", "accept", "garbage", "notification", "close"], True)
def test_every_input_in_every_state_is_as_the_table_says_or_fails(
    names: list[str], is_synchronous: bool
) -> None:
    """After each step the state is the table's; a failed connection says and takes nothing more.

    A second version that is not ours is only a repeated handshake, and misuse of ours changes nothing.
    """
    connection = Connection(
        max_frame_bytes=64 * 1024, handshake_timeout_seconds=5, read_timeout_seconds=300,
        answer_deadline_seconds=5.0 if is_synchronous else None,
    )  # fmt: skip
    tokens, now = list[int](), 0.0
    connection.tick(now)
    for name in names:
        before = connection.state
        try:
            if name in MESSAGES:
                happening = MESSAGES[name][1]
                if name == "no version of ours" and before in (State.ACTIVE, State.DRAINING):
                    happening = Input.HANDSHAKE
                connection.receive_data(MESSAGES[name][0])
            elif name == "end":
                happening = Input.EOF
                connection.receive_eof()
            elif name == "reset":
                happening = Input.ERROR
                connection.receive_reset("by peer")
            elif name in OURS:
                call, happening = OURS[name]
                call(connection)
            else:
                now = _other(connection, name, now)
                continue
            while before not in (State.CLOSED, State.FAILED, State.NEGOTIATED):
                event = connection.next_event()
                if event is None:
                    break
                assert isinstance(
                    event,
                    HandshakeReceived
                    | NotificationReceived
                    | UndecodableReceived
                    | MessageIgnored
                    | PeerClosed,
                )
                if isinstance(event, NotificationReceived | UndecodableReceived):
                    tokens.append(event.token)
                if connection.state is not before:
                    break
        except PeerError:
            assert connection.state is State.FAILED
            assert after(before, happening) is State.FAILED
            continue
        except LocalError:
            assert connection.state is before
            continue
        if before is State.NEGOTIATED and name not in OURS:
            assert connection.state is before  # nothing is read before we answer
            return
        if before in (State.CLOSED, State.FAILED):
            assert connection.next_event() is None
            assert connection.state in (before, after(before, happening))
        else:
            assert connection.state is after(before, happening)
    assert len(tokens) == len(set(tokens)) == connection.unresolved_count
    for token in tokens:
        connection.resolve(token, Outcome.DELIVERED)
    assert connection.unresolved_count == 0


def _other(connection: Connection, name: str, now: float) -> float:
    """What has no place in the table: back pressure, and time."""
    before = connection.state
    try:
        if name == "silence":
            now += 400
            connection.tick(now)
        elif name == "apply":
            connection.apply_back_pressure()
        else:
            connection.remove_back_pressure()
    except PeerError:
        assert connection.state is State.FAILED
        assert before in (State.NEW, State.ACTIVE)
    except LocalError:
        assert connection.state is before
    return now
