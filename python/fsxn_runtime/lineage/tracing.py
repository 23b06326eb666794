"""From a file to its outputs, and from an output back to its inputs, over several steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from fsxn_runtime.errors import RejectedError
from fsxn_runtime.lineage.model import LineageRecord
from fsxn_runtime.lineage.store import LineageStore


@dataclass(frozen=True, slots=True)
class Edge:
    """One record on the way, `steps` away from where the way began.

    `output` is None for a record that made nothing. `is_upstream`: the way goes from output to input.
    """

    record: LineageRecord
    output: str | None
    steps: int
    is_upstream: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """The edges around one file or output, depth first; `is_cut` says that there are more."""

    thing: str
    edges: tuple[Edge, ...]
    is_cut: bool


def trace(store: LineageStore, thing: str, depth: int = 3, most: int = 200) -> Trace:
    """Follow a file (`/vol1/legal/a.pdf`) or an output (`reports/a.json`) both ways.

    `depth` bounds the steps in each direction, `most` the edges in all. An output that is itself a file of a
    later workload goes on if its key is that file's path, with or without the slash before it.
    Raises RejectedError for bounds below 1; errors of the store as they are.
    """
    if depth < 1 or most < 1:
        raise RejectedError(f"depth is {depth}, most is {most}; both must be 1 or more", code="wrong_limit")
    walk = _Walk(store, depth)
    edges = tuple(islice(walk.both(thing), most + 1))
    return Trace(thing, edges[:most], len(edges) > most)


class _Walk:
    """Follows each name once in each direction, so that a circle ends."""

    def __init__(self, store: LineageStore, depth: int) -> None:
        self._store = store
        self._depth = depth
        self._seen: set[tuple[str, bool]] = set()

    def both(self, thing: str) -> Iterator[Edge]:
        yield from self._upstream(thing, 1)
        yield from self._downstream(thing, 1)

    def _is_new(self, name: str, steps: int, *, is_upstream: bool) -> bool:
        key = (name.removeprefix("/"), is_upstream)
        if steps > self._depth or key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _upstream(self, output: str, steps: int) -> Iterator[Edge]:
        if not self._is_new(output, steps, is_upstream=True):
            return
        for key in _names(output):
            for record in self._store.by_output(key):
                yield Edge(record, key, steps, is_upstream=True)
                yield from self._upstream(record.source_file_key, steps + 1)

    def _downstream(self, file: str, steps: int) -> Iterator[Edge]:
        if not self._is_new(file, steps, is_upstream=False):
            return
        for path in _names(file):
            for record in self._store.by_file(path):
                if not record.output_keys:
                    yield Edge(record, None, steps, is_upstream=False)
                for output in record.output_keys:
                    yield Edge(record, output, steps, is_upstream=False)
                    yield from self._downstream(output, steps + 1)


def _names(thing: str) -> tuple[str, str]:
    """Give a name as it is, and with or without the slash by which paths differ from keys."""
    return thing, thing.removeprefix("/") if thing.startswith("/") else f"/{thing}"
