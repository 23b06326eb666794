"""Paths through a protobuf message by field numbers, as a field map writes them. Pure.

    2.1         field 1 of the message in field 2
    2.5[1=3].2  field 2 of those messages in field 2.5 whose field 1 is 3
    3.*.1       field 1 of whatever message is in field 3

A value after `=` is a whole number, or a text. `[1=0]` also fits where field 1 is not there: encoders of
version 3 of the language leave out zeros (Protocol Buffers language guide, default values).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fpolicy_server.wire.protobuf import (
    LAST_FIELD_NUMBER,
    MAX_DEPTH,
    MAX_FIELDS,
    Entry,
    ProtobufError,
    entries,
)

_STEP: Final = re.compile(r"(\*|[1-9][0-9]{0,8})(?:\[([1-9][0-9]{0,8})=([^\[\].=]{1,100})\])?")


@dataclass(frozen=True, slots=True)
class Step:
    """One step down: a field number (None: any), and what a field of the message there must be."""

    number: int | None
    asked: int = 0  # 0: nothing is asked
    value: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """How to get from a message to a value in it."""

    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> Path:
        """Read a path. Raises ValueError."""
        found = [_STEP.fullmatch(part) for part in text.split(".")]
        steps = [
            Step(None if match[1] == "*" else int(match[1]), int(match[2] or 0), match[3] or "")
            for match in found
            if match is not None
        ]
        if len(steps) < len(found) or any(
            max(step.number or 1, step.asked) > LAST_FIELD_NUMBER for step in steps
        ):
            raise ValueError(
                f"{text!r:.100} is no path; it must be field numbers like 2.1, 2.5[1=3].2 or 3.*.1"
            )
        if len(steps) > MAX_DEPTH:
            raise ValueError(f"path {text!r:.100} has {len(steps)} steps; at most {MAX_DEPTH} are read")
        return cls(tuple(steps))

    @property
    def numbers(self) -> tuple[int, ...] | None:
        """The field numbers, if it is nothing but those: a path that can be written."""
        plain = [step.number for step in self.steps if step.number is not None and not step.asked]
        return tuple(plain) if len(plain) == len(self.steps) else None


class Budget:
    """How many fields of one outermost message may still be taken apart."""

    def __init__(self) -> None:
        self.left = MAX_FIELDS


class Node:
    """One message, taken apart when it is first looked into. Bytes that are no message have no fields."""

    __slots__ = ("_budget", "_fields", "_raw")

    def __init__(self, raw: bytes, budget: Budget | None = None) -> None:
        self._raw = raw
        self._budget = budget or Budget()
        self._fields: list[Leaf] | None = None

    def check(self) -> None:
        """Raise ProtobufError when the bytes are no message."""
        self._fields = self._apart()

    def at(self, path: Path) -> list[Leaf]:
        """Give the values that a path leads to, in the order of the message."""
        return self._follow(path.steps)

    def holds(self, path: Path) -> bool:
        """Whether the message is there that would hold the last step's field."""
        return len(path.steps) == 1 or bool(self._follow(path.steps[:-1]))

    def _follow(self, steps: tuple[Step, ...]) -> list[Leaf]:
        found = [leaf for leaf in self._content() if leaf.fits(steps[0])]
        if len(steps) == 1:
            return found
        return [below for leaf in found for below in leaf.node._follow(steps[1:])]

    def is_value(self, number: int, value: str) -> bool:
        """Whether the last field of this number has the value; one that is not there counts as 0."""
        text = "0"
        for leaf in self._content():
            if leaf.entry.number == number:
                text = leaf.text
        return text == value

    def _content(self) -> list[Leaf]:
        if self._fields is None:
            try:
                self._fields = self._apart()
            except ProtobufError:
                self._fields = []
        return self._fields

    def _apart(self) -> list[Leaf]:
        found = []
        for entry in entries(self._raw):
            self._budget.left -= 1
            if self._budget.left < 0:
                raise ProtobufError(f"more than {MAX_FIELDS} fields", entry.offset)
            found.append(Leaf(entry, self._budget))
        return found


class Leaf:
    """One field of a message."""

    __slots__ = ("_budget", "_node", "entry")

    def __init__(self, entry: Entry, budget: Budget) -> None:
        self.entry = entry
        self._budget = budget
        self._node: Node | None = None

    @property
    def node(self) -> Node:
        """The message that the field holds; without fields when it holds something else."""
        if self._node is None:
            self._node = Node(self.entry.raw if self.entry.number_value is None else b"", self._budget)
        return self._node

    @property
    def text(self) -> str:
        """A number in digits, or the text; bytes that are no UTF-8 become U+FFFD."""
        if self.entry.number_value is not None:
            return str(self.entry.number_value)
        return self.entry.raw.decode("utf-8", "replace")

    def fits(self, step: Step) -> bool:
        """Whether a step leads here."""
        if step.number is not None and step.number != self.entry.number:
            return False
        return not step.asked or self.node.is_value(step.asked, step.value)
