"""Calls to ONTAP's REST interface: reads with retries, changes sent once, pages and jobs to their end.

A client does one request at a time, over one connection, whatever number of threads use it: ONTAP's
management service lives on the file servers that serve data (ONTAP REST reference 7), and a password that has
changed is then found out by one failed login. Checks that must not wait for each other each take a client of
their own.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self

from fsxn_runtime.edge.clients import client as aws_client
from fsxn_runtime.edge.secrets import SecretReader
from fsxn_runtime.errors import FsxnError
from fsxn_runtime.ontap import answers
from fsxn_runtime.ontap.answers import Json
from fsxn_runtime.ontap.credentials import Credentials, FixedSecret, SecretSource, Session, StoredSecret
from fsxn_runtime.ontap.errors import (
    OntapConflictError,
    OntapError,
    OntapMisconfiguredError,
    OntapOutcomeUnknownError,
    OntapPinMismatchError,
    OntapRejectedError,
    OntapTransientError,
    OntapUnreachableError,
)
from fsxn_runtime.ontap.model import Answer, Request
from fsxn_runtime.ontap.paths import CLUSTER, QueryValue, path, target
from fsxn_runtime.ontap.refusals import ProcessMemory, Refusals
from fsxn_runtime.ontap.secret import OntapSecret
from fsxn_runtime.ontap.turns import Turns

Query = Mapping[str, QueryValue]

# Two silent reads of 20 s (transport.py) and the waits between them.
DEFAULT_DEADLINE_SECONDS: Final = 60.0
_GET_ATTEMPTS: Final = 5  # the vendor client's number (ONTAP REST reference 4)
_FIRST_WAIT_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 5.0
_MAX_PAGES: Final = 1000  # ten million records of full pages; an SVM has at most thousands of anything
_PROBE = Request("GET", target(CLUSTER, ("uuid",)))


class OntapClient:
    """Talks to one file system with one secret.

    Every method takes `deadline_seconds`, the time that it may take altogether; by default the client's.
    Raises the errors of `fsxn_runtime.ontap.errors`; with a stored secret also those of reading it.
    """

    def __init__(
        self,
        secret: OntapSecret | SecretSource,
        *,
        app: str = "fsxn-s3ap",
        deadline_seconds: float = DEFAULT_DEADLINE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        refusals: Refusals | None = None,
    ) -> None:
        """Take a secret, or where to read it; nothing is asked yet. `app` stands in ONTAP's audit log.

        refusals: the memory of failed logins; by default one that ends with the client.
        """
        source = FixedSecret(secret) if isinstance(secret, OntapSecret) else secret
        self._credentials = Credentials(source, app, clock, refusals or Refusals(ProcessMemory(), clock))
        self._deadline_seconds = deadline_seconds
        self._clock = clock
        self._sleep = sleep
        self._turns = Turns()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        with self._my_turn("closing", self._deadline(None)):
            self._credentials.close()

    # reads -------------------------------------------------------------------------------------------

    def get(
        self,
        path_: str,
        *,
        fields: Iterable[str] = (),
        query: Query | None = None,
        deadline_seconds: float | None = None,
    ) -> Json:
        """Read one object, or one page. Asks again while ONTAP is busy or out of reach."""
        return self._read(Request("GET", target(path_, fields, query)), self._deadline(deadline_seconds))

    def records(
        self,
        path_: str,
        *,
        fields: Iterable[str] = (),
        query: Query | None = None,
        deadline_seconds: float | None = None,
    ) -> Iterator[Json]:
        """Yield the records of a collection, page by page. The caller's own time does not count."""
        request = Request("GET", target(path_, fields, query))
        seconds = self._deadline_seconds if deadline_seconds is None else deadline_seconds
        seen: set[str] = set()
        while True:
            seen.add(request.target)
            deadline = self._deadline(seconds)
            found, following = answers.page_of(request, self._read(request, deadline))
            seconds = deadline.left()
            yield from found
            if not following:
                return
            if following in seen or len(seen) >= _MAX_PAGES:
                raise OntapTransientError(
                    f"{request}: after {len(seen)} pages the next one is not new or one too many",
                    code="ontap_bad_answer",
                )
            request = Request("GET", following)

    def clock_ahead_seconds(
        self, *, now: Callable[[], float] = time.time, deadline_seconds: float | None = None
    ) -> float | None:
        """Say how far ONTAP's clock is ahead of this machine's, to about a second and the way there.

        By the header Date of an answer, which has whole seconds; None when there is none. That ONTAP's is its
        own clock's is a guess: nobody has compared.
        """
        before = now()
        _, answer = self._exchange(_PROBE, self._deadline(deadline_seconds))
        moment = parsedate_to_datetime(answer.date) if answer.date else None
        return moment.timestamp() + 0.5 - (before + now()) / 2 if moment else None

    # changes -----------------------------------------------------------------------------------------

    def post(
        self, path_: str, body: Json, *, query: Query | None = None, deadline_seconds: float | None = None
    ) -> Json:
        """Create something, and wait for its job."""
        return self._change("POST", path_, body, query, deadline_seconds)

    def patch(
        self, path_: str, body: Json, *, query: Query | None = None, deadline_seconds: float | None = None
    ) -> Json:
        """Change something, and wait for its job."""
        return self._change("PATCH", path_, body, query, deadline_seconds)

    def delete(
        self, path_: str, *, query: Query | None = None, deadline_seconds: float | None = None
    ) -> Json:
        """Delete something, and wait for its job."""
        return self._change("DELETE", path_, None, query, deadline_seconds)

    def _change(
        self, method: str, path_: str, body: Json | None, query: Query | None, seconds: float | None
    ) -> Json:
        """Send a change once. A job's end is waited for; its record takes the place of `job` in the answer.

        Only a 401 lets it be sent again, with other credentials: it says that nothing was done.
        """
        deadline = self._deadline(seconds)
        payload = None if body is None else json.dumps(body).encode()
        request = Request(method, target(path_, (), query), payload)
        session, answer = self._exchange(request, deadline)
        hidden = [session.secret.password, *answers.secrets_in(body)]
        data = answers.result(request, answer, hidden)
        if answers.next_page(request, data):
            raise OntapOutcomeUnknownError(
                f"{request}: done in part, because ONTAP ran out of time; look before asking again"
            )
        if answer.status != 202:
            return data  # done; a job in it has ended (ONTAP REST reference 6)
        uuid = answers.job_of(data)
        if not uuid:
            raise OntapOutcomeUnknownError(f"{request}: accepted without a job; look before asking again")
        return {**data, "job": self._wait_for_job(request, uuid, deadline, hidden)}

    def _wait_for_job(self, request: Request, uuid: str, deadline: Deadline, hidden: list[str]) -> Json:
        """Wait for a job's end. It is gone 300 s after that (ONTAP REST reference 6), so we see it."""
        poll = Request("GET", target(path("cluster", "jobs", uuid), ("state", "code", "message", "error")))
        wait = _FIRST_WAIT_SECONDS
        while True:
            try:
                job = self._read(poll, deadline)
            except FsxnError as exc:  # whatever it is, the change was accepted
                raise OntapOutcomeUnknownError(
                    f"{request}: accepted as job {uuid}, whose end is out of sight; look first: {exc}"
                ) from exc
            state = job.get("state")
            if state == "success":
                return job
            if state == "failure":
                error = job.get("error") or {"message": job.get("message"), "code": job.get("code")}
                raise answers.failure(request, 0, error, hidden)
            if deadline.left() <= wait:
                raise OntapOutcomeUnknownError(
                    f"{request}: job {uuid} is {str(state)[:20]!r} and the time is up; look before asking "
                    "again"
                )
            self._sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)

    # one exchange ------------------------------------------------------------------------------------

    def _read(self, request: Request, deadline: Deadline) -> Json:
        """Send a GET; again after a while when that may help and there is time."""
        wait = _FIRST_WAIT_SECONDS
        for attempt in range(1, _GET_ATTEMPTS + 1):
            asked = ""
            try:
                session, answer = self._exchange(request, deadline)
                asked = answer.retry_after
                return answers.result(request, answer, [session.secret.password])
            except (OntapTransientError, OntapUnreachableError) as exc:
                pause = max(_seconds(asked), wait * random.uniform(0.5, 1.0))  # noqa: S311 (not a secret)
                if attempt == _GET_ATTEMPTS or deadline.left() <= pause or not _may_heal(exc):
                    raise
            self._sleep(pause)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
        raise AssertionError("the last attempt returns or raises")

    def _exchange(self, request: Request, deadline: Deadline) -> tuple[Session, Answer]:
        """Send a request once, with credentials and a certificate that hold now."""

        def accepts(session: Session) -> bool:
            return session.transport.send(_PROBE, deadline.left).status != 401

        with self._my_turn(request, deadline):
            try:
                session = self._credentials.session(accepts)
                answer = session.transport.send(request, deadline.left)
            except (OntapPinMismatchError, OntapMisconfiguredError):
                # The secret may know a newer certificate by now. Nothing was sent.
                if self._credentials.newer() is None:
                    raise
                session = self._credentials.session(accepts)
                answer = session.transport.send(request, deadline.left)
            if answer.status == 401:
                before = session
                session = self._credentials.after_refusal(accepts)
                if session is not before:
                    answer = session.transport.send(request, deadline.left)
            return session, answer

    @contextmanager
    def _my_turn(self, what: object, deadline: Deadline) -> Iterator[None]:
        if not self._turns.take(deadline.left()):
            raise OntapUnreachableError(f"{what}: other requests of this client took all the time")
        try:
            yield
        finally:
            self._turns.give_back()

    def _deadline(self, seconds: float | None) -> Deadline:
        return Deadline(self._deadline_seconds if seconds is None else seconds, self._clock)


class Deadline:
    """A moment that is some seconds away."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Give the seconds until then; negative after it."""
        return self._end - self._clock()


def connect(
    secret_id: str,
    *,
    secretsmanager: Any = None,
    app: str = "fsxn-s3ap",
    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS,
    refusals: Refusals | None = None,
) -> OntapClient:
    """Give a client for a stored secret (name or ARN). The secret is read at the first call, then kept.

    secretsmanager: the boto3 client to read it with; by default the process's own.
    refusals: the memory of failed logins; by default one that ends with the client.
    """
    reader = SecretReader(secretsmanager or aws_client("secretsmanager"), secret_id)
    return OntapClient(StoredSecret(reader), app=app, deadline_seconds=deadline_seconds, refusals=refusals)


def settled(change: Callable[[], Json], look: Callable[[], Json | None]) -> Json:
    """Make a change; when it fails in a way that leaves open what was done, look and believe what is there.

    look: gives the object when it is as wanted, None when it is not. For policies, whose POST and PATCH may
    be done in part (ONTAP REST reference 13.4), and for changes whose answer was lost. Raises the change's
    error when what is wanted is not there.
    """
    try:
        return change()
    except (OntapConflictError, OntapOutcomeUnknownError, OntapRejectedError, OntapTransientError):
        found = look()
        if found is None:
            raise
        return found


def _may_heal(error: OntapError) -> bool:
    """Say whether asking again may help: without an answer always, with one by its status."""
    return error.status == 0 or error.status in answers.RETRIED_STATUSES


def _seconds(retry_after: str) -> float:
    """Read Retry-After, the form in seconds; a date is left alone, as nobody saw ONTAP send one."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
