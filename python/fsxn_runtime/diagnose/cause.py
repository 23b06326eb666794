"""What a cause is, and what rules look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from fsxn_runtime.diagnose.facts import Facts, known

_EVIDENCE: Final = 4
_EVIDENCE_CHARACTERS: Final = 300


class Weight(IntEnum):
    """What a cause does to the way of an event."""

    TELLS = 1  # worth a look; it may explain nothing
    HURTS = 2  # some events are late, fail or are put aside
    STOPS = 3  # nothing passes there


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that was seen to be wrong. `runbook` is a file of docs/runbooks, "" when there is none."""

    key: str
    weight: Weight
    says: str
    evidence: tuple[str, ...]
    runbook: str
    command: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What was collected of one deployment, and the prefix of its names."""

    facts: Facts
    prefix: str

    def known(self, name: str) -> Any:
        """Give one part of the facts; None when it was not collected."""
        return known(self.facts, name)

    def ontap(self, part: str) -> Any:
        """Give a part of what the function in the VPC found; None when it could not."""
        return (self.known("ontap") or {}).get("parts", {}).get(part)

    def has_server(self) -> bool:
        """Say whether a server runs; what is not known counts as yes."""
        server = self.known("server")
        return server is None or bool(server["exists"] and server["running"] > 0)


Rule = Callable[[Scene], Iterator[Cause]]


def cause(
    key: str, weight: Weight, says: str, evidence: Sequence[str], runbook: str = "", command: str = ""
) -> Cause:
    """Make a cause; of its evidence the first lines, each cut."""
    shown = tuple(" ".join(text.split())[:_EVIDENCE_CHARACTERS] for text in evidence[:_EVIDENCE])
    return Cause(key, weight, says, shown, runbook, command)
