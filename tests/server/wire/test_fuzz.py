"""The fuzz target finds what is wrong, and finds nothing in a second (`make fuzz` goes on for longer)."""

from __future__ import annotations

import random

import pytest
from fpolicy_server.wire import Connection

from tools import fuzz_wire


def test_a_second_of_broken_streams_gives_events_or_peer_errors() -> None:
    streams, events = fuzz_wire.fuzz(1.0, seed=20261125)
    assert streams > 10
    assert events > streams


def test_the_sound_corpus_is_understood() -> None:
    frames = fuzz_wire.corpus()
    assert fuzz_wire.check(b"".join(frames), random.Random(1)) >= len(frames)


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
