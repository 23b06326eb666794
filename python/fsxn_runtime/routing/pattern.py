"""Event patterns of EventBridge, read and matched here as the bus does it. Pure.

A rule's pattern says which events are a workload's. Where no bus decides, for files that a listing found and
for the check of rules, the same pattern is asked, so that one definition of the scope serves both.

Known are the forms that a text field can need (EventBridge user guide, "Comparison operators in event
patterns"): exact values, prefix, suffix, wildcard, equals-ignore-case, anything-but, exists, and $or. Others
(numeric, cidr) are refused. The fields of a file event hold one value, never a list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fsxn_runtime.errors import RejectedError

OR: Final = "$or"
Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Glob:
    """A text with gaps: the pieces in this order, anything between two of them. One piece: that very text."""

    pieces: tuple[str, ...]
    ignores_case: bool = False

    def matches(self, value: object) -> bool:
        """Say whether a value is a text of this form."""
        if not isinstance(value, str):
            return False
        text = value.lower() if self.ignores_case else value
        first, *rest = self.pieces
        if not rest:
            return text == first
        *middle, last = rest
        at, end = len(first), len(text) - len(last)
        if at > end or not (text.startswith(first) and text.endswith(last)):
            return False
        for piece in middle:  # the leftmost place for each leaves most room for the next
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True


@dataclass(frozen=True, slots=True)
class Other:
    """`anything-but`: a value that is there and is none of these."""

    refused: tuple[Glob | Scalar, ...]

    def matches(self, value: object) -> bool:
        """Say whether a value is none of those refused."""
        return not any(each.matches(value) for each in self.refused)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value that is no text: a number, true, false or null."""

    value: float | bool | None

    def matches(self, value: object) -> bool:
        """Say whether it is that value; true is not 1."""
        return type(value) is type(self.value) and value == self.value


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether the field is there at all."""

    wanted: bool


Matcher: TypeAlias = Glob | Other | Scalar | Exists
Test: TypeAlias = tuple[Matcher, ...]  # met when one of them is
Alternative: TypeAlias = Mapping[Path, tuple[Test, ...]]  # met when all tests of all fields are


@dataclass(frozen=True, slots=True)
class Pattern:
    """An event pattern, written as alternatives: an event matches when it meets one of them."""

    alternatives: tuple[Alternative, ...]

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Say whether the bus would hand this event to the rule's targets."""
        return any(
            all(meets(test, *lookup(event, path)) for path, tests in alternative.items() for test in tests)
            for alternative in self.alternatives
        )

    def literals(self, path: Path) -> set[str]:
        """Give the exact texts that the pattern names for a field."""
        return {
            matcher.pieces[0]
            for alternative in self.alternatives
            for test in alternative.get(path, ())
            for matcher in test
            if isinstance(matcher, Glob) and len(matcher.pieces) == 1
        }

    def heads(self, path: Path, event: Mapping[str, Any]) -> list[str]:
        """Give the beginnings of a text field with which this event can match, whatever else is in the field.

        None of them begins with another. [""]: the field may begin with anything; []: it never matches.
        """
        found = {
            head
            for alternative in self.alternatives
            if all(
                meets(test, *lookup(event, other))
                for other, tests in alternative.items()
                for test in tests
                if other != path
            )
            for head in _heads(alternative.get(path, ()))
        }
        return [head for head in sorted(found) if not any(head != o and head.startswith(o) for o in found)]


def parse_pattern(document: str | Mapping[str, Any]) -> Pattern:
    """Read a pattern. Raises RejectedError naming what is wrong or not known here."""
    try:
        given = json.loads(document) if isinstance(document, str) else document
    except ValueError as exc:
        raise _refused(f"is not JSON: {exc}") from exc
    if not isinstance(given, Mapping) or not given:
        raise _refused(f"is {_shown(given)}; it must be an object with at least one field")
    return Pattern(tuple(_alternatives(given, ())))


def lookup(event: Mapping[str, Any], path: Path) -> tuple[bool, object]:
    """Say whether the event has the field, and its value."""
    node: object = event
    for name in path:
        if not isinstance(node, Mapping) or name not in node:
            return False, None
        node = node[name]
    return True, node


def meets(test: Test, is_there: bool, value: object) -> bool:
    """Say whether a field, there or not, meets one matcher of a test."""
    return any(
        is_there is matcher.wanted if isinstance(matcher, Exists) else is_there and matcher.matches(value)
        for matcher in test
    )


def beginnings(tests: Iterable[Test]) -> list[list[str]]:
    """The beginnings that each test allows, of those tests that only texts with certain beginnings meet."""
    return [
        [matcher.pieces[0] for matcher in test if isinstance(matcher, Glob)]
        for test in tests
        if all(isinstance(matcher, Glob) and not matcher.ignores_case for matcher in test)
    ]


def _heads(tests: tuple[Test, ...]) -> list[str]:
    """The beginnings that one field's tests allow; any test alone bounds them, so the narrowest is taken."""
    bounded = beginnings(tests)
    return max(bounded, key=lambda heads: min(map(len, heads)), default=[""])


def _alternatives(given: Mapping[str, Any], path: Path) -> Iterator[Alternative]:
    """Multiply out: each field's alternatives with those of its siblings."""
    found: list[dict[Path, tuple[Test, ...]]] = [{}]
    for name, wanted in given.items():
        own: list[Alternative]
        if name == OR:
            if not isinstance(wanted, list) or not all(isinstance(each, Mapping) and each for each in wanted):
                raise _refused(f"has {OR} with {_shown(wanted)}; it must be a list of objects")
            own = [alternative for each in wanted for alternative in _alternatives(each, path)]
        elif isinstance(wanted, Mapping) and wanted:
            own = list(_alternatives(wanted, (*path, name)))
        elif isinstance(wanted, list) and wanted:
            own = [{(*path, name): (tuple(_matcher(each) for each in wanted),)}]
        else:
            raise _refused(f"has {'.'.join((*path, name))}: {_shown(wanted)}; it must be a list or an object")
        found = [_joined(left, right) for left in found for right in own]
    yield from found


def _joined(left: Alternative, right: Alternative) -> dict[Path, tuple[Test, ...]]:
    return {path: (*left.get(path, ()), *right.get(path, ())) for path in {**left, **right}}


def _matcher(given: object) -> Matcher:
    """Read one entry of a field's list."""
    match given:
        case str():
            return Glob((given,))
        case bool() | int() | float() | None:
            return Scalar(given)
        case {"exists": bool(wanted), **rest} if not rest:
            return Exists(wanted)
        case {"anything-but": refused, **rest} if not rest:
            return _other(refused)
    return _glob(given)


def _other(refused: object) -> Other:
    if isinstance(refused, Mapping) and len(refused) == 1:
        ((form, texts),) = refused.items()
        return Other(tuple(_glob({form: text}) for text in (texts if isinstance(texts, list) else [texts])))
    values = refused if isinstance(refused, list) else [refused]
    if not values:
        raise _refused("has anything-but [], which refuses nothing")
    return Other(tuple(_plain(value) for value in values))


def _plain(value: object) -> Glob | Scalar:
    if isinstance(value, str):
        return Glob((value,))
    if value is None or isinstance(value, bool | int | float):
        return Scalar(value)
    raise _refused(f"has anything-but {_shown(value)}, which is not known here")


def _glob(given: object) -> Glob:
    match given:
        case {"prefix": {"equals-ignore-case": str(text)}, **rest} if not rest:
            return Glob((text.lower(), ""), ignores_case=True)
        case {"suffix": {"equals-ignore-case": str(text)}, **rest} if not rest:
            return Glob(("", text.lower()), ignores_case=True)
        case {"prefix": str(text), **rest} if not rest:
            return Glob((text, ""))
        case {"suffix": str(text), **rest} if not rest:
            return Glob(("", text))
        case {"equals-ignore-case": str(text), **rest} if not rest:
            return Glob((text.lower(),), ignores_case=True)
        case {"wildcard": str(text), **rest} if not rest and "\\" not in text:
            return Glob(tuple(text.split("*")))
    raise _refused(f"has {_shown(given)}, which is not known here")


def _refused(what: str) -> RejectedError:
    return RejectedError(f"the event pattern {what}", code="wrong_pattern")


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
