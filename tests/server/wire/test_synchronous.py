"""Synchronous engines: who gets an answer, which, and when none."""

from __future__ import annotations

import pytest
from fpolicy_server.wire import (
    AlertReceived,
    Connection,
    HandshakeReceived,
    IgnoreReason,
    MessageIgnored,
    NotificationReceived,
    OutageReported,
    Outcome,
    RequestCancelled,
    Requests,
    StatusQueried,
    UndecodableReceived,
    VolumeChanged,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.server.frames import frame, golden, handshake, message, notification
from tests.server.wire.test_connection import events_of

DEADLINE = 5.0


def synchronous(*versions: str, inherited: Requests | None = None) -> Connection:
    connection = Connection(
        max_frame_bytes=64 * 1024,
        handshake_timeout_seconds=5,
        read_timeout_seconds=300,
        answer_deadline_seconds=DEADLINE,
    )
    connection.tick(0.0)
    connection.receive_data(handshake(*versions))
    assert isinstance(connection.next_event(), HandshakeReceived)
    connection.accept(inherited)
    assert b"NEGO_RESP" in connection.data_to_send()[:100]
    return connection


def asked(connection: Connection, data: bytes) -> int:
    """Feed one request; give its token."""
    [event] = events_of(connection, data)
    assert isinstance(event, NotificationReceived | UndecodableReceived)
    return event.token


def answer(request_id: int, code: int, kind: str = "NFS_CREAT") -> bytes:
    """The frame of an answer, built by hand."""
    body = (
        f"<FscreenResp><ReqId>{request_id}</ReqId><ReqType>{kind}</ReqType>"
        f"<NotfResp>{code}</NotfResp></FscreenResp>"
    )
    return message("SCREEN_RESP", body.encode())


def cancel(request_id: int, reason: str = "Cancel Timedout") -> bytes:
    body = (
        f"<FscreenCancel><ReqId>{request_id}</ReqId><ReqType>SMB_OPEN</ReqType>"
        f"<CancelReason>{reason}</CancelReason></FscreenCancel>"
    )
    return message("SCREEN_CANCEL", body.encode())


def test_the_golden_denial() -> None:
    connection = synchronous()
    token = asked(connection, golden("synchronous_screen"))
    assert connection.data_to_send() == b""
    assert connection.resolve(token, Outcome.FILTERED, 2)
    assert connection.data_to_send() == golden("deny")


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.QUARANTINED])
def test_what_somebody_keeps_is_allowed(outcome: Outcome) -> None:
    connection = synchronous()
    connection.resolve(asked(connection, notification(7)), outcome)
    assert connection.data_to_send() == answer(7, 1)


def test_what_nobody_has_gets_no_answer() -> None:
    connection = synchronous()
    assert not connection.resolve(asked(connection, notification(7)), Outcome.FAILED)
    assert connection.data_to_send() == b""


def test_answers_may_come_in_any_order() -> None:
    connection = synchronous()
    first, second = asked(connection, notification(1)), asked(connection, notification(2))
    connection.resolve(second, Outcome.DELIVERED)
    connection.resolve(first, Outcome.DELIVERED)
    assert connection.data_to_send() == answer(2, 1) + answer(1, 1)


@pytest.mark.parametrize(("versions", "sent"), [(["1.0"], 2), (["1.1"], 6), (["2.0"], 6)])
def test_an_answer_that_the_version_does_not_have_is_a_plain_denial(versions: list[str], sent: int) -> None:
    connection = synchronous(*versions)
    connection.resolve(asked(connection, notification(1)), Outcome.FILTERED, 6)
    assert connection.data_to_send() == answer(1, sent)


def test_an_unknown_request_type_is_echoed_as_it_came() -> None:
    connection = synchronous()
    connection.resolve(asked(connection, notification(1, kind="SMB_&amp;NEW")), Outcome.DELIVERED)
    assert connection.data_to_send() == answer(1, 1, "SMB_&amp;NEW")


def test_an_unreadable_request_with_an_id_is_answered() -> None:
    connection = synchronous()
    token = asked(connection, notification(9, msid="none"))
    connection.resolve(token, Outcome.QUARANTINED)
    assert connection.data_to_send() == answer(9, 1)


@pytest.mark.parametrize("body", [b"<FscreenReq></FscreenReq>", b"<Fscreen", b"<Other/>"])
def test_an_unreadable_request_without_an_id_cannot_be_answered(body: bytes) -> None:
    connection = synchronous()
    assert not connection.resolve(asked(connection, message("SCREEN_REQ", body)), Outcome.QUARANTINED)
    assert connection.data_to_send() == b""


def test_an_unreadable_header_has_no_request() -> None:
    connection = synchronous()
    assert not connection.resolve(asked(connection, frame(b"no header")), Outcome.QUARANTINED)


def test_at_the_deadline_a_request_is_allowed_and_its_token_stays_ours() -> None:
    connection = synchronous()
    token = asked(connection, notification(1))
    assert connection.tick(DEADLINE - 0.1) == 0
    assert connection.tick(DEADLINE) == 1
    assert connection.data_to_send() == answer(1, 1)
    assert connection.unresolved_count == 1
    assert not connection.resolve(token, Outcome.DELIVERED)
    assert connection.data_to_send() == b""


def test_only_what_is_overdue_is_answered_at_a_deadline() -> None:
    connection = synchronous()
    asked(connection, notification(1))
    connection.tick(3.0)
    asked(connection, notification(2))
    assert connection.tick(DEADLINE) == 1
    assert connection.data_to_send() == answer(1, 1)


def test_a_cancelled_request_gets_no_answer_and_stays_an_event() -> None:
    connection = synchronous()
    token = asked(connection, notification(106))
    assert events_of(connection, golden("cancel")) == [RequestCancelled(106, "Cancel Timedout", True)]
    assert connection.unresolved_count == 1
    assert not connection.resolve(token, Outcome.DELIVERED)
    assert connection.data_to_send() == b""


def test_a_cancel_of_what_does_not_wait_changes_nothing() -> None:
    connection = synchronous()
    assert events_of(connection, cancel(5)) == [RequestCancelled(5, "Cancel Timedout", False)]


def test_a_reason_may_be_a_number() -> None:
    assert events_of(synchronous(), cancel(1, "4")) == [RequestCancelled(1, "4", False)]


def test_a_status_query_is_answered_1_while_the_request_waits_and_2_after() -> None:
    connection = synchronous()
    token = asked(connection, golden("synchronous_screen"))
    assert events_of(connection, golden("status_query")) == [StatusQueried(106, True)]
    assert connection.data_to_send() == golden("status_response")
    connection.resolve(token, Outcome.DELIVERED)
    connection.data_to_send()
    assert events_of(connection, golden("status_query")) == [StatusQueried(106, False)]
    assert b"<Resp>2</Resp>" in connection.data_to_send()


def test_a_status_query_for_a_cancelled_request_is_answered_2() -> None:
    connection = synchronous()
    asked(connection, golden("synchronous_screen"))
    events_of(connection, golden("cancel"), golden("status_query"))
    assert b"<Resp>2</Resp>" in connection.data_to_send()


def test_an_id_that_is_used_again_leaves_the_older_request_without_answer() -> None:
    connection = synchronous()
    older, newer = asked(connection, notification(1)), asked(connection, notification(1))
    assert not connection.resolve(older, Outcome.FILTERED, 2)
    assert connection.resolve(newer, Outcome.DELIVERED)
    assert connection.data_to_send() == answer(1, 1)


def test_answers_of_a_broken_connection_go_over_the_next_one() -> None:
    broken = synchronous()
    token = asked(broken, notification(1))
    broken.close()
    assert broken.requests is not None
    next_one = synchronous(inherited=broken.requests)
    assert broken.resolve(token, Outcome.DELIVERED)
    assert broken.data_to_send() == b""
    assert next_one.data_to_send() == answer(1, 1)


def test_whoever_takes_the_answers_is_woken_by_each() -> None:
    requests, woken = Requests(), list[int]()
    requests.on_answer = lambda: woken.append(1)
    request = requests.open(1, "SMB_OPEN", 5.0)
    assert requests.answer(request, 1) and not requests.answer(request, 1)
    assert woken == [1]


@pytest.mark.parametrize("name", ["cancel", "status_query"])
def test_an_asynchronous_engine_gets_no_answer_to_any_of_it(name: str) -> None:
    connection = Connection(max_frame_bytes=9999, handshake_timeout_seconds=5, read_timeout_seconds=300)
    events = events_of(connection, handshake(), golden(name))
    assert isinstance(events[1], MessageIgnored) and events[1].reason is IgnoreReason.NOT_ASYNCHRONOUS
    assert b"STATUS" not in connection.data_to_send()


@pytest.mark.parametrize("kind", ["SCREEN_CANCEL", "STATUS_QUERY_REQ", "STATUS_REQ"])
def test_what_cannot_be_read_has_no_effect(kind: str) -> None:
    [event] = events_of(synchronous(), message(kind, b"<Nonsense/>"))
    assert event == MessageIgnored(kind, IgnoreReason.UNDECODABLE)


@pytest.mark.parametrize("kind", ["SCREEN_RESP", "STATUS_QUERY_RESP", "NEGO_RESP"])
def test_a_node_does_not_answer_us(kind: str) -> None:
    [event] = events_of(synchronous(), message(kind, b"<X/>"))
    assert event == MessageIgnored(kind, IgnoreReason.WRONG_DIRECTION)


def test_outages_alerts_and_volumes_are_told_in_either_mode() -> None:
    names = ["outage_one_file", "outage_end", "alert", "volume_notification"]
    events = events_of(synchronous("2.0"), *(golden(name) for name in names))
    assert events == [
        OutageReported("//outage_vol/node1-pol0-0001.txt", "pol0", False),
        OutageReported("node1", "pol0", True),
        AlertReceived("FATAL", "FPolicy Handshake failed."),
        VolumeChanged(2147484674, "UNMOUNT"),
    ]


def test_a_volume_notification_is_read_in_both_spellings() -> None:
    body = (
        golden("volume_notification")[6:]
        .partition(b"\n\n")[2]
        .rstrip(b"\0")
        .removeprefix(b'<?xml version="1.0"?>')
    )
    events = events_of(synchronous(), message("VOL_NOTFICATION", body), message("VOL_NOTIFICATION", body))
    assert events == [VolumeChanged(2147484674, "UNMOUNT")] * 2


@pytest.mark.parametrize(
    "payload",
    [
        golden("keep_alive")[6:],  # header, two line feeds, NUL
        golden("keep_alive")[6:-3],  # header alone
        golden("keep_alive")[6:-3] + b"\0",
        golden("keep_alive")[6:-1] + b"<?xml version='1.0'?><KeepAlive>1</KeepAlive>\0",
        golden("keep_alive")[6:-1] + b"anything \xff\0",
    ],
)
def test_a_keep_alive_has_no_effect_in_any_shape(payload: bytes) -> None:
    connection = synchronous()
    [event] = events_of(connection, frame(payload))
    assert event == MessageIgnored("KEEP_ALIVE", IgnoreReason.KEEP_ALIVE)
    assert connection.data_to_send() == b""


class Account(RuleBasedStateMachine):
    """Whatever happens, in any order: at most one answer for each time that an id waited, and a bound."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = synchronous()
        self.now = 0.0
        self.open: dict[int, int] = {}  # token -> id
        self.waiting: dict[int, int] = {}  # id -> token whose answer is due

    @rule(request_id=st.integers(0, 3))
    def ask(self, request_id: int) -> None:
        token = asked(self.connection, notification(request_id))
        self.open[token] = request_id
        self.waiting[request_id] = token

    @precondition(lambda self: self.open)
    @rule(data=st.data(), outcome=st.sampled_from(Outcome), code=st.integers(1, 7))
    def resolve(self, data: st.DataObject, outcome: Outcome, code: int) -> None:
        token = data.draw(st.sampled_from(sorted(self.open)))
        request_id = self.open.pop(token)
        is_due = self.waiting.get(request_id) == token and outcome is not Outcome.FAILED
        assert self.connection.resolve(token, outcome, code) == is_due
        assert self.connection.data_to_send() == (answer(request_id, code) if is_due else b"")
        if is_due:
            del self.waiting[request_id]

    @rule(request_id=st.integers(0, 3))
    def cancel(self, request_id: int) -> None:
        [event] = events_of(self.connection, cancel(request_id))
        assert event == RequestCancelled(request_id, "Cancel Timedout", request_id in self.waiting)
        self.waiting.pop(request_id, None)

    @rule(seconds=st.floats(0, DEADLINE))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        count = self.connection.tick(self.now)
        said = self.connection.data_to_send()
        assert said.count(b"SCREEN_RESP</NotfType>") == count
        for request_id in list(self.waiting):
            if b"<ReqId>%d<" % request_id in said:
                del self.waiting[request_id]

    @invariant()
    def status_is_told_truthfully(self) -> None:
        assert self.connection.requests is not None
        for request_id in range(4):
            assert self.connection.requests.is_waiting(request_id) == (request_id in self.waiting)


TestAccount = Account.TestCase


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 60))
def test_the_account_holds_no_more_than_what_waits(ids: list[int], deadline: int) -> None:
    requests = Requests()
    for number, request_id in enumerate(ids):
        requests.open(request_id, "SMB_OPEN", float(number))
    requests.answer_overdue(float(deadline))
    assert len(requests.take_answers()) <= len(set(ids))
    assert requests.is_empty == (not any(requests.is_waiting(request_id) for request_id in set(ids)))
