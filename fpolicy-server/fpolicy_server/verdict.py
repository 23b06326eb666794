"""Whether a synchronous policy's operation may go ahead: rules as data, allowed by default. Pure.

    [{"prefix": "/vol1/locked/"}, {"suffix": ".mp3", "answer": 6}]

The first rule whose prefix and suffix both fit a path of the operation, old or new, denies it. Case does not
matter, as it does not to SMB.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fsxn_runtime.errors import MisconfiguredError

from fpolicy_server.wire import ALLOW, DENY, HIGHEST_ANSWER

MAX_RULES: Final = 100  # each is tried for every notification


@dataclass(frozen=True, slots=True)
class DenyRule:
    """Denies what begins with `prefix` and ends with `suffix`, both in lower case, with the code `answer`."""

    prefix: str
    suffix: str
    answer: int

    def fits(self, path: str) -> bool:
        """Whether the rule is about this path, given in lower case."""
        return path.startswith(self.prefix) and path.endswith(self.suffix)


def verdict(rules: Sequence[DenyRule], path: str, target: str | None) -> int:
    """Give the answer: 1 to allow, 2 to 7 to deny (docs/wire/synchronous.md)."""
    if not rules:
        return ALLOW
    paths = [name.lower() for name in (path, target) if name is not None]
    return next((rule.answer for rule in rules if any(rule.fits(name) for name in paths)), ALLOW)


def rules_from_json(text: str) -> tuple[DenyRule, ...]:
    """Read the rules. Raises MisconfiguredError naming the first that is wrong."""
    try:
        documents: Any = json.loads(text)
    except ValueError as exc:
        raise _wrong(f"is no JSON: {exc}") from exc
    if not isinstance(documents, list) or len(documents) > MAX_RULES:
        raise _wrong(f"must be a list of at most {MAX_RULES} rules")
    return tuple(_rule(number, document) for number, document in enumerate(documents, 1))


def _rule(number: int, document: object) -> DenyRule:
    if not isinstance(document, dict) or not document.keys() <= {"prefix", "suffix", "answer"}:
        raise _wrong(f"rule {number} is {document!r:.100}; it may have prefix, suffix and answer")
    prefix, suffix = document.get("prefix", ""), document.get("suffix", "")
    answer = document.get("answer", DENY)
    if not isinstance(prefix, str) or not isinstance(suffix, str) or not prefix + suffix:
        raise _wrong(f"rule {number} needs a prefix or a suffix, as text")
    if type(answer) is not int or not DENY <= answer <= HIGHEST_ANSWER:
        raise _wrong(f"rule {number} has the answer {answer!r}; it must be {DENY} to {HIGHEST_ANSWER}")
    return DenyRule(prefix.lower(), suffix.lower(), answer)


def _wrong(what: str) -> MisconfiguredError:
    return MisconfiguredError(f"FPOLICY_DENY_RULES {what}", code="wrong_setting")
