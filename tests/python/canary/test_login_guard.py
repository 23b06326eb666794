"""A refused login is not tried again and again: a few refusals lock the account for everybody."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fsxn_runtime import ontap
from fsxn_runtime.canary.logins import MAX_TRIES, LoginGuard, RefusalsObject
from fsxn_runtime.canary.model import FindingError, Reason
from fsxn_runtime.edge.secrets import SecretReader
from fsxn_runtime.errors import FsxnError
from hypothesis import given
from hypothesis import strategies as st

LOCKS_AFTER = 6  # ONTAP's default
ROUND_SECONDS = 300


@dataclass
class Secrets:
    """Secrets Manager with one secret, whose version a test changes."""

    version: str = "v1"

    def get_secret_value(self, SecretId: str, VersionStage: str) -> dict[str, str]:  # noqa: N803 (boto3's)
        return {"VersionId": self.version, "SecretString": "{}"}


@dataclass
class Bucket:
    """S3 with one object; `refuses` is the code of the answer to everything, if any."""

    body: bytes | None = None
    refuses: str = ""

    def get_object(self, **_: str) -> dict[str, Any]:
        self._refuse(self.refuses or ("" if self.body is not None else "AccessDenied"))
        return {"Body": io.BytesIO(self.body or b"")}

    def put_object(self, *, Body: bytes, **_: str) -> None:  # noqa: N803
        self._refuse(self.refuses)
        self.body = Body

    @staticmethod
    def _refuse(code: str) -> None:
        if code:
            answer = {"HTTPStatusCode": 503 if code == "SlowDown" else 403}
            raise ClientError({"Error": {"Code": code}, "ResponseMetadata": answer}, "GetObject")


class World:
    """A wrong password, and runs of the canary against it."""

    def __init__(self) -> None:
        self.secrets, self.bucket, self.now = Secrets(), Bucket(), 1_000_000.0
        self.refused = 0
        self.guard = self.process()

    def process(self) -> LoginGuard:
        """A process of its own, which remembers nothing."""
        memory = RefusalsObject(self.bucket, "b", "k")
        return LoginGuard(SecretReader(self.secrets, "ontap"), memory, lambda: self.now)

    def check(self) -> str:
        """What a check does: log in, and be refused. Its reason, or that of the guard."""
        try:
            version = self.guard.version()
        except FindingError as exc:
            return f"held back: {exc.reason}"
        self.refused += 1
        try:
            self.guard.note_refusal(version)
        except FsxnError:
            return "not kept"
        return "refused"


@pytest.fixture
def world() -> World:
    return World()


@given(st.lists(st.booleans(), min_size=1, max_size=7 * 24 * 12))
def test_a_week_of_runs_with_a_wrong_password_never_locks_the_account(cold: list[bool]) -> None:
    """Every five minutes four checks, in the process of the run before or in a new one."""
    world = World()
    for is_cold in cold:
        world.guard = world.process() if is_cold else world.guard
        for _ in range(4):
            world.check()
        world.now += ROUND_SECONDS
    assert world.refused <= MAX_TRIES < LOCKS_AFTER - ontap.MAX_TRIES  # the reconciler may take these
    assert world.refused == min(MAX_TRIES, 1 + (len(cold) - 1) * ROUND_SECONDS // 3600)


def test_after_an_hour_the_same_version_is_tried_once_more(world: World) -> None:
    assert world.check() == "refused"
    world.now += 3599
    assert world.check() == f"held back: {Reason.UNAUTHORIZED}"
    world.now += 1
    assert (world.check(), world.check()) == ("refused", f"held back: {Reason.UNAUTHORIZED}")


def test_a_new_version_is_tried_at_once_and_has_its_own_count(world: World) -> None:
    for _ in range(MAX_TRIES):
        world.check()
        world.now += 3600
    assert world.check() == f"held back: {Reason.UNAUTHORIZED}"
    world.secrets.version = "v2"
    world.guard = world.process()
    assert world.check() == "refused"


def test_an_accepted_version_has_all_its_tries_again(world: World) -> None:
    """Three times in its life the account is locked by somebody else, and unlocked."""
    for _ in range(2 * MAX_TRIES):
        world.guard = world.process()
        assert world.check() == "refused"
        world.now += 3600
        world.guard.note_success(world.guard.version())


def test_a_success_without_a_refusal_before_writes_nothing(world: World) -> None:
    world.guard.note_success(world.guard.version())
    assert world.bucket.body is None


def test_a_version_that_came_while_the_old_one_was_refused_is_not_blamed(world: World) -> None:
    version = world.guard.version()
    world.secrets.version = "v2"  # a rotation ends meanwhile
    world.guard.note_refusal(version)
    assert world.guard.version() == "v2"


def test_while_the_memory_cannot_be_read_nothing_is_tried(world: World) -> None:
    world.bucket.refuses = "SlowDown"
    assert world.check() == f"held back: {Reason.MISCONFIGURED}"
    assert world.refused == 0


def test_a_version_that_was_accepted_in_the_process_needs_no_memory(world: World) -> None:
    world.guard.note_success(world.guard.version())
    world.bucket.refuses = "SlowDown"
    assert world.guard.version() == "v1"
    world.secrets.version = "v2"
    assert world.check() == f"held back: {Reason.MISCONFIGURED}"
    assert world.refused == 0


def test_what_could_not_be_kept_holds_in_the_process_and_is_kept_later(world: World) -> None:
    version = world.guard.version()
    world.bucket.refuses = "SlowDown"
    with pytest.raises(FsxnError):
        world.guard.note_refusal(version)
    assert world.check() == f"held back: {Reason.MISCONFIGURED}"
    world.bucket.refuses = ""
    assert world.check() == f"held back: {Reason.UNAUTHORIZED}"
    world.guard = world.process()
    assert world.check() == f"held back: {Reason.UNAUTHORIZED}"
    assert world.refused == 0
