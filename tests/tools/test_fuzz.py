"""Every fuzz target finds nothing in a second (`make fuzz` goes on for longer), and finds what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from fpolicy_server import health
from fpolicy_server.framing import ProtobufFrameReader
from fpolicy_server.wire import Connection, FramingMode, UndecodableReceived
from fpolicy_server.wire.framings import Framing, encode_message
from fsxn_runtime.ontap import OntapSecret

from tests.server.wire.test_connection import events_of
from tools.fuzz import ontap, router, run, wire
from tools.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_second_of_broken_input_shows_no_defect_and_some_of_it_is_understood(name: str) -> None:
    inputs, understood = run.fuzz(name, 1.0, seed=20261125)
    assert inputs > 5
    assert understood > 0


@pytest.mark.parametrize("framing", Framing)
def test_the_sound_corpus_is_understood(framing: Framing) -> None:
    """Every message is an event and none is kept as unreadable."""
    messages = wire.corpus() if framing is Framing.QUOTED else wire.protobuf_corpus()
    stream = b"".join(encode_message(message, framing) for message in messages)
    connection = Connection(
        max_frame_bytes=wire.LIMIT_BYTES, handshake_timeout_seconds=5, read_timeout_seconds=300,
        framing_mode=FramingMode.AUTO_DETECT, field_map=wire.FIELD_MAP,
    )  # fmt: skip
    events = events_of(connection, stream, eof=True)
    assert len(events) == len(messages) + 1
    assert not any(isinstance(event, UndecodableReceived) for event in events)


def broken(*_: object, **__: object) -> None:
    raise KeyError("on purpose")


@pytest.mark.parametrize(
    ("name", "place", "attribute"),
    [
        ("wire", Connection, "receive_data"),
        ("framing", ProtobufFrameReader, "read_message"),
        ("router", router, "read"),
        ("secret", OntapSecret, "from_json"),
        ("ontap", ontap, "page_of"),
        ("health", health, "status_of"),
    ],
)
def test_a_reader_that_raises_something_else_is_found_and_its_input_kept(
    name: str, place: object, attribute: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(place, attribute, broken)
    monkeypatch.setattr(run, "REPOSITORY", tmp_path)
    with pytest.raises((KeyError, AssertionError)):
        run.fuzz(name, 20.0, seed=1)
    assert len(list(tmp_path.glob(f"build/fuzz/{name}-1-*.input"))) == 1


def test_every_target_has_a_test_that_breaks_it() -> None:
    (mark,) = test_a_reader_that_raises_something_else_is_found_and_its_input_kept.pytestmark
    assert {row[0] for row in mark.args[1]} == set(TARGETS)
