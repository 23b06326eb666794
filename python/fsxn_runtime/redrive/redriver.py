"""Send dead letters back, one after the other: send, then delete. Dying in between makes two, never none.

A letter that goes back twice is harmless: a work key or an event id says that it is the same.
What stays is put back when the run ends. While it runs, such a letter is hidden from others (and from the
alarm's metric) for two minutes at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from fsxn_runtime.redrive.core import judge, outcome
from fsxn_runtime.redrive.model import Choice, Judgement, Kind, Letter, Outcome


class Source(Protocol):
    """A dead-letter queue."""

    def take(self, count: int) -> list[Letter]: ...
    def delete(self, letter: Letter) -> None: ...
    def put_back(self, letters: list[Letter]) -> None: ...


class Target(Protocol):
    """The queue that letters came from."""

    def send(self, letter: Letter) -> None: ...


@dataclass(frozen=True, slots=True)
class Redriver:
    """Works through one dead-letter queue. `now_us` is the time as microseconds since 1970."""

    kind: Kind
    source: Source
    target: Target
    now_us: Callable[[], int]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def run(self, choice: Choice) -> Iterator[tuple[Letter, Judgement, Outcome]]:
        """Yield each letter with what was done, at most `limit`, sent at most at the given rate.

        What comes into the queue after the run began is left for the next one: work that fails again at once
        must not go round for ever. Raises what a call raised; what was not sent is in the queue again.
        """
        began_us = self.now_us()
        held: dict[str, Letter] = {}
        due, count, stale = self.clock(), 0, 0
        try:
            while max(count, stale) < choice.limit and (
                batch := self.source.take(min(10, choice.limit - count))
            ):
                # One that comes a second time within a run was hidden for too long: it is no news either.
                fresh = [each for each in batch if each.sent_us <= began_us and each.message_id not in held]
                stale += len(batch) - len(fresh)
                held |= {each.message_id: each for each in batch}
                for letter in fresh:
                    judgement = judge(self.kind, letter)
                    done = outcome(judgement, choice)
                    if done is Outcome.REDRIVEN:
                        self.sleep(max(0.0, due - self.clock()))
                        due = self.clock() + 1 / choice.rate_per_second
                        self.target.send(letter)
                        self.source.delete(letter)
                        del held[letter.message_id]
                    count += 1
                    yield letter, judgement, done
        finally:
            self.source.put_back(list(held.values()))
