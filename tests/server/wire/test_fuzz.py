"""The fuzz target finds what is wrong, and finds nothing in a second (`make fuzz` goes on for longer)."""

from __future__ import annotations

import pytest
from fpolicy_server.wire import Connection, FramingMode, UndecodableReceived
from fpolicy_server.wire.framings import Framing, encode_message

from tests.server.wire.test_connection import events_of
from tools import fuzz_wire


def test_a_second_of_broken_streams_gives_events_or_peer_errors() -> None:
    streams, events = fuzz_wire.fuzz(1.0, seed=20261125)
    assert streams > 10
    assert events > streams


@pytest.mark.parametrize("framing", Framing)
def test_the_sound_corpus_is_understood(framing: Framing) -> None:
    """Every message is an event and none is kept as unreadable."""
    messages = fuzz_wire.corpus() if framing is Framing.QUOTED else fuzz_wire.protobuf_corpus()
    stream = b"".join(encode_message(message, framing) for message in messages)
    connection = Connection(
        max_frame_bytes=fuzz_wire.LIMIT_BYTES, handshake_timeout_seconds=5, read_timeout_seconds=300,
        framing_mode=FramingMode.AUTO_DETECT, field_map=fuzz_wire.FIELD_MAP,
    )  # fmt: skip
    events = events_of(connection, stream, eof=True)
    assert len(events) == len(messages) + 1
    assert not any(isinstance(event, UndecodableReceived) for event in events)


def test_a_core_that_raises_something_else_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def broken(self: Connection, data: bytes) -> None:
        raise KeyError(data[:1])

    monkeypatch.setattr(Connection, "receive_data", broken)
    monkeypatch.setattr(fuzz_wire, "REPOSITORY", tmp_path_factory.mktemp("repository"))
    with pytest.raises(KeyError):
        fuzz_wire.fuzz(5.0, seed=1)
    assert len(list(fuzz_wire.REPOSITORY.glob("build/fuzz/1-0.stream"))) == 1
