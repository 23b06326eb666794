"""Retries, pages, jobs and time, on a server that answers as each test wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fsxn_runtime.errors import TransientError
from fsxn_runtime.ontap import OntapClient, OntapSecret, path, settled
from fsxn_runtime.ontap.errors import (
    OntapConflictError,
    OntapError,
    OntapMisconfiguredError,
    OntapOutcomeUnknownError,
    OntapRejectedError,
    OntapTransientError,
    OntapUnreachableError,
)
from fsxn_runtime.ontap.model import Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.https_server import Asked, HttpsServer, Reply, https_server, make_certificate

THINGS = path("storage", "volumes")
JOB = {"job": {"uuid": "j-1"}}
PROBE = "/api/cluster?fields=uuid"
LOST = Reply(body=None)


class Time:
    """A clock that goes on with real time and with every sleep, without sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Script:
    """Gives the next reply to each request but the client's own question about its credentials."""

    def __init__(self, server: HttpsServer) -> None:
        self.replies: list[Reply] = []
        self._server = server
        server.answering = self.answer

    def answer(self, asked: Asked) -> Reply:
        if asked.target == PROBE:
            return Reply.json({"uuid": "u"})
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    @property
    def asked(self) -> list[Asked]:
        return [asked for asked in self._server.asked if asked.target != PROBE]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsServer]:
    directory = tmp_path_factory.mktemp("https")
    with https_server(directory, make_certificate()) as running:
        yield running


@pytest.fixture
def script(server: HttpsServer) -> Script:
    server.asked.clear()
    return Script(server)


@pytest.fixture
def now() -> Time:
    return Time()


@pytest.fixture
def client(server: HttpsServer, now: Time) -> Iterator[OntapClient]:
    secret = OntapSecret("fsxadmin", "pa55word", server.address, server.bundle)
    with OntapClient(secret, clock=now, sleep=now.sleep) as made:
        yield made


# what is asked ----------------------------------------------------------------------------------------


def test_fields_and_values_are_percent_encoded(client: OntapClient, script: Script) -> None:
    script.replies = [Reply.json({})]
    client.get(
        THINGS, fields=("name", "space.used"), query={"comment": "a b+c&d", "size": ">=1", "is_x": True}
    )
    (asked,) = script.asked
    expected = "comment=a%20b%2Bc%26d&size=%3E%3D1&is_x=true&fields=name,space.used"
    assert asked.target == f"/api/storage/volumes?{expected}"


def test_every_request_names_the_client_and_asks_for_plain_json(client: OntapClient, script: Script) -> None:
    script.replies = [Reply.json({})]
    client.patch(THINGS, {"size": 1})
    (asked,) = script.asked
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert (headers["x-dot-client-app"], headers["accept"]) == ("fsxn-s3ap", "application/json")
    assert json.loads(asked.body) == {"size": 1}


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_a_path_element_that_addresses_something_else_is_refused(part: str) -> None:
    with pytest.raises(OntapRejectedError):
        path("protocols", "fpolicy", part)


# reads ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [Reply(429), Reply(500), Reply(502), Reply(503), Reply(504), LOST])
def test_a_read_is_asked_again(client: OntapClient, script: Script, now: Time, trouble: Reply) -> None:
    script.replies = [trouble, trouble, Reply.json({"name": "x"})]
    assert client.get(THINGS) == {"name": "x"}
    assert [0.25 <= now.slept[0] <= 0.5, 0.5 <= now.slept[1] <= 1.0] == [True, True]


def test_a_read_gives_up_after_five_times(client: OntapClient, script: Script) -> None:
    script.replies = [Reply(503)]
    with pytest.raises(OntapTransientError) as caught:
        client.get(THINGS)
    assert (len(script.asked), caught.value.status) == (5, 503)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 501, 302])
def test_what_will_not_change_is_asked_once(client: OntapClient, script: Script, status: int) -> None:
    script.replies = [Reply(status, headers={"location": "https://elsewhere.example/"})]
    with pytest.raises(OntapError):
        client.get(THINGS)
    assert len(script.asked) == 1


def test_ontap_says_how_long_to_wait(client: OntapClient, script: Script, now: Time) -> None:
    script.replies = [Reply(503, headers={"retry-after": "7"}), Reply.json({})]
    client.get(THINGS)
    assert now.slept == [7.0]


def test_nobody_waits_for_longer_than_there_is_time(client: OntapClient, script: Script, now: Time) -> None:
    script.replies = [Reply(503, headers={"retry-after": "7"})]
    with pytest.raises(OntapTransientError):
        client.get(THINGS, deadline_seconds=6)
    assert now.slept == []


def test_without_time_nothing_is_asked(client: OntapClient, script: Script) -> None:
    with pytest.raises(OntapUnreachableError):
        client.patch(THINGS, {}, deadline_seconds=0)
    assert script.asked == []


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff\xfe", b'{"records": 3}', b'{"records": [3]}'])
def test_a_page_that_is_none_is_an_error(client: OntapClient, script: Script, body: bytes) -> None:
    script.replies = [Reply(200, body)]
    with pytest.raises(OntapTransientError) as caught:
        list(client.records(THINGS))
    assert caught.value.code == "ontap_bad_answer"


def test_an_endless_answer_is_not_kept(
    client: OntapClient, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsxn_runtime.ontap.transport._MAX_BODY_BYTES", 1000)
    script.replies = [Reply(200, b" " * 1001)]
    with pytest.raises(OntapTransientError, match="longer than 1000 bytes"):
        client.get(THINGS)
    script.replies = [Reply(200, b"{}" + b" " * 998)]
    assert client.get(THINGS) == {}


# pages ------------------------------------------------------------------------------------------------


def pages_of(sizes: list[int]) -> list[dict[str, Any]]:
    """Cut records 0, 1, 2 ... into pages of these sizes; 0 is an empty page with a next one."""
    pages, first = [], 0
    for place, size in enumerate(sizes):
        page: dict[str, Any] = {
            "records": [{"n": n} for n in range(first, first + size)],
            "num_records": size,
        }
        if place < len(sizes) - 1:
            page["_links"] = {"next": {"href": f"/api/storage/volumes?start.n={place + 1}"}}
        pages.append(page)
        first += size
    return pages


@given(sizes=st.lists(st.integers(0, 3), min_size=1, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_how_records_are_cut_into_pages_never_changes_them(
    client: OntapClient, script: Script, sizes: list[int]
) -> None:
    script.replies = [Reply.json(page) for page in pages_of(sizes)]
    found = client.records(THINGS, fields=("n",))
    assert [record["n"] for record in found] == list(range(sum(sizes)))


def test_the_next_page_is_asked_for_as_it_is_named(client: OntapClient, script: Script) -> None:
    script.replies = [Reply.json(page) for page in pages_of([1, 1])]
    list(client.records(THINGS, fields=("n",), query={"svm.name": "svm1"}))
    assert script.asked[1].target == "/api/storage/volumes?start.n=1"


def test_a_next_page_that_was_there_before_ends_in_an_error(client: OntapClient, script: Script) -> None:
    page = {"records": [{"n": 1}], "_links": {"next": {"href": "/api/storage/volumes?start.n=1"}}}
    script.replies = [Reply.json(page)]
    with pytest.raises(OntapTransientError, match="not new"):
        list(client.records(THINGS))
    assert len(script.asked) == 2


def test_there_is_an_end_of_pages(
    client: OntapClient, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsxn_runtime.ontap.client._MAX_PAGES", 4)
    script.replies = [Reply.json(page) for page in pages_of([1] * 9)]
    with pytest.raises(OntapTransientError, match="one too many"):
        list(client.records(THINGS))
    assert len(script.asked) == 4


@pytest.mark.parametrize("href", ["https://elsewhere.example/api/x", "//elsewhere.example/api", "api/x", 3])
def test_a_next_page_elsewhere_is_not_asked_for(client: OntapClient, script: Script, href: object) -> None:
    script.replies = [Reply.json({"records": [], "_links": {"next": {"href": href}}})]
    with pytest.raises(OntapTransientError) as caught:
        list(client.records(THINGS))
    assert caught.value.code == "ontap_bad_answer"


# changes and jobs -------------------------------------------------------------------------------------

CHANGES: list[Callable[[OntapClient], object]] = [
    lambda client: client.post(THINGS, {"size": 1}),
    lambda client: client.patch(THINGS, {"size": 1}),
    lambda client: client.delete(THINGS),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "trouble", [LOST, Reply(500), Reply(502), Reply(504), Reply(200, b"<html>"), Reply(202)]
)
def test_a_change_is_sent_once_and_its_outcome_is_unknown(
    client: OntapClient, script: Script, change: Callable[[OntapClient], object], trouble: Reply
) -> None:
    script.replies = [trouble]
    with pytest.raises(OntapOutcomeUnknownError) as caught:
        change(client)
    assert len(script.asked) == 1
    assert isinstance(caught.value, TransientError)


def test_a_change_that_is_put_off_was_not_done(client: OntapClient, script: Script) -> None:
    script.replies = [Reply(429)]
    with pytest.raises(OntapTransientError):
        client.patch(THINGS, {})
    assert len(script.asked) == 1


def test_a_jobs_end_is_waited_for_with_growing_pauses(client: OntapClient, script: Script, now: Time) -> None:
    states = ["queued", "running", "running", "paused", "running", "success"]
    script.replies = [Reply.json(JOB, 202), *(Reply.json({"state": state}) for state in states)]
    assert client.patch(THINGS, {})["job"] == {"state": "success"}
    assert now.slept == [0.5, 1.0, 2.0, 4.0, 5.0]
    assert script.asked[-1].target == "/api/cluster/jobs/j-1?fields=state,code,message,error"


def test_an_answer_in_time_is_not_waited_for(client: OntapClient, script: Script) -> None:
    script.replies = [Reply.json(JOB | {"num_records": 1}, 201)]
    assert client.post(THINGS, {}, query={"return_timeout": 15})["num_records"] == 1
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("job", "kind", "code"),
    [
        ({"state": "failure", "error": {"message": "no", "code": "918701"}}, OntapRejectedError, "918701"),
        ({"state": "failure", "code": 8, "message": "in use"}, OntapConflictError, "8"),
        ({"state": "failure"}, OntapRejectedError, ""),
    ],
)
def test_a_failed_job_says_why(
    client: OntapClient, script: Script, job: object, kind: type[OntapError], code: str
) -> None:
    script.replies = [Reply.json(JOB, 202), Reply.json({"state": "running"}), Reply.json(job)]
    with pytest.raises(kind) as caught:
        client.patch(THINGS, {})
    assert caught.value.ontap_code == code


def test_a_job_that_never_ends_is_left_at_the_deadline(
    client: OntapClient, script: Script, now: Time
) -> None:
    script.replies = [Reply.json(JOB, 202), Reply.json({"state": "running"})]
    with pytest.raises(OntapOutcomeUnknownError, match="running"):
        client.patch(THINGS, {}, deadline_seconds=30)
    assert 25 <= now.now <= 30


@pytest.mark.parametrize(
    "reply", [Reply(404), Reply(403), Reply(401), Reply(503), LOST, Reply(200, b"<html>")]
)
def test_a_job_out_of_sight_leaves_its_outcome_unknown(
    client: OntapClient, script: Script, reply: Reply
) -> None:
    """Also when the role may not read jobs: the change was accepted, so the caller must look."""
    script.replies = [Reply.json(JOB, 202), Reply.json({"state": "running"}), reply]
    with pytest.raises(OntapOutcomeUnknownError, match="j-1"):
        client.patch(THINGS, {})


def test_a_change_of_many_that_ran_out_of_time_was_done_in_part(client: OntapClient, script: Script) -> None:
    script.replies = [Reply.json({"_links": {"next": {"href": "/api/storage/volumes?start.n=1"}}})]
    with pytest.raises(OntapOutcomeUnknownError, match="in part"):
        client.delete(THINGS, query={"name": "lab*"})


def test_what_is_sent_is_in_no_representation() -> None:
    assert "pa55word" not in repr(Request("PATCH", THINGS, b'{"password": "pa55word"}'))


def test_a_password_in_a_change_stays_out_of_every_error(client: OntapClient, script: Script) -> None:
    refused = {"error": {"message": '"n3w-secret" or "pa55word" is invalid', "code": "262197"}}
    script.replies = [Reply.json(refused, 400)]
    with pytest.raises(OntapRejectedError) as caught:
        client.patch(THINGS, {"password": "n3w-secret"})
    assert '"***" or "***" is invalid' in str(caught.value)


# look and believe what is there -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        LOST,
        Reply(500),
        Reply(429),
        Reply.json({"error": {"code": "9765027", "message": "created, not enabled"}}, 400),
        Reply.json({"error": {"code": "1", "message": "exists"}}, 409),
    ],
)
def test_after_an_open_error_what_is_there_decides(client: OntapClient, script: Script, reply: Reply) -> None:
    script.replies = [reply]
    wanted = {"name": "p", "enabled": True}
    assert settled(lambda: client.post(THINGS, {}), lambda: wanted) == wanted
    script.replies = [reply]
    with pytest.raises(OntapError):
        settled(lambda: client.post(THINGS, {}), lambda: None)


def test_what_was_certainly_not_sent_is_not_looked_for(client: OntapClient) -> None:
    def look() -> dict[str, Any]:
        raise AssertionError("nothing was sent")

    with pytest.raises(OntapUnreachableError):
        settled(lambda: client.post(THINGS, {}, deadline_seconds=0), look)


# bytes that are no HTTP -------------------------------------------------------------------------------

http_like = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 ", b"HTTP/9 ", b"204", b"\r\n", b"\r\n\r\n", b"{}", b"\xff",
            b"content-length: 2\r\n", b"content-length: -1\r\n", b"content-length: 2, 3\r\n",
            b"content-length: 99\r\n", b"transfer-encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n", b"zz\r\n",
            b"x" * 70_000, b"content-encoding: gzip\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b": \r\n",
        ]
    )
).map(b"".join)  # fmt: skip


@given(raw=st.one_of(st.binary(max_size=300), http_like), change=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_a_result_or_an_ontap_error(
    client: OntapClient, script: Script, raw: bytes, change: bool
) -> None:
    script.replies = [Reply(raw=raw)]
    try:
        answer = client.patch(THINGS, {}) if change else client.get(THINGS)
    except OntapError as exc:
        assert not isinstance(exc, OntapMisconfiguredError) or exc.status
    else:
        assert isinstance(answer, dict)
