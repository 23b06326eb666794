"""What was collected for a diagnosis: plain JSON values by name, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

WITHHELD: Final = "(withheld)"
# Names whose values never leave the place where they are, and the forms that such values have in a text.
_SECRET_NAME: Final = re.compile(
    r"(?i)(.*_)?(password|passwd|passphrase|secret|secret_?string|authorization|private_?key|token)"
)
_SECRET_TEXTS: Final = (
    re.compile(r"""(?i)(\\?["']?\w*(?:password|passwd|passphrase)\\?["']?\s*[:=]\s*\\?["']?)[^\s"',;}\\]+"""),
    re.compile(r"(?i)(\b(?:basic|bearer)\s+)[A-Za-z0-9+/=._-]{8,}"),
    re.compile(r"()-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One part of what was collected.

    `data` is JSON; None with `why_not` when it could not be had. `code` is the error's, from a bounded set.
    """

    data: Any = None
    why_not: str = ""
    code: str = ""
    seconds: float = 0.0


Facts = Mapping[str, Fact]


def known(facts: Facts, name: str) -> Any:
    """Give the data of one part; None when it was not collected."""
    fact = facts.get(name)
    return fact.data if fact and not fact.why_not else None


def missing(facts: Facts) -> dict[str, str]:
    """Give what could not be collected, and why."""
    return {name: fact.why_not for name, fact in facts.items() if fact.why_not}


def without_secrets(value: Any) -> Any:
    """Give the same JSON value with everything withheld that is a secret by its name or by its form.

    Nothing that is collected should hold one; a log line of somebody else's code may.
    """
    if isinstance(value, Mapping):
        return {
            key: WITHHELD
            if isinstance(held, str) and _SECRET_NAME.fullmatch(str(key))
            else without_secrets(held)
            for key, held in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(held) for held in value]
    if isinstance(value, str):
        for form in _SECRET_TEXTS:
            value = form.sub(rf"\g<1>{WITHHELD}", value)
    return value
