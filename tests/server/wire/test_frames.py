from __future__ import annotations

import itertools

import pytest
from fpolicy_server.wire.errors import PeerError
from fpolicy_server.wire.frames import encode_frame
from fpolicy_server.wire.framings import MessageCutter
from hypothesis import example, given
from hypothesis import strategies as st

from tests.server.frames import frame

LIMIT = 32 * 1024
payloads = st.binary(min_size=1, max_size=600)


def payloads_of(chunks: list[bytes], limit: int = LIMIT) -> list[bytes]:
    reader = MessageCutter(None, limit)
    found = []
    for chunk in chunks:
        reader.feed(chunk)
        while (payload := reader.next_message()) is not None:
            found.append(payload)
    return found


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(places), len(stream)]
    return [stream[begin:end] for begin, end in itertools.pairwise(edges)]


@given(st.lists(payloads, max_size=5), st.data())
@example([b"x" * 34], None)
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(
    sent: list[bytes], data: st.DataObject | None
) -> None:
    stream = b"".join(encode_frame(payload) for payload in sent)
    places = data.draw(st.lists(st.integers(0, len(stream)))) if data else list(range(len(stream)))
    assert payloads_of(cut(stream, places)) == sent


def test_our_frame_is_the_golden_layout() -> None:
    assert encode_frame(b"ab") == b'"\x00\x00\x00\x02"ab' == frame(b"ab")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<", "bad_frame"),
        (b'"\x00\x00\x00\x01x', "bad_frame"),
        (b'"\x00\x00\x00\x00"', "bad_frame"),
        (b'"\x00\x00\x80\x01"', "frame_too_large"),
        (b'"\xff\xff\xff\xff"', "frame_too_large"),
    ],
)
def test_a_malformed_frame_is_refused_from_its_header(data: bytes, code: str) -> None:
    with pytest.raises(PeerError) as caught:
        payloads_of([data])
    assert caught.value.code == code


def test_a_frame_of_exactly_the_limit_is_taken() -> None:
    assert payloads_of([frame(b"x" * LIMIT)]) == [b"x" * LIMIT]


@given(st.lists(st.binary(max_size=400), max_size=20), st.lists(payloads, max_size=20))
def test_memory_stays_below_one_frame_and_one_read(noise: list[bytes], sent: list[bytes]) -> None:
    """Feed frames and noise; after taking what is there, never more than one incomplete frame is held."""
    reader = MessageCutter(None, 600)
    try:
        for chunk in [encode_frame(payload)[:-1] for payload in sent] + noise:
            reader.feed(chunk)
            while reader.next_message() is not None:
                pass
            assert reader.held_bytes <= 6 + 600
    except PeerError:
        pass
