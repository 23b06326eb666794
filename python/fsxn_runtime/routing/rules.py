"""What a set of rules means: which can never match an event of this platform, which overlap. Pure.

Two rules overlap when one event can match both: then two workloads take the same file, which may be wanted. A
rule that no event can match takes nothing, which is never wanted. Both are decided, not guessed: an example
is found, or there is none. What an event can be is `events.DOMAIN`.

Fields of an event do not depend on each other once the alternatives are fixed, so each field is asked for a
value alone. Texts are found by walking all forms of the patterns at once, letter by letter, shortest first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product
from typing import Any, Final

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.events import DETAIL_TYPE, EVENT_SOURCE, EventType
from fsxn_runtime.routing.pattern import (
    Alternative,
    Exists,
    Glob,
    Other,
    Path,
    Pattern,
    Scalar,
    Test,
    beginnings,
    meets,
    parse_pattern,
)

# Some hundred forms at once stay far below it; it ends a walk that would take minutes.
MAX_STATES: Final = 200_000
_WITH_TARGET: Final = (EventType.FILE_RENAME, EventType.DIR_RENAME, EventType.FILE_LINK, EventType.UNKNOWN)
_ABSOLUTE: Final = [{"prefix": "/"}]


def _domain() -> Pattern:
    """The events that this platform puts on the bus (file_event.schema.json), as a pattern.

    A target path is there for renames and links only; of UNKNOWN operations that is not known.
    """
    common = {"source": [EVENT_SOURCE], "detail-type": [DETAIL_TYPE]}
    without = [kind for kind in EventType if kind not in _WITH_TARGET] + [EventType.UNKNOWN]
    kinds = [
        {"event_type": without, "target_path": [{"exists": False}]},
        {"event_type": list(_WITH_TARGET), "target_path": _ABSOLUTE},
    ]
    return Pattern(
        tuple(
            alternative
            for kind in kinds
            for alternative in parse_pattern(
                {**common, "detail": {"file_path": _ABSOLUTE, **kind}}
            ).alternatives
        )
    )


DOMAIN: Final = _domain()
# Fields of a file event by what they hold; those of the envelope and of `user` may hold anything.
_TEXTS: Final = frozenset(
    """schema_version event_id event_type svm_name volume_name file_path client_ip timestamp session_id
    operation protocol protocol_version svm_uuid policy_name received_at timestamp_source""".split()  # noqa: SIM905
)
_MAYBE_TEXTS: Final = frozenset({"target_path", "path_bytes", "target_path_bytes", "file_type"})
_NUMBERS: Final = frozenset({"sequence_number", "volume_msid", "file_size"})
_MAYBE_NUMBERS: Final = frozenset({"offset", "length", "attribute_mask"})
_ENVELOPE: Final = frozenset({"version", "id", "account", "time", "region", "resources", "replay-name"})


class Kind(StrEnum):
    """What may be wrong with rules."""

    NEVER = "never"
    OVERLAP = "overlap"
    UNKNOWN = "unknown"  # its pattern has a form that is not known here, so nothing is said


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a bus: its name, its pattern as a document, whether it is enabled."""

    name: str
    document: Any
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one rule, or with two. `example` is an event that both take."""

    kind: Kind
    rules: tuple[str, ...]
    text: str
    example: Mapping[str, Any] | None = None


def check(rules: Sequence[Rule]) -> list[Finding]:
    """Give what is wrong with a set of rules, by name."""
    known: dict[str, Pattern] = {}
    findings: list[Finding] = []
    for rule in sorted(rules, key=lambda each: each.name):
        try:
            pattern = parse_pattern(rule.document)
            if example(pattern) is not None:
                known[rule.name] = pattern
                continue
            text = "no event of this platform can match it: " + (
                _why(pattern) or "its fields exclude each other"
            )
            findings.append(Finding(Kind.NEVER, (rule.name,), text))
        except RejectedError as exc:
            findings.append(Finding(Kind.UNKNOWN, (rule.name,), str(exc)))
    for (one, first), (two, second) in combinations(known.items(), 2):
        both = example(first, second)
        if both is not None:
            findings.append(Finding(Kind.OVERLAP, (one, two), "one event can match both", both))
    return findings


def example(*patterns: Pattern) -> dict[str, Any] | None:
    """Find the parts of an event that every pattern takes; None when there is no such event."""
    for chosen in product(DOMAIN.alternatives, *(pattern.alternatives for pattern in patterns)):
        found = _example(chosen)
        if found is not None:
            return found
    return None


def _example(alternatives: Sequence[Alternative]) -> dict[str, Any] | None:
    event: dict[str, Any] = {}
    tests_of: dict[Path, list[Test]] = {}
    for alternative in alternatives:
        for path, more in alternative.items():
            tests_of.setdefault(path, []).extend(more)
    # Looked at first, because it costs a hundredth: most pairs of rules take different folders.
    if any(_begin_differently(tests) for tests in tests_of.values()):
        return None
    for path, tests in tests_of.items():
        value = next(_values(path, tests), None)
        if value is None:
            return None
        if value is not _ABSENT:
            node = event
            for name in path[:-1]:
                node = node.setdefault(name, {})
            node[path[-1]] = value.value
    return event


def _begin_differently(tests: Sequence[Test]) -> bool:
    """Say whether two of the tests want texts of different beginnings, so that no text meets both."""
    return any(
        not any(head.startswith(other) or other.startswith(head) for head in one for other in two)
        for one, two in combinations(beginnings(tests), 2)
    )


def _why(pattern: Pattern) -> str:
    """Name the fields that have no value whatever the others are."""
    broken: list[set[str]] = [
        {
            ".".join(path)
            for path, tests in alternative.items()
            if not any(
                next(_values(path, [*tests, *possible.get(path, ())]), None)
                for possible in DOMAIN.alternatives
            )
        }
        for alternative in pattern.alternatives
    ]
    named = set.intersection(*broken)
    return f"nothing fits {' and '.join(sorted(named))}" if named else ""


@dataclass(frozen=True, slots=True)
class _Value:
    """A value of a field; a box, because null is one."""

    value: Any


_ABSENT: Final = _Value(None)


def _values(path: Path, tests: Sequence[Test]) -> Iterator[_Value]:
    """Give values of a field that meet every test, of each kind that the field can hold."""
    texts, numbers, booleans, nothing, absent = _holds(path)
    if absent and all(meets(test, False, None) for test in tests):
        yield _ABSENT
    scalars: list[float | bool | None] = []
    if numbers:
        scalars += _numbers(tests)
    if booleans:
        scalars += [True, False]
    if nothing:
        scalars.append(None)
    yield from (_Value(each) for each in scalars if all(meets(test, True, each) for test in tests))
    if texts:
        text = shortest_text(tests)
        if text is not None:
            yield _Value(text)


def _holds(path: Path) -> tuple[bool, bool, bool, bool, bool]:
    """Say what a field can be: text, number, true or false, null, absent."""
    match path:
        case ("source",) | ("detail-type",):
            return True, False, False, False, False
        case ("detail", name):
            text = name in _TEXTS or name in _MAYBE_TEXTS
            number = name in _NUMBERS or name in _MAYBE_NUMBERS
            must = name in _TEXTS or name in _NUMBERS or name == "replayed"
            return text, number, name == "replayed", name == "file_size", not must
        case ("detail", "user", _):
            return True, True, True, True, True
        case (name,) if name in _ENVELOPE:
            return True, False, False, False, name == "replay-name"
    return False, False, False, False, True


def _numbers(tests: Sequence[Test]) -> list[float | bool | None]:
    """The numbers that the tests name, and one that they do not."""
    named = {scalar.value for scalar in _scalars(tests) if type(scalar.value) in (int, float)}
    fresh = next(number for number in range(len(named) + 1) if number not in named)
    return [*sorted(value for value in named if value is not None), fresh]


def _scalars(tests: Sequence[Test]) -> Iterator[Scalar]:
    for test in tests:
        for matcher in test:
            if isinstance(matcher, Scalar):
                yield matcher
            elif isinstance(matcher, Other):
                yield from (each for each in matcher.refused if isinstance(each, Scalar))


def shortest_text(tests: Sequence[Test]) -> str | None:
    """Find a shortest text that meets every test; None when there is none.

    Raises RejectedError when that would take too long to decide.
    """
    globs = list(dict.fromkeys(glob for test in tests for matcher in test for glob in _globs(matcher)))
    automata = [_Automaton(glob) for glob in globs]
    place = {glob: number for number, glob in enumerate(globs)}
    letters = sorted({letter for automaton in automata for letter in automaton.letters})
    fresh = next(letter for letter in _fresh() if letter not in letters)

    def is_met(test: Test, ends: Sequence[bool]) -> bool:
        for matcher in test:
            match matcher:
                case Glob():
                    if ends[place[matcher]]:
                        return True
                case Other():
                    if not any(ends[place[glob]] for glob in _globs(matcher)):
                        return True
                case Exists():
                    if matcher.wanted:
                        return True
        return False

    def can_be_met(test: Test, states: Sequence[int]) -> bool:
        return any(
            states[place[matcher]] != 0 if isinstance(matcher, Glob) else not isinstance(matcher, Scalar)
            for matcher in test
        )

    first = tuple(automaton.first for automaton in automata)
    seen = {first}
    waiting = deque([(first, "")])
    while waiting:
        states, text = waiting.popleft()
        ends = [automaton.is_end(state) for automaton, state in zip(automata, states, strict=True)]
        if all(is_met(test, ends) for test in tests):
            return text
        for letter in (*letters, fresh):
            following = tuple(
                automaton.step(state, letter) for automaton, state in zip(automata, states, strict=True)
            )
            if following in seen or not all(can_be_met(test, following) for test in tests):
                continue
            if len(seen) >= MAX_STATES:
                raise RejectedError("the rules are too large to be compared", code="too_large")
            seen.add(following)
            waiting.append((following, text + letter))
    return None


def _globs(matcher: object) -> Iterator[Glob]:
    if isinstance(matcher, Glob):
        yield matcher
    elif isinstance(matcher, Other):
        yield from (each for each in matcher.refused if isinstance(each, Glob))


def _fresh() -> Iterator[str]:
    """Letters for "anything else", readable ones first."""
    yield from "xyzabcdefghijklmnopqrstuvw0123456789"
    yield from (chr(number) for number in range(0x4E00, 0x9FFF))


class _Automaton:
    """A glob read letter by letter. A state is a set of places in it, one bit each; 0: no way is left."""

    def __init__(self, glob: Glob) -> None:
        self._ignores_case = glob.ignores_case
        self._gaps = 0
        self._at: dict[str, int] = {}
        length = 0
        for number, piece in enumerate(glob.pieces):
            if number:
                self._gaps |= 1 << length
                length += 1
            for letter in piece:
                self._at[letter] = self._at.get(letter, 0) | 1 << length
                length += 1
        self._end = 1 << length
        self.first = self._over_gaps(1)
        self.letters = {*self._at, *(letter.upper() for letter in self._at if glob.ignores_case)}

    def step(self, state: int, letter: str) -> int:
        """Read one letter."""
        read = letter.lower() if self._ignores_case else letter
        return self._over_gaps((state & self._at.get(read, 0)) << 1 | state & self._gaps)

    def is_end(self, state: int) -> bool:
        """Say whether what was read is a text of this form."""
        return bool(state & self._end)

    def _over_gaps(self, state: int) -> int:
        """A gap may be empty."""
        while (further := state | (state & self._gaps) << 1) != state:
            state = further
        return state
