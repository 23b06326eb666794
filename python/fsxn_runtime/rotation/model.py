"""What a rotation knows: the request, the secret's versions and stages, what was tried, what comes next.

Source: AWS facts 3 (Secrets Manager user guide and API model).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from fsxn_runtime.errors import MisconfiguredError, RejectedError

CURRENT: Final = "AWSCURRENT"
PENDING: Final = "AWSPENDING"
PREVIOUS: Final = "AWSPREVIOUS"
FSXADMIN: Final = "fsxadmin"
US_PER_SECOND: Final = 1_000_000
US_PER_DAY: Final = 86_400 * US_PER_SECOND


class Step(StrEnum):
    """The four steps, in their order. Camel case only: a page that prints create_secret is wrong."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


@dataclass(frozen=True, slots=True)
class Request:
    """One call of Secrets Manager. `token` is the id of the version that it makes."""

    step: Step
    secret_id: str
    token: str
    rotation_token: str = field(default="", repr=False)

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Request:
        """Read the event. Raises RejectedError naming what is wrong."""
        values = {name: event.get(name) for name in ("Step", "SecretId", "ClientRequestToken")}
        for name, value in values.items():
            if not isinstance(value, str) or not value:
                raise RejectedError(f"{name} is {value!r}; it must be a text", code="wrong_event")
        if values["Step"] not in set(Step):
            raise RejectedError(
                f"Step is {values['Step']!r}; it must be {', '.join(Step)}", code="wrong_event"
            )
        token = event.get("RotationToken")
        return cls(
            Step(str(values["Step"])),
            str(values["SecretId"]),
            str(values["ClientRequestToken"]),
            token if isinstance(token, str) else "",
        )


@dataclass(frozen=True, slots=True)
class Memory:
    """What one step tells the next, and one rotation the other: kept in one tag of the secret, written whole.

    refused: logins in a row that were refused, or sent without a known end. It is raised before each one, so
        a crash makes it count high, never low.
    refused_at_us: when the last of them began.
    strength: which row of the password policies the next password is made by.
    cluster_uuid: the cluster that first accepted a password; "" before that.
    result: the last step and how it ended, for `fsxn rotation status`.
    """

    refused: int = 0
    refused_at_us: int = 0
    strength: int = 0
    cluster_uuid: str = ""
    result: str = ""

    @classmethod
    def from_text(cls, text: str) -> Memory:
        """Read the tag's value. What somebody made unreadable counts as refusals: a person must look."""
        parts = dict(part.partition("=")[::2] for part in text.split())
        try:
            return cls(
                int(parts.get("refused", 0)),
                int(parts.get("at", 0)),
                int(parts.get("strength", 0)),
                parts.get("cluster", ""),
                parts.get("result", ""),
            )
        except ValueError:
            return cls(refused=99)

    def to_text(self) -> str:
        """Write the tag's value, in the characters that tags may have."""
        text = f"refused={self.refused} at={self.refused_at_us} strength={self.strength}"
        text += f" cluster={self.cluster_uuid}" if self.cluster_uuid else ""
        return text + (f" result={self.result}" if self.result else "")


@dataclass(frozen=True, slots=True)
class Description:
    """What Secrets Manager tells of a secret without its values. Times are microseconds since 1970."""

    arn: str
    is_rotation_on: bool
    stages: Mapping[str, frozenset[str]]  # by version id
    memory: Memory
    created_us: int
    rotated_us: int | None = None
    next_rotation_us: int | None = None
    schedule: str = ""

    def version_of(self, stage: str) -> str | None:
        """Give the id of the version that has a stage."""
        return next((version for version, stages in self.stages.items() if stage in stages), None)

    @property
    def unfinished(self) -> str | None:
        """Give the version of a rotation that has begun and not ended."""
        pending = self.version_of(PENDING)
        return None if pending is None or CURRENT in self.stages[pending] else pending


@dataclass(frozen=True, slots=True)
class Version:
    """A version's value as it is kept: more members than a client needs are left alone."""

    version_id: str
    text: str = field(repr=False)
    created_us: int = 0

    def data(self) -> dict[str, Any]:
        """Read the JSON object. Raises MisconfiguredError, which holds nothing of the text."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            found = None  # the original error keeps the whole text
        if not isinstance(found, dict):
            raise MisconfiguredError(
                f"version {self.version_id} of the secret is no JSON object; see fsxn rotation recover",
                code="wrong_secret",
            )
        return found

    @property
    def is_blank(self) -> bool:
        """Say whether there is nothing in it."""
        return not self.text.strip()

    def with_password(self, password: str) -> str:
        """Write the same value with another password."""
        return json.dumps({**self.data(), "password": password})


class Login(StrEnum):
    """How a login ended. What has no such end is an error, not an answer."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class MoveKind(StrEnum):
    """What setSecret does next."""

    TRY = "try"  # log in with the password of `stage`
    CHANGE = "change"  # change the password, logged in with that of `stage`
    DONE = "done"  # ONTAP has the pending password
    STUCK = "stuck"  # no version's password is accepted


@dataclass(frozen=True, slots=True)
class Move:
    """The next move, and the stage that it is about."""

    kind: MoveKind
    stage: str = ""


class Finish(StrEnum):
    """What finishSecret does next."""

    PROMOTE = "promote"
    CLEAN = "clean"  # take AWSPENDING off the version that is current now
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many logins in a row may be refused, and the pause after a round of them in seconds."""

    refused_logins: int
    pause_seconds: int


@dataclass(frozen=True, slots=True)
class Account:
    """The account in ONTAP. `owner_uuid` of one of the file system is the cluster's UUID (reference 9.1)."""

    name: str
    owner_uuid: str
    scope: str
    is_locked: bool
    has_password_login: bool


@dataclass(frozen=True, slots=True)
class Check:
    """One statement of a rehearsal."""

    name: str
    is_ok: bool
    text: str

    def to_dict(self) -> dict[str, object]:
        """Give the JSON form."""
        return {"name": self.name, "ok": self.is_ok, "text": self.text}


@dataclass(frozen=True, slots=True)
class Status:
    """What is known without asking ONTAP. Ages are days and hours, None when there is nothing of that age."""

    age_days: float
    unfinished_hours: float | None
    stages: Mapping[str, str]
    schedule: str
    next_rotation_us: int | None
    refused_logins: int
    last_result: str
    is_rotation_on: bool
