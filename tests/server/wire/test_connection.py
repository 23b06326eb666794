from __future__ import annotations

import itertools

import pytest
from fpolicy_server.wire import (
    AlertReceived,
    Connection,
    Event,
    HandshakeReceived,
    IgnoreReason,
    LocalError,
    MessageIgnored,
    NotificationReceived,
    Outcome,
    PeerClosed,
    PeerError,
    State,
    UndecodableReceived,
    VolumeChanged,
)
from hypothesis import example, given
from hypothesis import strategies as st

from tests.server.frames import MSID, frame, golden, handshake, message, notification

LIMIT = 64 * 1024


def new_connection(limit: int = LIMIT) -> Connection:
    return Connection(max_frame_bytes=limit, handshake_timeout_seconds=5, read_timeout_seconds=300)


def active(*versions: str, limit: int = LIMIT) -> Connection:
    connection = new_connection(limit)
    connection.receive_data(handshake(*versions))
    assert isinstance(connection.next_event(), HandshakeReceived)
    connection.accept()
    connection.data_to_send()
    return connection


def events_of(connection: Connection, *chunks: bytes, eof: bool = False) -> list[Event]:
    """Feed and take everything, accepting a handshake as it comes."""
    events: list[Event] = []
    for chunk in chunks:
        connection.receive_data(chunk)
        take(connection, events)
    if eof:
        connection.receive_eof()
        take(connection, events)
    return events


def take(connection: Connection, events: list[Event]) -> None:
    while (event := connection.next_event()) is not None:
        events.append(event)
        if isinstance(event, HandshakeReceived):
            connection.accept()


def failure(connection: Connection, *chunks: bytes, eof: bool = False) -> str:
    with pytest.raises(PeerError) as caught:
        events_of(connection, *chunks, eof=eof)
    assert connection.state is State.FAILED
    assert connection.next_event() is None
    return caught.value.code


def test_the_golden_conversation() -> None:
    connection = new_connection()
    names = [
        "handshake_request",
        "nfs_create",
        "keep_alive",
        "nfs_write",
        "nfs_rename",
        "smb_create",
        "alert",
    ]
    events = events_of(connection, b"".join(golden(name) for name in names), eof=True)
    assert connection.data_to_send() == golden("handshake_response")
    assert [type(event) for event in events] == [
        HandshakeReceived,
        NotificationReceived,
        MessageIgnored,
        NotificationReceived,
        NotificationReceived,
        NotificationReceived,
        AlertReceived,
        PeerClosed,
    ]
    assert connection.state is State.CLOSED
    assert connection.wrong_content_lengths == 0


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["1.0"], "1.0"),
        (["1.0", "1.1"], "1.1"),
        (["1.2", "1.0"], "1.2"),
        (["1.0", "1.1", "1.2", "2.0"], "2.0"),
        (["3.0", "1.1"], "1.1"),
    ],
)
def test_the_highest_common_version_is_chosen(offered: list[str], chosen: str) -> None:
    assert active(*offered).version == chosen


def test_without_a_common_version_the_connection_fails_unanswered() -> None:
    connection = new_connection()
    assert failure(connection, handshake("0.9", "3.0")) == "no_common_version"
    assert connection.data_to_send() == b""


def test_a_message_before_the_handshake_fails() -> None:
    assert failure(new_connection(), notification()) == "message_before_handshake"
    assert failure(new_connection(), frame(b"hello")) == "message_before_handshake"
    assert failure(new_connection(), message("WHAT", b"")) == "message_before_handshake"


def test_a_handshake_without_names_fails() -> None:
    assert failure(new_connection(), handshake(policy="")) == "bad_handshake"


def test_nothing_is_read_before_we_answer_the_handshake() -> None:
    connection = new_connection()
    connection.receive_data(handshake() + notification(5))
    assert isinstance(connection.next_event(), HandshakeReceived)
    assert connection.next_event() is None
    connection.accept()
    event = connection.next_event()
    assert isinstance(event, NotificationReceived) and event.notification.request_id == 5


def test_a_malformed_frame_fails_after_what_came_before_it() -> None:
    connection = active()
    connection.receive_data(notification(1) + b"garbage")
    assert isinstance(connection.next_event(), NotificationReceived)
    with pytest.raises(PeerError):
        connection.next_event()
    assert connection.state is State.FAILED


@pytest.mark.parametrize("rest", [b"", notification()[:-1]])
def test_a_reset_gives_the_whole_frames_and_then_fails(rest: bytes) -> None:
    connection = active()
    connection.receive_data(notification() + rest)
    connection.receive_reset("by peer")
    assert isinstance(connection.next_event(), NotificationReceived)
    with pytest.raises(PeerError, match="by peer") as caught:
        connection.next_event()
    assert (caught.value.code, connection.state) == ("connection_reset", State.FAILED)


def test_a_stream_that_ends_within_a_frame_fails_and_says_so() -> None:
    assert failure(active(), notification()[:-1], eof=True) == "truncated_frame"


def test_whole_frames_before_the_end_are_given_out_first() -> None:
    connection = active()
    connection.receive_data(notification(1) + notification(2))
    connection.receive_eof()
    kinds = [type(connection.next_event()) for _ in range(4)]
    assert kinds == [NotificationReceived, NotificationReceived, PeerClosed, type(None)]


@pytest.mark.parametrize(
    "data",
    [
        message("SCREEN_REQ", b"<FscreenReq><ReqId>1</Req"),
        message("SCREEN_REQ", b"<FscreenReq/>"),
        message("SCREEN_REQ", b""),
        frame(b"no header at all"),
        frame(b"\0"),
    ],
)
def test_a_sound_frame_that_cannot_be_read_is_ours_to_keep_with_its_bytes(data: bytes) -> None:
    connection = active()
    (event,) = events_of(connection, data)
    assert isinstance(event, UndecodableReceived)
    assert event.payload == data[6:] and event.reason
    assert connection.unresolved_count == 1
    assert len(events_of(connection, notification())) == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (golden("keep_alive"), IgnoreReason.KEEP_ALIVE),
        (frame(golden("keep_alive")[6:-3]), IgnoreReason.KEEP_ALIVE),
        (message("KEEP_ALIVE_REQ", b"<Anything/>"), IgnoreReason.KEEP_ALIVE),
        (message("NOVELTY", b"<N/>"), IgnoreReason.UNKNOWN_TYPE),
        (golden("handshake_request"), IgnoreReason.REPEATED_HANDSHAKE),
        (golden("handshake_response"), IgnoreReason.WRONG_DIRECTION),
        (golden("apply_back_pressure"), IgnoreReason.WRONG_DIRECTION),
        (golden("cancel"), IgnoreReason.NOT_ASYNCHRONOUS),
        (golden("status_query"), IgnoreReason.NOT_ASYNCHRONOUS),
        (message("OUTAGE_MSG", b"<Out"), IgnoreReason.UNDECODABLE),
        (message("ALERT_MSG", b"<Alert"), IgnoreReason.UNDECODABLE),
        (message("VOL_NOTFICATION", b"<VolNotf/>"), IgnoreReason.UNDECODABLE),
    ],
)
def test_messages_without_effect_are_counted_and_not_answered(data: bytes, reason: IgnoreReason) -> None:
    connection = active()
    (event,) = events_of(connection, data)
    assert isinstance(event, MessageIgnored) and event.reason is reason
    assert connection.data_to_send() == b""
    assert connection.state is State.ACTIVE


def test_a_volume_notification_is_told() -> None:
    assert events_of(active(), golden("volume_notification")) == [VolumeChanged(MSID, "UNMOUNT")]


def test_a_wrong_content_length_is_tolerated_and_counted() -> None:
    connection = active()
    data = notification().replace(b"<ContentLen>", b"<ContentLen>1")
    data = frame(data[6:])
    assert isinstance(events_of(connection, data)[0], NotificationReceived)
    assert connection.wrong_content_lengths == 1


def test_back_pressure_is_sent_once_each_way() -> None:
    connection = active()
    connection.apply_back_pressure()
    connection.apply_back_pressure()
    assert connection.data_to_send() == golden("apply_back_pressure")
    connection.remove_back_pressure()
    connection.remove_back_pressure()
    assert connection.data_to_send() == golden("remove_back_pressure")


def test_draining_asks_to_pause_and_keeps_taking() -> None:
    connection = active()
    connection.drain()
    assert connection.data_to_send() == golden("apply_back_pressure")
    events = events_of(connection, golden("handshake_request") + notification())
    assert [type(event) for event in events] == [MessageIgnored, NotificationReceived]
    connection.remove_back_pressure()
    connection.drain()
    assert connection.data_to_send() == b""
    assert connection.state is State.DRAINING


def test_draining_before_the_handshake_ends_at_once() -> None:
    connection = new_connection()
    connection.drain()
    assert connection.state is State.CLOSED


def test_misuse_is_told_apart_from_what_a_peer_does() -> None:
    connection = new_connection()
    with pytest.raises(LocalError):
        connection.accept()
    with pytest.raises(LocalError):
        connection.apply_back_pressure()
    with pytest.raises(LocalError):
        connection.resolve(1, Outcome.DELIVERED)
    connection.receive_eof()
    with pytest.raises(LocalError):
        connection.receive_data(b"x")


def test_a_token_is_resolved_once_also_after_the_end() -> None:
    connection = active()
    first, second = events_of(connection, notification(1) + notification(2))
    assert isinstance(first, NotificationReceived) and isinstance(second, NotificationReceived)
    connection.resolve(first.token, Outcome.DELIVERED)
    with pytest.raises(LocalError):
        connection.resolve(first.token, Outcome.DELIVERED)
    connection.close()
    assert connection.state is State.CLOSED
    connection.resolve(second.token, Outcome.FAILED)
    assert connection.unresolved_count == 0


def test_a_node_that_does_not_introduce_itself_in_time_fails() -> None:
    connection = new_connection()
    connection.tick(100.0)
    connection.receive_data(handshake()[:10])
    connection.tick(105.0)
    with pytest.raises(PeerError) as caught:
        connection.tick(105.1)
    assert (caught.value.code, connection.state) == ("handshake_timeout", State.FAILED)


def test_a_silent_node_fails_and_a_keep_alive_prevents_it() -> None:
    connection = active()
    connection.tick(0.0)
    events_of(connection, golden("keep_alive"))
    connection.tick(250.0)
    connection.tick(550.0)
    with pytest.raises(PeerError) as caught:
        connection.tick(550.1)
    assert caught.value.code == "read_timeout"


def test_silence_while_we_do_not_read_is_not_held_against_the_node() -> None:
    connection = active()
    connection.tick(0.0)
    connection.tick(1000.0, is_reading=False)
    connection.tick(1299.0)
    assert connection.state is State.ACTIVE


messages_of_any_kind = st.one_of(
    st.builds(
        lambda name, number: notification(
            number, path=b"/" + name.replace(b"<", b"").replace(b"&", b""), raw=True
        ),
        st.binary(max_size=20),
        st.integers(0, 2**64 - 1),
    ),
    st.sampled_from(
        [golden("keep_alive"), golden("alert"), golden("smb_create"), golden("nfs_rename"), frame(b"?")]
    ),
    st.binary(min_size=1, max_size=40).map(frame),
)


@given(st.lists(messages_of_any_kind, max_size=6), st.data())
def test_how_the_stream_is_cut_never_changes_the_events(parts: list[bytes], data: st.DataObject) -> None:
    stream = handshake() + b"".join(parts)
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    edges = [0, *places, len(stream)]
    chunks = [stream[begin:end] for begin, end in itertools.pairwise(edges)]
    assert events_of(new_connection(), *chunks, eof=True) == events_of(new_connection(), stream, eof=True)


def test_one_byte_at_a_time_gives_the_same_events() -> None:
    stream = golden("handshake_request") + golden("smb_create") + golden("keep_alive")
    bytewise = [stream[place : place + 1] for place in range(len(stream))]
    assert events_of(new_connection(), *bytewise) == events_of(new_connection(), stream)


@given(st.lists(st.binary(max_size=200) | messages_of_any_kind, max_size=8), st.booleans(), st.booleans())
@example([b'"\x00\x00\x00\x22"' + b'"' * 34], True, True)
def test_any_bytes_give_events_or_a_peer_error_and_bounded_memory(
    chunks: list[bytes], begins_well: bool, eof: bool
) -> None:
    """After a PeerError the state is FAILED, and every token that was given out can be resolved once."""
    connection = new_connection()
    events: list[Event] = []
    try:
        for chunk in ([handshake()] if begins_well else []) + chunks:
            connection.receive_data(chunk)
            take(connection, events)
            assert connection.held_bytes <= LIMIT + 6
        if eof:
            connection.receive_eof()
            take(connection, events)
            assert connection.state is State.CLOSED
    except PeerError:
        assert connection.state is State.FAILED
    tokens = [
        event.token for event in events if isinstance(event, NotificationReceived | UndecodableReceived)
    ]
    assert len(set(tokens)) == len(tokens) == connection.unresolved_count
    for token in tokens:
        connection.resolve(token, Outcome.DELIVERED)
    assert connection.unresolved_count == 0
