"""Protobuf by a field map gives what XML gives: the same notifications, messages and answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fpolicy_server.wire import (
    AlertReceived,
    Connection,
    Event,
    FieldMap,
    FileNotification,
    FramingMode,
    HandshakeReceived,
    IgnoreReason,
    MessageIgnored,
    NotificationReceived,
    OutageReported,
    Outcome,
    Paths,
    PeerClosed,
    PeerError,
    RequestCancelled,
    State,
    StatusQueried,
    UndecodableReceived,
    UserId,
    VolumeChanged,
    field_map_from_json,
)
from fpolicy_server.wire.framings import Framing
from fpolicy_server.wire.protobuf import MAX_FIELDS
from hypothesis import given
from hypothesis import strategies as st

from tests.server import frames
from tests.server.protobuf_messages import (
    FILE_TYPES,
    TYPES,
    Content,
    document,
    encoded,
    field_map,
    framed,
    handshake,
    notification,
    protobuf,
)
from tests.server.wire.test_connection import active as active_xml
from tests.server.wire.test_connection import events_of, failure, take
from tests.server.wire.test_framings import cut

FRAMES = Path(__file__).resolve().parents[2] / "data" / "wire" / "types"
MAP = field_map()
FRAMINGS = [Framing.LENGTH_PREFIXED, Framing.FRAMELESS]


def connection(
    mode: FramingMode | None = FramingMode.AUTO_DETECT,
    field_map: FieldMap | None = MAP,
    deadline: float | None = None,
) -> Connection:
    return Connection(
        max_frame_bytes=64 * 1024,
        handshake_timeout_seconds=5,
        read_timeout_seconds=300,
        answer_deadline_seconds=deadline,
        framing_mode=mode,
        field_map=field_map,
    )


def active(
    framing: Framing = Framing.LENGTH_PREFIXED, deadline: float | None = None, **kwargs: Any
) -> Connection:
    """A connection whose handshake is done, and whose answer was taken."""
    made = connection(FramingMode(framing), deadline=deadline, **kwargs)
    made.tick(0.0)
    events_of(made, framed(handshake(), framing))
    made.data_to_send()
    return made


def received(*messages: bytes, **kwargs: Any) -> list[Event]:
    return events_of(active(**kwargs), *(framed(message, Framing.LENGTH_PREFIXED) for message in messages))


def read(message: bytes, **kwargs: Any) -> FileNotification:
    (event,) = received(message, **kwargs)
    assert isinstance(event, NotificationReceived), event
    return event.notification


@pytest.mark.parametrize("frame", sorted(FRAMES.glob("*.frame")), ids=lambda path: path.stem)
def test_each_request_type_is_the_notification_that_xml_makes_of_it(frame: Path) -> None:
    (event,) = events_of(active_xml(), frame.read_bytes())
    assert isinstance(event, NotificationReceived)
    assert read(encoded(event.notification)) == event.notification


numbers = st.integers(0, 2**64 - 1)
names = st.binary(min_size=1, max_size=20)
paths = st.builds(Paths, *[st.none() | names] * 3).filter(lambda paths: paths != Paths())
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda t: t == t.strip()
)


@given(
    st.builds(
        FileNotification,
        request_id=numbers,
        request_type=st.sampled_from(sorted(TYPES)) | st.integers(1000, 2000).map(str),
        client_ip=texts,
        generation_time=st.none() | numbers,
        user=st.builds(UserId, st.none() | numbers, st.none() | texts),
        paths=paths,
        target_paths=st.none() | paths,
        volume_msid=numbers,
        file_size=numbers,
        file_type=st.sampled_from(sorted(FILE_TYPES)),
        protocol_version=st.none() | st.tuples(numbers, numbers),
        offset=st.none() | numbers,
        length=st.none(),
        attribute_mask=st.none() | numbers,
    )
)
def test_any_notification_is_read_back(sent: FileNotification) -> None:
    """Length goes with the offset: the message that holds both is there or not."""
    read_back = read(encoded(sent))
    assert read_back == sent or (sent.offset is not None and read_back.length == 0)


def test_zeros_that_are_left_out_on_the_wire_are_zeros() -> None:
    """Size, type, minor version, offset and length of a first write: all left out by the encoder."""
    found = read(notification(own=[(27, [])], kind=TYPES["NFS_WR"]))
    assert (found.file_size, found.file_type, found.protocol_version) == (0, "FILE", (3, 0))
    assert (found.offset, found.length) == (0, 0)
    assert read(notification()).offset is None  # no message that would hold it


def test_an_operation_without_a_word_keeps_its_raw_code() -> None:
    assert read(notification(kind=999)).request_type == "999"


def test_a_map_of_the_least_makes_an_event_of_the_least() -> None:
    changed = document()
    kept = ("ReqId", "ReqType", "VolMsid", "AccessPath.UNIX_NAME")
    known = changed["messages"][1]["fields"]
    changed["messages"][1]["fields"] = {name: known[name] for name in kept}
    found = read(notification(), field_map=field_map_from_json(json.dumps(changed)))
    assert (found.request_id, found.request_type, found.volume_msid) == (1, "NFS_CREAT", frames.MSID)
    assert found.paths == Paths(unix=b"/a.txt")
    assert (found.client_ip, found.generation_time, found.file_size, found.user) == ("", None, None, UserId())


def test_names_are_bytes_of_any_kind() -> None:
    assert read(notification(path=b"/\xff\n\x00")).paths == Paths(unix=b"/\xff\n\x00")


def test_a_step_with_a_star_takes_whatever_message_is_there() -> None:
    changed = document()
    changed["messages"][1]["fields"]["Offset"] = "72.*.61"
    starred = field_map_from_json(json.dumps(changed))
    assert read(notification(own=[(27, [(61, 7)])]), field_map=starred).offset == 7
    assert read(notification(own=[(26, [(61, 8)])]), field_map=starred).offset == 8


def test_a_rule_for_the_first_message_reads_no_other() -> None:
    """Without anything in a handshake to know it by, only its place tells it apart."""
    changed = document()
    changed["messages"][0] |= {"first": True, "when": []}
    bare = field_map_from_json(json.dumps(changed))
    assert read(notification(), field_map=bare).request_id == 1
    (event,) = received(handshake(), field_map=bare)
    assert isinstance(event, UndecodableReceived)
    assert received(handshake()) == [MessageIgnored("NEGO_REQ", IgnoreReason.REPEATED_HANDSHAKE)]


def test_of_a_field_that_is_there_twice_the_last_counts() -> None:
    """Protocol Buffers encoding guide, "Last One Wins"."""
    assert read(notification(common=[(35, 7)])).volume_msid == 7


def other(number: int, kind: int | None, *fields: tuple[int, Content]) -> bytes:
    return protobuf([*([] if kind is None else [(70, kind)]), (number, list(fields))])


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (protobuf([(70, 5)]), MessageIgnored("KEEP_ALIVE", IgnoreReason.KEEP_ALIVE)),
        (other(75, 6, (1, "WARNING"), (2, "busy")), AlertReceived("WARNING", "busy")),
        (other(76, None, (1, 4711), (2, 2)), VolumeChanged(4711, "UNMOUNT")),
        (other(77, None, (1, "//f"), (2, "pol0"), (3, "Done")), OutageReported("//f", "pol0", True)),
        (other(76, None), MessageIgnored("VOL_NOTFICATION", IgnoreReason.UNDECODABLE)),
        (other(73, 3, (1, 1)), MessageIgnored("SCREEN_CANCEL", IgnoreReason.NOT_ASYNCHRONOUS)),
    ],
)
def test_every_other_message_is_the_event_that_xml_makes_of_it(message: bytes, event: Event) -> None:
    assert received(message) == [event]


def screen(*fields: tuple[int, Content], name: Content = "/a") -> bytes:
    return protobuf([(70, 2), (72, [*fields, (23, [(34, [(1, 2), (2, name)])])])])


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (protobuf([(99, 1)]), "no rule of the protobuf field map fits"),
        (b"\x0b\x01", "no protobuf: at byte 0: wire type 3 of field 1"),
        (protobuf([(70, 2)]), "AccessPath has no path"),
        (protobuf([(70, 2), (72, [(21, 1), (23, [(34, [(1, 2), (2, b"")])])])]), "AccessPath has no path"),
        (protobuf([(70, 2), (72, [(21, 1), (23, [(34, [(1, 2), (2, 7)])])])]), "AccessPath has no path"),
        (
            protobuf([(70, 2), (72, [(21, 1), (23, [(34, [(1, 2), (2, "/a")])])])]),
            "SCREEN_REQ has no ReqType",
        ),
        (protobuf([(70, 2), (72, [(22, 100), (23, [(34, [(1, 2), (2, "/a")])])])]), "ReqId is missing"),
        (
            protobuf([(70, 2), (72, [(21, "x"), (22, 100), (23, [(34, [(1, 2), (2, "/a")])])])]),
            "ReqId is 'x'",
        ),
        (protobuf([(70, 2), (72, "no message")]), "AccessPath has no path"),
    ],
)
def test_what_the_map_cannot_read_is_kept_with_its_bytes(message: bytes, reason: str) -> None:
    (event,) = received(message)
    assert isinstance(event, UndecodableReceived)
    assert event.payload == message
    assert reason in event.reason


def test_a_message_of_too_many_fields_is_not_taken_apart() -> None:
    inner = protobuf([(1, 0)]) * (MAX_FIELDS // 4)
    made = Connection(
        max_frame_bytes=1024 * 1024, handshake_timeout_seconds=5, read_timeout_seconds=300,
        framing_mode=FramingMode.LENGTH_PREFIXED, field_map=MAP,
    )  # fmt: skip
    many = protobuf([(70, 2), *[(72, inner)] * 5])
    (_, event) = events_of(
        made, framed(handshake(), Framing.LENGTH_PREFIXED), framed(many, Framing.LENGTH_PREFIXED)
    )
    assert isinstance(event, UndecodableReceived)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_the_handshake_is_answered_in_its_own_framing(framing: Framing) -> None:
    made = connection(FramingMode.AUTO_DETECT)
    (event,) = events_of(made, framed(handshake("1.0", "1.2"), framing))
    assert isinstance(event, HandshakeReceived)
    assert (event.handshake.versions, event.version) == (("1.0", "1.2"), "1.2")
    said = [(81, [(1, frames.SVM_UUID), (2, "pol0"), (3, frames.SESSION_ID), (4, "1.2")])]
    assert made.data_to_send() == framed(protobuf([(70, 11), *said]), framing)


def test_requests_of_a_synchronous_policy_are_answered_cancelled_and_told_of() -> None:
    made = active(deadline=5.0)
    first, *_ = events_of(
        made, *(framed(notification(number), Framing.LENGTH_PREFIXED) for number in (7, 8, 9))
    )
    assert isinstance(first, NotificationReceived)
    queries = [
        other(74, 4, (1, 7), (2, 112)),
        other(73, 3, (1, 8), (2, "late")),
        other(74, 4, (1, 8), (2, 112)),
    ]
    assert events_of(made, *(framed(query, Framing.LENGTH_PREFIXED) for query in queries)) == [
        StatusQueried(7, True), RequestCancelled(8, "late", True), StatusQueried(8, False),
    ]  # fmt: skip
    status = [
        protobuf([(70, 14), (84, [(1, number), (2, 112), (3, code)])]) for number, code in ((7, 1), (8, 2))
    ]
    assert made.data_to_send() == b"".join(framed(message, Framing.LENGTH_PREFIXED) for message in status)
    assert made.resolve(first.token, Outcome.DELIVERED, 2)
    answer = protobuf([(70, 12), (82, [(1, 7), (2, TYPES["NFS_CREAT"]), (3, 2)])])
    assert made.data_to_send() == framed(answer, Framing.LENGTH_PREFIXED)
    made.tick(10.0)
    allowed = protobuf(
        [(70, 12), (82, [(1, 9), (2, TYPES["NFS_CREAT"]), (3, 1)])]
    )  # the third, at its deadline
    assert made.data_to_send() == framed(allowed, Framing.LENGTH_PREFIXED)


def test_a_request_that_cannot_be_read_is_answered_by_its_id() -> None:
    made = active(deadline=5.0)
    message = protobuf([(70, 2), (72, [(21, 5), (22, 999)])])
    (event,) = events_of(made, framed(message, Framing.LENGTH_PREFIXED))
    assert isinstance(event, UndecodableReceived)
    assert made.resolve(event.token, Outcome.QUARANTINED)
    answer = protobuf([(70, 12), (82, [(1, 5), (2, 999), (3, 1)])])  # a code without a word, as it came
    assert made.data_to_send() == framed(answer, Framing.LENGTH_PREFIXED)


def test_a_request_without_an_id_is_answered_to_nobody() -> None:
    made = active(deadline=5.0)
    (event,) = events_of(made, framed(protobuf([(70, 2), (72, [(22, 999)])]), Framing.LENGTH_PREFIXED))
    assert isinstance(event, UndecodableReceived)
    assert not made.resolve(event.token, Outcome.QUARANTINED)


def test_back_pressure_goes_out_if_the_map_has_it() -> None:
    made = active()
    made.apply_back_pressure()
    applied = protobuf([(70, 15), (85, [(1, frames.SESSION_ID), (2, 1)])])
    assert made.data_to_send() == framed(applied, Framing.LENGTH_PREFIXED)
    made.remove_back_pressure()
    removed = protobuf([(70, 16), (85, [(1, frames.SESSION_ID), (2, 0)])])
    assert made.data_to_send() == framed(removed, Framing.LENGTH_PREFIXED)
    changed = document()
    del changed["replies"]["BACK_PRESSURE_APPLY"]
    silent = active(field_map=field_map_from_json(json.dumps(changed)))
    silent.apply_back_pressure()
    assert silent.data_to_send() == b""


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("mode", [FramingMode.AUTO_DETECT, None])
def test_without_a_map_a_protobuf_connection_is_refused_with_the_next_step(
    framing: Framing, mode: FramingMode | None
) -> None:
    """The mode that fits the framing, or AUTO_DETECT."""
    made = connection(mode or FramingMode(framing), field_map=None)
    with pytest.raises(PeerError) as caught:
        events_of(made, framed(handshake(), framing))
    assert caught.value.code == "protobuf_unmapped"
    for word in (
        "FPOLICY_CAPTURE_DIR",
        "fpolicy-server inspect FILE",
        "FPOLICY_PROTOBUF_FIELD_MAP",
        "to xml",
    ):
        assert word in str(caught.value)
    assert made.state is State.FAILED
    assert made.data_to_send() == b""


def test_without_a_mode_only_quoted_frames_are_read() -> None:
    made = connection(None)
    with pytest.raises(PeerError, match="an engine whose format is protobuf begins otherwise") as caught:
        events_of(made, framed(handshake(), Framing.LENGTH_PREFIXED))
    assert caught.value.code == "bad_frame"


@pytest.mark.parametrize("first", [notification(), b"\x0b\x01", protobuf([(99, 1)])])
def test_nothing_but_a_handshake_may_come_first(first: bytes) -> None:
    assert failure(connection(), framed(first, Framing.LENGTH_PREFIXED)) == "message_before_handshake"


def test_a_handshake_without_names_or_a_known_version_is_refused() -> None:
    nameless = protobuf([(70, 1), (71, [(14, "1.2")])])
    assert failure(connection(), framed(nameless, Framing.LENGTH_PREFIXED)) == "bad_handshake"
    assert failure(connection(), framed(handshake("9.9"), Framing.LENGTH_PREFIXED)) == "no_common_version"


@pytest.mark.parametrize("mode", FramingMode)
def test_xml_is_served_in_every_mode(mode: FramingMode) -> None:
    made = connection(mode)
    events = events_of(made, frames.handshake(), frames.notification(1, path="/a.txt"), eof=True)
    assert [type(event) for event in events] == [HandshakeReceived, NotificationReceived, PeerClosed]
    assert made.data_to_send() == frames.golden("handshake_response")


def outcome(mode: FramingMode | None, chunks: list[bytes]) -> tuple[list[Event], str, bytes]:
    """What a stream gives: its events, how it ended, and what was said."""
    made, found = connection(mode), list[Event]()
    try:
        for chunk in chunks:
            made.receive_data(chunk)
            take(made, found)
        made.receive_eof()
        take(made, found)
    except PeerError as exc:
        return found, exc.code, made.data_to_send()
    return found, "", made.data_to_send()


STREAMS = {
    None: frames.handshake() + frames.notification(1) + frames.message("KEEP_ALIVE", b""),
    **{
        framing: b"".join(
            framed(message, framing) for message in (handshake(), notification(1), protobuf([(70, 5)]))
        )
        for framing in FRAMINGS
    },
}


@pytest.mark.parametrize("framing", STREAMS)
@pytest.mark.parametrize("mode", [None, *FramingMode])
@given(data=st.data())
def test_how_a_stream_is_cut_never_changes_the_events(
    framing: Framing | None, mode: FramingMode | None, data: st.DataObject
) -> None:
    """Streams of every framing in every mode, whole or with one byte broken; the end may come anywhere."""
    stream = bytearray(STREAMS[framing])
    if data.draw(st.booleans()):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    kept = bytes(stream[: data.draw(st.integers(0, len(stream)))])
    places = data.draw(st.lists(st.integers(0, len(kept)), max_size=8))
    assert outcome(mode, cut(kept, places)) == outcome(mode, [kept])


@pytest.mark.parametrize("mode", [None, *FramingMode])
@given(stream=st.binary(max_size=300), has_begun=st.sampled_from(FRAMINGS))
def test_any_bytes_give_events_or_a_peer_error(
    mode: FramingMode | None, stream: bytes, has_begun: Framing
) -> None:
    outcome(mode, [stream])
    outcome(mode, [framed(handshake(), has_begun), stream])
