from __future__ import annotations

from pathlib import Path

import pytest
from fpolicy_server.wire.states import BY_PEER, Input, State, after

from tools.draw_wire_states import page


@pytest.mark.parametrize("happening", Input)
@pytest.mark.parametrize("state", State)
def test_whatever_the_peer_does_in_any_state_is_legal_or_fails(state: State, happening: Input) -> None:
    result = after(state, happening)
    if happening in BY_PEER:
        assert result is not None
    if state in (State.CLOSED, State.FAILED):
        assert result in (state, State.FAILED, None)


@pytest.mark.parametrize("state", State)
def test_every_state_fails_on_an_error_and_ends_when_we_close(state: State) -> None:
    assert after(state, Input.ERROR) is State.FAILED
    assert after(state, Input.CLOSE) in (State.CLOSED, State.FAILED)


def test_no_message_is_legal_before_the_handshake() -> None:
    assert after(State.NEW, Input.MESSAGE) is State.FAILED
    assert after(State.NEGOTIATED, Input.MESSAGE) is State.FAILED


def test_we_cannot_accept_what_was_not_asked() -> None:
    assert [state for state in State if after(state, Input.ACCEPT)] == [State.NEGOTIATED]


def test_the_documented_diagram_is_drawn_from_the_table(repository: Path) -> None:
    """Repair with: python tools/draw_wire_states.py"""
    assert (repository / "docs/wire/states.md").read_text() == page()
