"""Two queues in memory for redrives: a dead-letter queue, the queue its letters came from, and crashes."""

from __future__ import annotations

from fsxn_runtime.redrive import Letter

from tests.support.workload_world import Steps


class MemoryBox:
    """A dead-letter queue: what is taken stays in it, hidden until it is put back. Order is the list's."""

    def __init__(self, steps: Steps, letters: list[Letter]) -> None:
        self.steps = steps
        self.letters = {letter.message_id: letter for letter in letters}
        self.hidden: set[str] = set()

    def take(self, count: int) -> list[Letter]:
        def effect() -> list[Letter]:
            found = [each for each in self.letters.values() if each.message_id not in self.hidden][:count]
            self.hidden |= {each.message_id for each in found}
            return found

        return self.steps.take(effect)

    def delete(self, letter: Letter) -> None:
        def effect() -> None:
            del self.letters[letter.message_id]
            self.hidden.discard(letter.message_id)

        self.steps.take(effect)

    def put_back(self, letters: list[Letter]) -> None:
        self.steps.take(lambda: self.hidden.difference_update(each.message_id for each in letters))


class MemoryTarget:
    """A queue that keeps the ids of what it accepted, or refuses."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.accepted: list[str] = []
        self.refuses: Exception | None = None

    def send(self, letter: Letter) -> None:
        def effect() -> None:
            if self.refuses is not None:
                raise self.refuses
            self.accepted.append(letter.message_id)

        self.steps.take(effect)
