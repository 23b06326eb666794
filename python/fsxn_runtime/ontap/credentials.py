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
- A version that was refused is tried again after minutes, then after an hour, and then never (refusals.py).
  The secret is looked at meanwhile, at intervals: a new version ends the wait. The pending version is tried
  once: a rotation that ends makes it the current one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, inf
from typing import Final, Protocol

from fsxn_runtime.edge.secrets import SecretReader, SecretVersion
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.ontap.errors import OntapUnauthorizedError
from fsxn_runtime.ontap.refusals import Refusals
from fsxn_runtime.ontap.secret import OntapSecret
from fsxn_runtime.ontap.transport import Transport

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
    """Keeps the session in use, and asks the memory of refusals before a try. For one thread at a time.

    accepts: tries a session on GET /api/cluster; False when it says 401.
    """

    def __init__(
        self, source: SecretSource, app: str, clock: Callable[[], float], refusals: Refusals
    ) -> None:
        self._source = source
        self._app = app
        self._clock = clock
        self._refusals = refusals
        self._session: Session | None = None
        self._refused: Versioned | None = None  # the current version while it waits
        self._looked_at = 0.0

    def session(self, accepts: Callable[[Session], bool]) -> Session:
        """Give a session whose credentials ONTAP has accepted.

        Raises OntapUnauthorizedError, and FsxnError when refused logins cannot be read or written.
        """
        if self._session and self._session.is_accepted:
            return self._session
        if self._refused:
            self._wait(self._refused)
        current, pending = self._both()
        return self._admit(accepts, current, (current, pending))

    def after_refusal(self, accepts: Callable[[Session], bool]) -> Session:
        """Give the session to use after a 401: the same one when its credentials are still accepted.

        Raises as `session` does.
        """
        before = self._session
        assert before is not None
        before.is_accepted = False
        current, pending = self._both()
        if current.version_id != before.version_id:
            return self._admit(accepts, current, (current, pending))
        # The pending one first. The 401 counts when the current one is refused again; else it is the role's.
        return self._admit(accepts, current, (pending, current), failed_before=1)

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

    def _admit(
        self,
        accepts: Callable[[Session], bool],
        current: Versioned,
        order: tuple[Versioned | None, Versioned | None],
        failed_before: int = 0,
    ) -> Session:
        """Try what may be tried, in this order. failed_before: logins of the current version not noted."""
        self._refusals.look()
        is_tried = False
        for versioned in order:
            if versioned is None or self._refusals.left(versioned.version_id) > 0:
                continue
            is_current = versioned.version_id == current.version_id
            if not is_current and self._refusals.of(versioned.version_id):
                continue
            is_tried |= is_current
            session = self._use(versioned)
            if accepts(session):
                self._refusals.forget()
                self._refused = None
                session.is_accepted = True
                return session
            self._refuse(current)
            self._refusals.note(versioned.version_id, 1 + (failed_before if is_current else 0))
        self._refuse(current)
        if failed_before and not is_tried:
            self._refusals.note(current.version_id, failed_before)
        raise self._unauthorized(current)

    def _refuse(self, current: Versioned) -> None:
        self._refused = current
        self._looked_at = self._clock()

    def _use(self, versioned: Versioned) -> Session:
        if self._session and self._session.version_id == versioned.version_id:
            return self._session
        made = Session(versioned, self._app)
        self.close()
        self._session = made
        return made

    def _wait(self, refused: Versioned) -> None:
        """Return when the secret has a version that may be tried; raise the refusal otherwise."""
        if self._clock() - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = self._clock()
            if self._refusals.left(self._source.current().version_id) == 0:
                return
        raise self._unauthorized(refused)

    def _unauthorized(self, refused: Versioned) -> OntapUnauthorizedError:
        secret = refused.secret
        known = self._refusals.of(refused.version_id)
        left = self._refusals.left(refused.version_id)
        tries = f"failed logins: {known.tries if known else 0}, allowed: {self._refusals.max_tries}"
        again = "not asked again with this version" if left == inf else f"asked again in {ceil(left)} s"
        return OntapUnauthorizedError(
            f"ONTAP at {secret.management_ip} refuses user {secret.username!r} with the secret's password "
            f"({tries}). It is {again}, so that the account is not locked. Next: fsxn rotation status; "
            "repair the account, and put the secret anew or rotate it: a new version is taken at once",
            status=401,
        )


def _parse(version: SecretVersion) -> Versioned:
    return Versioned(version.version_id, OntapSecret.from_json(version.text))
