"""Which user and password are used, and when ONTAP is not asked because they are known to be refused.

A stale password that is tried again and again locks the account: ONTAP's default is six failures, for the
rest of the day, and a few processes together are there soon (ONTAP REST reference 9.3). So:

- Credentials that were never accepted are tried on GET /api/cluster first, and only its 401 says that they
  are wrong; elsewhere a 401 may be the role's (reference 1). A wrong password costs one failed login a
  process.
- After a 401 the secret is read again. A new version is tried once; so is the pending version of a rotation
  under way, because between the change in ONTAP and its end the old one is still the current one. What was
  used before is asked about only when neither is there or lets in. So a rotation costs a client one failed
  login.
- When no version is accepted, ONTAP is not asked for minutes. The secret is looked at meanwhile, at
  intervals: a new version ends the wait at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from fsxn_runtime.edge.secrets import SecretReader, SecretVersion
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.ontap.errors import OntapUnauthorizedError
from fsxn_runtime.ontap.secret import OntapSecret
from fsxn_runtime.ontap.transport import Transport

# A quarter of an hour would hide a repaired account from an operator who waits; one minute would lock one
# out.
REFUSE_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Versioned:
    """A secret and the id of its version."""

    version_id: str
    secret: OntapSecret


class SecretSource(Protocol):
    """Where the secret comes from."""

    def current(self) -> Versioned:
        """Read the version in use."""

    def pending(self) -> Versioned | None:
        """Read the version that a rotation is putting in use; None without one."""


class FixedSecret:
    """One secret that never changes: a rotation tries its candidates with it."""

    def __init__(self, secret: OntapSecret) -> None:
        self._versioned = Versioned("fixed", secret)

    def current(self) -> Versioned:
        """Give the secret."""
        return self._versioned

    def pending(self) -> None:
        """Give nothing: there is no rotation under way."""


class StoredSecret:
    """The secret as Secrets Manager keeps it."""

    def __init__(self, reader: SecretReader) -> None:
        self._reader = reader

    def current(self) -> Versioned:
        """Read the version in use. Raises MisconfiguredError when it is no ONTAP secret."""
        return _parse(self._reader.current())

    def pending(self) -> Versioned | None:
        """Read the version under way; one that cannot be read yet is none."""
        found = self._reader.pending()
        try:
            return _parse(found) if found else None
        except MisconfiguredError:
            return None


class Session:
    """A version of the secret in use: its connection, and whether ONTAP accepted its credentials."""

    def __init__(self, versioned: Versioned, app: str) -> None:
        self.version_id = versioned.version_id
        self.secret = versioned.secret
        self.transport = Transport(versioned.secret, app)
        self.is_accepted = False


class Credentials:
    """Keeps the session in use and the memory of what was refused. For one thread at a time.

    accepts: tries a session on GET /api/cluster; False when it says 401.
    """

    def __init__(self, source: SecretSource, app: str, clock: Callable[[], float]) -> None:
        self._source = source
        self._app = app
        self._clock = clock
        self._session: Session | None = None
        self._refused: frozenset[str] = frozenset()
        self._refused_at = self._looked_at = 0.0

    def session(self, accepts: Callable[[Session], bool]) -> Session:
        """Give a session whose credentials ONTAP has accepted. Raises OntapUnauthorizedError."""
        if self._session and self._session.is_accepted:
            return self._session
        if self._refused and self._clock() - self._refused_at < REFUSE_SECONDS:
            self._wait_for_another_version()
        current, pending = self._both()
        return self._admit(accepts, current, pending)

    def after_refusal(self, accepts: Callable[[Session], bool]) -> Session:
        """Give the session to use after a 401: the same one when its credentials are still accepted.

        Raises OntapUnauthorizedError when none is.
        """
        before = self._session
        assert before is not None
        before.is_accepted = False
        current, pending = self._both()
        if current.version_id != before.version_id:
            return self._admit(accepts, current, pending)
        return self._admit(accepts, pending, current)

    def _both(self) -> tuple[Versioned, Versioned | None]:
        """Read the version in use and the one under way.

        The one under way first: a rotation that ends between the two reads has then made it the current one.
        The other way round both reads would miss the new password.
        """
        pending = self._source.pending()
        return self._source.current(), pending

    def newer(self) -> Session | None:
        """Give a session of the current version when that is not the one in use; None when it is."""
        current = self._source.current()
        if self._session and current.version_id == self._session.version_id:
            return None
        return self._use(current)

    def close(self) -> None:
        """Close the connection."""
        if self._session:
            self._session.transport.close()
        self._session = None

    def _admit(self, accepts: Callable[[Session], bool], *candidates: Versioned | None) -> Session:
        tried: set[str] = set()
        for versioned in candidates:
            if versioned is None or versioned.version_id in tried:
                continue
            session = self._use(versioned)
            if accepts(session):
                session.is_accepted = True
                self._refused = frozenset()
                return session
            tried.add(versioned.version_id)
        self._refused = frozenset(tried)
        self._refused_at = self._looked_at = self._clock()
        raise self._unauthorized()

    def _use(self, versioned: Versioned) -> Session:
        if self._session and self._session.version_id == versioned.version_id:
            return self._session
        made = Session(versioned, self._app)
        self.close()
        self._session = made
        return made

    def _wait_for_another_version(self) -> None:
        """Return when the secret has a version that was not refused yet; raise the refusal otherwise."""
        if self._clock() - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = self._clock()
            if self._source.current().version_id not in self._refused:
                return
        raise self._unauthorized()

    def _unauthorized(self) -> OntapUnauthorizedError:
        assert self._session is not None
        secret = self._session.secret
        wait = max(0, round(self._refused_at + REFUSE_SECONDS - self._clock()))
        return OntapUnauthorizedError(
            f"ONTAP at {secret.management_ip} refuses user {secret.username!r} with the secret's password. "
            f"It is not asked again for {wait} s, so that the account is not locked; a new version of the "
            "secret is taken at once. Next: fsxn rotation status",
            status=401,
        )


def _parse(version: SecretVersion) -> Versioned:
    return Versioned(version.version_id, OntapSecret.from_json(version.text))
