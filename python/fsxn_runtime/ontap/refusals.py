"""How often a refused version of the secret is tried again: after each pause once, and then never.

ONTAP's default locks an account at six refusals, for the rest of the day (ONTAP REST reference 9.3); that its
counter forgets with time, nobody has seen. So every failed login of a version is counted until one is
accepted. The memory is a text that outlives the process where there is a place for it; without one each
process has all tries of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf
from typing import Final, Protocol

from fsxn_runtime.ontap.errors import OntapMisconfiguredError

# A quarter of an hour would hide a repaired account from an operator who waits; one minute is too short for
# anybody to repair it.
REFUSE_SECONDS: Final = 300.0
LATER_SECONDS: Final = 3600.0
PAUSES: Final = (REFUSE_SECONDS, LATER_SECONDS)
MAX_TRIES: Final = 1 + len(PAUSES)
# Versions that are remembered; a secret has two in use at a time, the one before them is history.
_MAX_VERSIONS: Final = 10


@dataclass(frozen=True, slots=True)
class Refusal:
    """How often ONTAP refused a version of the secret, and when last."""

    tries: int
    at: float


class RefusalMemory(Protocol):
    """Where refusals are kept: one text. Both methods raise FsxnError when they cannot."""

    def read(self) -> str:
        """Give what was written last; "" when nothing was."""

    def write(self, text: str) -> None:
        """Keep it in the place of what was there."""


class ProcessMemory:
    """A memory that ends with the process."""

    def __init__(self) -> None:
        self._text = ""

    def read(self) -> str:
        """Give what was written last."""
        return self._text

    def write(self, text: str) -> None:
        """Keep it."""
        self._text = text


class Refusals:
    """The refused versions of one secret.

    clock: seconds; since 1970 when the memory outlives the process. pauses: between the tries, in seconds.
    """

    def __init__(
        self, memory: RefusalMemory, clock: Callable[[], float], pauses: Sequence[float] = PAUSES
    ) -> None:
        self._memory = memory
        self._clock = clock
        self._pauses = pauses
        self.max_tries = 1 + len(pauses)
        self._known: Mapping[str, Refusal] = {}
        self._is_kept = True

    def look(self) -> None:
        """Read what other processes know, before a try. Raises FsxnError: then nothing may be tried.

        What could not be written is written first: it must not be lost.
        """
        if self._is_kept:
            self._known = _parse(self._memory.read())
        else:
            self._keep(self._known)

    def of(self, version_id: str) -> Refusal | None:
        """Give what is known of a version; None when ONTAP did not refuse it."""
        return self._known.get(version_id)

    def left(self, version_id: str) -> float:
        """Give the seconds until a version may be tried: 0 is now, infinity never."""
        refusal = self.of(version_id)
        if refusal is None:
            return 0.0
        if refusal.tries >= self.max_tries:
            return inf
        return max(0.0, refusal.at + self._pauses[refusal.tries - 1] - self._clock())

    def note(self, version_id: str, logins: int = 1) -> None:
        """Remember that so many logins failed now. Raises FsxnError when it cannot be written."""
        before = self.of(version_id)
        tries = logins + (before.tries if before else 0)
        self._keep({**self._known, version_id: Refusal(tries, self._clock())})

    def forget(self) -> None:
        """Forget all: a login was accepted, and ONTAP counts anew. Raises FsxnError when it cannot."""
        if self._known:
            self._keep({})

    def _keep(self, known: Mapping[str, Refusal]) -> None:
        latest = sorted(known.items(), key=lambda item: item[1].at)[-_MAX_VERSIONS:]
        self._known = dict(latest)
        self._is_kept = False
        self._memory.write(json.dumps({version: asdict(refusal) for version, refusal in latest}))
        self._is_kept = True


def _parse(text: str) -> dict[str, Refusal]:
    try:
        document = json.loads(text or "{}")
        known = {
            version: Refusal(int(kept["tries"]), float(kept["at"])) for version, kept in document.items()
        }
        if any(refusal.tries < 1 for refusal in known.values()):
            raise ValueError
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        raise OntapMisconfiguredError(
            "what is kept of refused logins is no such memory, so nothing is tried: one more failed login "
            "may lock the account. Remove it when the secret's password is known to be right"
        ) from None
    return known
