from __future__ import annotations

from dataclasses import replace

from fpolicy_server.reconnects import SESSION_SECONDS, Reconnects
from fpolicy_server.wire import Handshake, Requests

SESSION = Handshake("svm", "pol0", "session", ("1.2",))


def owing() -> Requests:
    requests = Requests()
    requests.open(1, "SMB_OPEN", 5.0)
    return requests


def test_what_is_due_is_given_to_the_session_that_comes_back_once() -> None:
    reconnects, requests = Reconnects(), owing()
    reconnects.leave(SESSION, requests, 100.0)
    assert reconnects.claim(replace(SESSION, session_id="another"), 101.0) is None
    assert reconnects.claim(replace(SESSION, policy_name="another"), 101.0) is None
    assert reconnects.claim(SESSION, 101.0) is requests
    assert reconnects.claim(SESSION, 101.0) is None


def test_after_the_session_timeout_nothing_is_kept() -> None:
    reconnects = Reconnects()
    reconnects.leave(SESSION, owing(), 100.0)
    assert reconnects.claim(SESSION, 100.1 + SESSION_SECONDS) is None


def test_a_session_that_is_owed_nothing_is_not_kept() -> None:
    reconnects = Reconnects()
    reconnects.leave(SESSION, Requests(), 100.0)
    assert reconnects.claim(SESSION, 100.0) is None


def test_an_answer_given_while_nobody_is_connected_waits_and_wakes_nobody() -> None:
    reconnects, requests, woken = Reconnects(), Requests(), list[int]()
    requests.on_answer = lambda: woken.append(1)
    request = requests.open(1, "SMB_OPEN", 5.0)
    reconnects.leave(SESSION, requests, 100.0)
    assert requests.answer(request, 1)
    assert woken == []
    back = reconnects.claim(SESSION, 101.0)
    assert back is not None and back.take_answers() == [(request, 1)]
