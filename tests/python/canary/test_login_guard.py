"""A refused login is not tried again: a few refusals lock the account for everybody."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from fsxn_runtime.canary.model import FindingError, Reason
from fsxn_runtime.canary.ontap_checks import LoginGuard
from fsxn_runtime.edge.secrets import SecretReader


@dataclass
class Secrets:
    """Secrets Manager with one secret, whose version a test changes."""

    version: str = "v1"
    reads: int = 0

    def get_secret_value(self, SecretId: str, VersionStage: str) -> dict[str, str]:  # noqa: N803 (boto3's)
        self.reads += 1
        return {"VersionId": self.version, "SecretString": "{}"}


class Clock:
    now = 10_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def secrets() -> Secrets:
    return Secrets()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(secrets: Secrets, clock: Clock) -> LoginGuard:
    return LoginGuard(SecretReader(secrets, "ontap"), clock)


def test_without_a_refusal_nothing_is_held_back_and_the_secret_is_not_read(guard, secrets):
    guard.check()
    assert secrets.reads == 0


def test_the_refused_version_is_not_tried_for_an_hour(guard, clock):
    guard.note_refusal()
    for seconds in (0, 300, 3599):
        clock.now = Clock.now + seconds
        with pytest.raises(FindingError, match="not tried") as held:
            guard.check()
        assert held.value.reason == Reason.UNAUTHORIZED
    clock.now = Clock.now + 3600
    guard.check()


def test_a_new_version_is_tried_at_once(guard, secrets):
    guard.note_refusal()
    secrets.version = "v2"
    guard.check()
